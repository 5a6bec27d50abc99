"""The check of chat messages."""

import pytest

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.schema.chat_messages import CONVERSATION, Message


def message_fault(message: object) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        Message().accept(message, "messages[1]")
    return caught.value


@pytest.mark.parametrize(
    ("message", "param", "code"),
    [
        ("hello", "messages[1]", "invalid_type"),
        ({}, "messages[1].role", "missing_required_parameter"),
        ({"role": None, "content": "x"}, "messages[1].role", "missing_required_parameter"),
        ({"role": 1, "content": "x"}, "messages[1].role", "invalid_type"),
        ({"role": "robot", "content": "x"}, "messages[1].role", "invalid_value"),
        ({"role": "user"}, "messages[1].content", "missing_required_parameter"),
        ({"role": "system", "content": None}, "messages[1].content", "missing_required_parameter"),
        ({"role": "developer", "content": 1}, "messages[1].content", "invalid_type"),
        ({"role": "user", "content": []}, "messages[1].content", "empty_array"),
        ({"role": "user", "content": "x", "name": 1}, "messages[1].name", "invalid_type"),
        ({"role": "assistant", "content": {}}, "messages[1].content", "invalid_type"),
        ({"role": "assistant", "refusal": 1}, "messages[1].refusal", "invalid_type"),
        ({"role": "assistant", "tool_calls": {}}, "messages[1].tool_calls", "invalid_type"),
        ({"role": "assistant", "tool_calls": [1]}, "messages[1].tool_calls[0]", "invalid_type"),
        (
            {"role": "assistant", "tool_calls": [{}]},
            "messages[1].tool_calls[0].function",
            "missing_required_parameter",
        ),
        (
            {"role": "assistant", "tool_calls": [{"type": "custom", "custom": {"name": "c"}}]},
            "messages[1].tool_calls[0].custom.input",
            "missing_required_parameter",
        ),
        (
            {"role": "assistant", "function_call": {"name": "f"}},
            "messages[1].function_call.arguments",
            "missing_required_parameter",
        ),
        (
            {"role": "tool", "content": "x"},
            "messages[1].tool_call_id",
            "missing_required_parameter",
        ),
        (
            {"role": "tool", "tool_call_id": "call_1"},
            "messages[1].content",
            "missing_required_parameter",
        ),
        ({"role": "function", "content": "x"}, "messages[1].name", "missing_required_parameter"),
    ],
)
def test_a_wrong_message_names_the_path_of_its_fault(
    message: object, param: str, code: str
) -> None:
    error = message_fault(message)
    assert (error.param, error.code) == (param, code)


@pytest.mark.parametrize(
    ("role", "part", "param", "code"),
    [
        ("user", "text", "messages[1].content[0]", "invalid_type"),
        ("user", {"text": "x"}, "messages[1].content[0].type", "missing_required_parameter"),
        ("user", {"type": 1}, "messages[1].content[0].type", "invalid_type"),
        ("user", {"type": "input_text"}, "messages[1].content[0].type", "invalid_value"),
        ("user", {"type": "refusal"}, "messages[1].content[0].type", "invalid_value"),
        ("user", {"type": "text"}, "messages[1].content[0].text", "missing_required_parameter"),
        ("user", {"type": "text", "text": 1}, "messages[1].content[0].text", "invalid_type"),
        (
            "user",
            {"type": "image_url", "image_url": "http://x/y.png"},
            "messages[1].content[0].image_url",
            "invalid_type",
        ),
        (
            "user",
            {"type": "image_url", "image_url": {}},
            "messages[1].content[0].image_url.url",
            "missing_required_parameter",
        ),
        (
            "user",
            {"type": "input_audio", "input_audio": {"data": "UklG"}},
            "messages[1].content[0].input_audio.format",
            "missing_required_parameter",
        ),
        (
            "user",
            {"type": "file"},
            "messages[1].content[0].file",
            "missing_required_parameter",
        ),
        ("system", {"type": "image_url"}, "messages[1].content[0].type", "invalid_value"),
        ("assistant", {"type": "image_url"}, "messages[1].content[0].type", "invalid_value"),
        (
            "assistant",
            {"type": "refusal"},
            "messages[1].content[0].refusal",
            "missing_required_parameter",
        ),
    ],
)
def test_a_wrong_part_names_the_path_of_its_fault(
    role: str, part: object, param: str, code: str
) -> None:
    error = message_fault({"role": role, "content": [part]})
    assert (error.param, error.code) == (param, code)


@pytest.mark.parametrize(
    "nothing",
    [
        {},
        {"content": None},
        {"content": None, "refusal": None, "tool_calls": None},
        {"content": None, "tool_calls": []},
        {"reasoning_content": "Hm."},
    ],
)
def test_a_reply_that_said_nothing_comes_back_as_an_empty_text(nothing: Json) -> None:
    message: Json = {"role": "assistant", **nothing}
    said = {name: value for name, value in message.items() if name == "reasoning_content"}
    expected = {"role": "assistant", **said, "content": ""}
    assert Message().accept(message, "m") == expected
    assert CONVERSATION.accept([message], "m") == [expected]


def test_every_kind_of_message_is_accepted_as_it_is() -> None:
    messages: list[Json] = [
        {"role": "developer", "content": "Be brief."},
        {"role": "system", "content": [{"type": "text", "text": "Be kind."}]},
        {
            "role": "user",
            "name": "bob",
            "content": [
                {"type": "text", "text": "What is this?", "prompt_cache_breakpoint": {}},
                {"type": "image_url", "image_url": {"url": "http://x/y.png", "detail": "low"}},
                {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
                {"type": "file", "file": {"file_id": "file-1"}},
            ],
        },
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        {"role": "assistant", "refusal": "No."},
        {"role": "assistant", "audio": {"id": "audio_1"}},
        {
            "role": "assistant",
            "reasoning_content": "Hm.",
            "tool_calls": [
                {"type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "call_2", "type": "custom", "custom": {"name": "c", "input": "x"}},
                {"id": "call_3", "type": "mcp", "server": "s"},
            ],
        },
        {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "1"}]},
        {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f"},
    ]
    assert [Message().accept(message, "m") for message in messages] == messages


BLANKS: Json = {
    "name": "",
    "refusal": "",
    "reasoning": "",
    "reasoning_content": "",
    "audio": {"id": "", "expires_at": 0},
    "function_call": {"name": "", "arguments": ""},
    "tool_calls": [],
    "tool_call_id": "",
}
"""What programs write that have one structure for the messages of all roles."""


@pytest.mark.parametrize("role", ["developer", "system", "user", "assistant"])
def test_fields_that_say_nothing_count_as_absent(role: str) -> None:
    said = {"role": role, "content": "x"}
    assert Message().accept({**said, **BLANKS}, "m") == said
    assert CONVERSATION.accept([{**said, **BLANKS}, said], "m") == [said, said]


def test_a_blank_field_that_a_role_needs_stays() -> None:
    output = {"role": "tool", "tool_call_id": "", "content": "x"}
    function: Json = {"role": "function", "name": "", "content": "x"}
    assert Message().accept({**BLANKS, **output}, "m") == output
    assert Message().accept({**BLANKS, **function}, "m") == function


def test_an_assistant_that_says_only_blanks_says_nothing() -> None:
    for name in ("refusal", "tool_calls", "function_call", "audio"):
        message = {"role": "assistant", "content": None, name: BLANKS[name]}
        assert Message().accept(message, "m") == {"role": "assistant", "content": ""}
        assert CONVERSATION.accept([message], "m") == [{"role": "assistant", "content": ""}]
    for name in ("name", "reasoning"):
        message = {"role": "assistant", name: BLANKS[name]}
        assert Message().accept(message, "m") == {"role": "assistant", "content": ""}


def test_blank_fields_of_a_wrong_type_are_refused() -> None:
    for name, wrong in (("name", []), ("refusal", 0), ("tool_calls", ""), ("audio", [])):
        message: Json = {"role": "assistant", "content": "x", name: wrong}
        assert message_fault(message).param == f"messages[1].{name}"
