"""Messages in the order that chat requires."""

from dataclasses import replace

from tests.translate.responses_via_chat.chat_backend import (
    OPENAI,
    SELF_HOSTED,
    asking,
    context,
    refused,
)
from tests.translate.responses_via_chat.input.items import (
    CHAT_USER,
    USER,
    called,
    gave,
    messages,
    said,
)


def test_instructions_come_first() -> None:
    assert messages(OPENAI, "hi", instructions="be kind") == [
        {"role": "system", "content": "be kind"},
        CHAT_USER,
    ]
    reasoning = replace(OPENAI, reasoning=True)
    assert messages(reasoning, "hi", instructions="be kind")[0]["role"] == "developer"
    mute = replace(reasoning, developer_role=False)
    assert messages(mute, "hi", instructions="be kind")[0]["role"] == "system"


def test_empty_instructions_are_not_a_message() -> None:
    for able in (OPENAI, SELF_HOSTED):
        assert messages(able, "hi", instructions="") == [CHAT_USER]
        assert messages(able, [USER], instructions="") == [CHAT_USER]


def test_a_call_without_arguments_has_an_empty_object() -> None:
    for given in ("", " ", "\n\t"):
        called_so = {**called("c"), "arguments": given}
        _, message, _ = messages(OPENAI, [USER, called_so, gave("c")])
        assert message["tool_calls"][0]["function"]["arguments"] == "{}"


def test_system_and_developer_messages_stay_in_place_where_the_backend_knows_them() -> None:
    items = [
        said("system", "a"),
        said("developer", "b"),
        USER,
        said("developer", "c"),
    ]
    assert [m["role"] for m in messages(OPENAI, items)] == [
        "system",
        "developer",
        "user",
        "developer",
    ]


def test_system_messages_before_the_first_user_are_merged_for_simple_templates() -> None:
    items = [
        said("developer", [{"type": "input_text", "text": "b"}, {"type": "text", "text": "c"}]),
        said("assistant", "Welcome"),
        said("system", "d"),
        USER,
        said("developer", "late"),
    ]
    assert messages(SELF_HOSTED, items, instructions="a") == [
        {"role": "system", "content": "a\n\nb\nc\n\nd"},
        {"role": "assistant", "content": "Welcome"},
        CHAT_USER,
        {"role": "system", "content": "late"},
    ]
    assert messages(SELF_HOSTED, [said("system", "a"), USER])[0]["content"] == "a"
    assert messages(SELF_HOSTED, [said("assistant", "x"), said("system", "a")]) == [
        {"role": "system", "content": "a"},
        {"role": "assistant", "content": "x"},
    ]


def test_outputs_directly_follow_their_calls() -> None:
    items = [
        USER,
        called("a"),
        called("b"),
        said("user", "well?"),
        gave("a"),
        USER,
        gave("b"),
    ]
    assert [m["role"] for m in messages(OPENAI, items)] == [
        "user",
        "assistant",
        "tool",
        "tool",
        "user",
        "user",
    ]


def test_calls_one_after_another_stay_apart() -> None:
    items = [
        USER,
        called("a"),
        gave("a"),
        called("b"),
        gave("b"),
        said("assistant", "done"),
    ]
    assert [m["role"] for m in messages(OPENAI, items)] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "tool",
        "assistant",
    ]


def test_a_call_without_an_output_is_refused() -> None:
    error = refused(input=[USER, called("a"), said("user", "next")])
    assert "No tool output found for function call a" in error.message
    assert error.param == "input[1]"


def test_an_input_without_any_message_is_refused() -> None:
    error = refused(input=[])
    assert (error.param, error.code) == ("input", "empty_array")
    assert refused(context(hosted_tools="drop"), input=[{"type": "mcp_call"}]).param == "input"
    assert messages(OPENAI, [], instructions="a") == [{"role": "system", "content": "a"}]


def test_system_messages_that_become_one_are_named_after_the_first() -> None:
    given = [{"role": "system", "content": text} for text in "ab"]
    translation = asking(context(SELF_HOSTED), input=[*given, {"role": "user", "content": "c"}])
    assert translation.client_param(0, "messages[0].content") == "input[0].content"
    assert translation.client_param(0, "messages[1].content") == "input[2].content"


def test_a_string_input_and_merged_instructions_are_named_as_a_whole() -> None:
    assert asking().client_param(0, "messages[0].content") == "input"
    merged = [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]
    translation = asking(context(SELF_HOSTED), instructions="c", input=merged)
    assert translation.client_param(0, "messages[0].content") == "instructions"
    assert translation.client_param(0, "messages[1].content") == "input[1].content"
