import json
from itertools import pairwise

import pytest

from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.shapes import Json
from tests.translate.chat_via_messages.cases import (
    answer,
    call_of,
    calls,
    conversation_of,
    translated,
)
from tests.translate.messages_upstreams import EPHEMERAL, HELLO, OLDER, context, text

PNG = "data:image/png;base64,AA=="


def test_every_role_has_its_place() -> None:
    sent = conversation_of(
        {"role": "system", "content": "one"},
        {"role": "developer", "content": [{"type": "text", "text": "two"}]},
        *HELLO,
        {"role": "assistant", "content": "hi"},
        {"role": "user", "content": "bye"},
        {"role": "system", "content": "late"},
    )
    assert sent == {
        "system": [text("one"), text("two")],
        "messages": [
            *HELLO,
            {"role": "assistant", "content": "hi"},
            {"role": "user", "content": "bye"},
            {"role": "system", "content": "late"},
        ],
    }


def test_calls_and_results() -> None:
    sent = conversation_of(
        *HELLO,
        calls("a", "b", content="I look."),
        answer("b", "two"),
        answer("a", [{"type": "image_url", "image_url": {"url": PNG}}]),
        {"role": "user", "content": "Well?"},
    )
    use, result = (
        [{"type": "tool_use", "id": each, "name": "f", "input": {"a": 1}} for each in ("a", "b")],
        [{"type": "tool_result", "tool_use_id": each} for each in ("a", "b")],
    )
    source = {"type": "base64", "media_type": "image/png", "data": "AA=="}
    assert sent["messages"][1:] == [
        {"role": "assistant", "content": [text("I look."), *use]},
        {
            "role": "user",
            "content": [
                {**result[0], "content": [{"type": "image", "source": source}]},
                {**result[1], "content": "two"},
                text("Well?"),
            ],
        },
    ]


def test_ids_may_be_used_again_after_their_result() -> None:
    sent = conversation_of(*HELLO, calls("a"), answer("a", "1"), calls("a"), answer("a", "2"))
    first, second = (message["content"][0] for message in sent["messages"][2::2])
    assert (first["content"], second["content"]) == ("1", "2")
    uses = [message["content"][0]["id"] for message in sent["messages"][1::2]]
    assert uses == [first["tool_use_id"], second["tool_use_id"]]
    assert uses[0] == "a" != uses[1]


def test_calls_of_one_id_are_answered_in_their_order() -> None:
    sent = conversation_of(
        *HELLO, calls("a", "b", "a"), answer("a", "1"), answer("b", "2"), answer("a", "3")
    )
    used = [block["id"] for block in sent["messages"][1]["content"]]
    results = sent["messages"][2]["content"]
    assert used == [block["tool_use_id"] for block in results]
    assert used[:2] == ["a", "b"]
    assert used[2] not in used[:2]
    assert [block["content"] for block in results] == ["1", "2", "3"]


def test_custom_calls_have_their_input_as_an_object() -> None:
    custom = {"id": "c", "type": "custom", "custom": {"name": "patch", "input": "*** ä"}}
    sent = conversation_of(*HELLO, {"role": "assistant", "tool_calls": [custom]}, answer("c"))
    (block,) = sent["messages"][1]["content"]
    assert block == {"type": "tool_use", "id": "c", "name": "patch", "input": {"input": "*** ä"}}


def test_calls_without_ids_are_answered_in_their_order() -> None:
    message = calls("", "")
    sent = conversation_of(*HELLO, message, answer("", "one"), answer("", "two"))
    used = [block["id"] for block in sent["messages"][1]["content"]]
    results = sent["messages"][2]["content"]
    assert used == ["call_1_0", "call_1_1"] == [block["tool_use_id"] for block in results]
    assert [block["content"] for block in results] == ["one", "two"]


def test_functions_of_the_old_form() -> None:
    called = {"name": "f", "arguments": '{"a": 1}'}
    sent = conversation_of(
        *HELLO,
        {"role": "assistant", "content": None, "function_call": called},
        {"role": "function", "name": "f", "content": "done"},
    )
    (use,), (result,) = (message["content"] for message in sent["messages"][1:])
    assert use == {"type": "tool_use", "id": "call_fn_1", "name": "f", "input": {"a": 1}}
    assert result == {"type": "tool_result", "tool_use_id": "call_fn_1", "content": "done"}


def test_arguments_as_an_object_are_taken() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": {"a": [1]}}}
    sent = conversation_of(*HELLO, {"role": "assistant", "tool_calls": [call]}, answer("a"))
    assert sent["messages"][1]["content"][0]["input"] == {"a": [1]}


def test_refusals_are_texts() -> None:
    sent = conversation_of(
        *HELLO,
        {"role": "assistant", "content": "Hm.", "refusal": "No."},
        {"role": "user", "content": "Why?"},
    )
    assert sent["messages"][1]["content"] == [text("Hm."), text("No.")]


def test_marks_for_the_cache_are_passed_on() -> None:
    mark = {"cache_control": EPHEMERAL}
    sent = conversation_of(
        {"role": "system", "content": "s", **mark},
        {"role": "user", "content": [{"type": "text", "text": "a", **mark}]},
        {**calls("a", content="b"), **mark},
        answer("a", **mark),
    )
    assert sent["system"] == [{**text("s"), **mark}]
    user, assistant, results = sent["messages"]
    assert user["content"] == [{**text("a"), **mark}]
    assert [block.get("cache_control") for block in assistant["content"]] == [EPHEMERAL, EPHEMERAL]
    assert results["content"][0]["cache_control"] == EPHEMERAL


@pytest.mark.parametrize(
    "mark", [{"cache_control": EPHEMERAL}, {"prompt_cache_breakpoint": {"mode": "explicit"}}]
)
def test_marks_for_the_cache_at_calls_are_passed_on(mark: Json) -> None:
    message = calls("a", "b")
    message["tool_calls"][0] |= mark
    sent = conversation_of(*HELLO, message, answer("a"), answer("b"))
    first, second = sent["messages"][1]["content"]
    assert first["cache_control"] == EPHEMERAL
    assert "cache_control" not in second


def test_what_has_no_place_is_reported() -> None:
    call = {**calls("a")["tool_calls"][0], "zzz": 1}
    call["function"] = {**call["function"], "yyy": 1}
    translation = translated(
        {
            "messages": [
                {"role": "user", "content": "a", "name": "bob", "zzz": 1},
                {
                    "role": "assistant",
                    "content": "b",
                    "reasoning_content": "hm",
                    "annotations": [{"type": "url_citation"}],
                    "tool_calls": [call],
                },
                answer("a"),
                {"role": "assistant", "function_call": {"name": "f", "arguments": "", "xxx": 1}},
                {"role": "function", "name": "f", "content": ""},
            ],
        }
    )
    assert translation.report.dropped == [
        *("messages[0].name", "messages[0].zzz", "messages[1].annotations"),
        *("messages[1].tool_calls[0].zzz", "messages[1].tool_calls[0].function.yyy"),
        *("messages[1].reasoning_content", "messages[3].function_call.xxx"),
    ]


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([calls("a")], "messages[1].tool_calls[0]"),
        ([calls("a", "b"), answer("a")], "messages[1].tool_calls[1]"),
        ([answer("a")], "messages[1].tool_call_id"),
        ([calls("a"), answer("b")], "messages[2].tool_call_id"),
        ([calls("a"), answer("a"), answer("a")], "messages[3].tool_call_id"),
        ([calls("a", "a"), answer("a")], "messages[1].tool_calls[1]"),
        ([answer("")], "messages[1].tool_call_id"),
        ([{"role": "function", "name": "f", "content": ""}], "messages[1]"),
        (
            [{"role": "assistant", "tool_calls": [{"id": "a", "type": "odd"}]}],
            "messages[1].tool_calls[0].type",
        ),
    ],
)
def test_calls_and_results_must_match(messages: list[Json], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        conversation_of(*HELLO, *messages)
    assert refused.value.param == param


def test_a_call_that_was_cut_off_stays_in_the_conversation() -> None:
    cut = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"a":'}}
    said = {"role": "assistant", "content": None, "tool_calls": [cut]}
    made = translated({"messages": [*HELLO, said, answer("a", "Invalid.")]})
    (use,) = made.calls[0]["messages"][1]["content"]
    assert use["input"] == {"INVALID_JSON": '{"a":'}
    assert "messages[1].tool_calls[0].function.arguments:text->object" in made.report.changed


def test_audio_is_refused() -> None:
    with pytest.raises(UnsupportedParameter) as refused:
        conversation_of(*HELLO, {"role": "assistant", "audio": {"id": "a"}})
    assert refused.value.param == "messages[1].audio"


def test_each_turn_begins_with_the_bytes_of_the_turn_before() -> None:
    history = [
        {"role": "system", "content": "s"},
        *HELLO,
        calls("a|b", content="c"),
        answer("a|b"),
        {"role": "assistant", "content": "d"},
        {"role": "user", "content": "e"},
        {"role": "system", "content": "late"},
        {"role": "assistant", "content": "f"},
        {"role": "user", "content": "g"},
    ]
    for of in (context(), context(OLDER)):
        turns = [
            json.dumps(call_of({"messages": history[:n]}, of)["messages"])[:-1]
            for n in (2, 4, 6, len(history))
        ]
        for earlier, later in pairwise(turns):
            assert later.startswith(earlier)
