from typing import Any

import pytest

from gateway.errors import UpstreamError, UpstreamReplied
from gateway.shapes import Json
from tests.translate.chat_via_messages.cases import TOOLS, message_of, streamed, translated, whole
from tests.translate.messages_upstreams import (
    USAGE,
    context,
    error_event,
    events_of,
    message,
    text,
    thinking,
    tool_use,
)

COUNTED = {
    "prompt_tokens": 9,
    "completion_tokens": 5,
    "total_tokens": 14,
    "prompt_tokens_details": {"audio_tokens": 0, "cached_tokens": 4},
    "completion_tokens_details": {
        "accepted_prediction_tokens": 0,
        "audio_tokens": 0,
        "reasoning_tokens": 2,
        "rejected_prediction_tokens": 0,
    },
}


def test_a_message_becomes_a_completion() -> None:
    made = message(thinking("hm"), text("Hi"), tool_use("f", {"a": 1}), reason="tool_use")
    call = {"id": "toolu_f", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    assert whole({"tools": TOOLS}, made) == {
        "id": "chatcmpl-7",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "asked",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "Hi",
                    "refusal": None,
                    "reasoning_content": "hm",
                    "tool_calls": [call],
                },
                "logprobs": None,
                "finish_reason": "tool_calls",
            }
        ],
        "service_tier": "default",
        "usage": COUNTED,
    }


@pytest.mark.parametrize(
    ("blocks", "content"),
    [
        ([], ""),
        ([text("a"), text("b")], "ab"),
        ([thinking("hm")], ""),
        ([tool_use("f")], None),
        ([{"type": "redacted_thinking", "data": "x"}, text("a")], "a"),
    ],
)
def test_text_blocks_become_one_content(blocks: list[Json], content: str | None) -> None:
    assert message_of({"tools": TOOLS}, message(*blocks))["content"] == content


def test_the_upstreams_name_can_be_shown() -> None:
    assert whole({}, message(text("a")), context(echo_model="upstream"))["model"] == (
        "claude-opus-5-5"
    )


@pytest.mark.parametrize("known", [None, 7, "other"])
def test_ids_keep_what_is_the_upstreams(known: Any) -> None:
    completion = whole({}, message(text("a"), id=known))
    assert completion["id"] == f"chatcmpl-{known if known == 'other' else f'{1:032x}'}"


def test_several_calls_make_one_completion() -> None:
    translation = translated({"n": 2})
    completion = translation.reply([message(text("a")), message(text("b"))])
    said = [choice["message"]["content"] for choice in completion["choices"]]
    assert said == ["a", "b"]
    assert [choice["index"] for choice in completion["choices"]] == [0, 1]
    assert completion["usage"]["prompt_tokens"] == 9
    assert completion["usage"]["completion_tokens"] == 10
    assert completion["id"] == f"chatcmpl-{1:032x}"
    unknown = translated({"n": 2}).reply([message(text("a")), message(usage={})])
    assert "usage" not in unknown


def test_an_unknown_usage_stays_unknown() -> None:
    completion = whole({}, message(text("a"), usage=None))
    assert "usage" not in completion
    assert "service_tier" not in completion


def test_written_and_read_caches_are_part_of_the_prompt() -> None:
    usage = {**USAGE, "cache_creation_input_tokens": 100}
    assert whole({}, message(text("a"), usage=usage))["usage"]["prompt_tokens"] == 109


def test_errors_in_a_messages_place_are_raised() -> None:
    with pytest.raises(UpstreamReplied) as raised:
        translated({}).reply([error_event("invalid_request_error", "max_tokens: 9 > 8")])
    assert (raised.value.status, raised.value.param) == (400, "max_completion_tokens")


@pytest.mark.parametrize("reply", [{}, {"content": "a"}, {"content": ["a"]}, {"choices": []}])
def test_other_replies_are_unusable(reply: Json) -> None:
    with pytest.raises(UpstreamError):
        translated({}).reply([reply])


def test_every_call_needs_a_reply() -> None:
    with pytest.raises(UpstreamError, match="1 of 2"):
        translated({"n": 2}).reply([message(text("a"))])


@pytest.mark.parametrize("given", ['{"a":1}', ' {"a": "\\u00e4"}', "{}", ""])
def test_arguments_that_are_a_text_are_not_encoded_again(given: str) -> None:
    made = message({**tool_use("f"), "input": given}, reason="tool_use")
    (call,) = message_of({"tools": TOOLS}, made)["tool_calls"]
    assert call["function"]["arguments"] == (given or "{}")
    events = [*events_of(made, 9)]
    events[2]["content_block"]["input"] = given
    bare = [each for each in events if each["type"] != "content_block_delta"]
    deltas = [chunk["choices"][0]["delta"] for chunk in streamed({"tools": TOOLS}, bare)]
    pieces = [call for delta in deltas for call in delta.get("tool_calls", ())]
    assert "".join(piece["function"]["arguments"] for piece in pieces) == (given or "{}")
