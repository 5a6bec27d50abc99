"""Whole responses as whole messages; a stream of the same response says the same."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UpstreamError, UpstreamReplied
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report
from gateway.translate.messages_via_responses.reply import fold_replies
from tests.translate.chat_via_responses.cases import (
    LLAMACPP,
    custom_call,
    ending,
    events_of,
    function_call,
    incomplete,
    item_events,
    like_llamacpp,
    message,
    opening,
    reasoning,
    refusal,
    response,
    text,
)
from tests.translate.messages_client import Request, context, failure, texts
from tests.translate.messages_via_responses.responses import PAIR

TOOLS: Json = {"tools": frozenset({"f", "g"})}


def test_a_response_becomes_a_message() -> None:
    reply = response(
        reasoning(summary=["Two numbers."]),
        message(text("Let me add them.")),
        function_call("f", '{"a": 1, "b": 2}'),
    )
    assert PAIR.replied(reply, **TOOLS) == {
        "id": f"msg_{2:032x}",
        "type": "message",
        "role": "assistant",
        "model": "asked",
        "content": [
            {"type": "thinking", "thinking": "Two numbers.", "signature": "gw1."},
            {"type": "text", "text": "Let me add them."},
            {"type": "tool_use", "id": "call_f", "name": "f", "input": {"a": 1, "b": 2}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "stop_details": None,
        "usage": {
            "input_tokens": 5,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 4,
            "output_tokens": 5,
            "output_tokens_details": {"thinking_tokens": 2},
        },
    }


def test_a_call_that_a_limit_cut_off_is_left_out_and_reported() -> None:
    translation = PAIR.asking(**TOOLS)
    cut = incomplete(message(text("a")), function_call("f", "{}"), function_call("g", '{"a'))
    assert texts(translation.reply([cut])) == ["a", "f({})"]
    assert translation.report.dropped == ["content[2]"]


def test_a_server_that_calls_everything_complete_may_have_cut_off_a_call() -> None:
    of = context(LLAMACPP)
    request = Request(Shape.RESPONSES, sent={"max_output_tokens": 5})
    report = Report(Shape.MESSAGES, Shape.RESPONSES)
    message_ = fold_replies([response(function_call("f", '{"a'))], request, of, report)
    assert (message_["content"], message_["stop_reason"]) == ([], "max_tokens")


@pytest.mark.parametrize(
    ("replies", "error"),
    [
        ([], UpstreamError),
        ([{"id": "x"}], UpstreamError),
        ([{**response(), "status": "queued"}], UpstreamError),
        ([response(custom_call())], UpstreamError),
        ([response(function_call("f", "[]"))], UpstreamError),
        ([{**response(), "status": "failed", "error": {"message": "no"}}], UpstreamReplied),
    ],
)
def test_replies_that_are_none(replies: list[Json], error: type[UpstreamError]) -> None:
    failure(error, lambda: PAIR.asking(**TOOLS).reply(replies))


def test_an_empty_response_is_an_empty_message() -> None:
    empty = PAIR.replied(response())
    assert (empty["content"], empty["stop_reason"]) == ([], "end_turn")


WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
ARGUMENTS = st.dictionaries(WORDS, st.one_of(st.integers(), WORDS, st.booleans()), max_size=2)


@st.composite
def replies(draw: st.DrawFn) -> Json:
    output: list[Json] = []
    for number in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["reasoning", "summary", "message", "call"]))
        words = draw(st.lists(WORDS, min_size=1, max_size=2))
        if kind == "call":
            arguments = msgspec.json.encode(draw(ARGUMENTS)).decode()
            call_id = {"id": f"fc_{number}", "call_id": f"call_{number}"}
            output.append(function_call("f", arguments, **call_id))
        elif kind == "message":
            parts = [refusal(each) if draw(st.booleans()) else text(each) for each in words]
            output.append(message(*parts, id=f"msg_{number}"))
        else:
            of: Any = {"id": f"rs_{number}"}
            is_summary = kind == "summary"
            item = reasoning(summary=words, **of) if is_summary else reasoning(*words, **of)
            output.append(item)
    return incomplete(*output) if draw(st.booleans()) else response(*output)


MODES = [{"thinking": mode, **TOOLS} for mode in ("summarized", "omitted", "none")]


def named() -> Context:
    of_all = context()
    of_all.new_id = lambda: "0"
    return of_all


def joined(message_: Json) -> Json:
    """Return a message whose neighbouring texts are one: nothing may say where a part begins."""
    blocks: list[Json] = []
    for block in message_["content"]:
        if blocks and blocks[-1]["type"] == block["type"] == "text":
            blocks[-1] = {**block, "text": blocks[-1]["text"] + block["text"]}
        else:
            blocks.append(block)
    return {**message_, "content": blocks}


@given(replies(), st.integers(1, 5), st.sampled_from(MODES))
def test_a_stream_says_what_the_whole_reply_says(reply: Json, size: int, of: Json) -> None:
    whole = PAIR.replied(reply, named(), **of)
    assert PAIR.message(events_of(reply, size), named, **of) == whole
    streamed = PAIR.message(like_llamacpp(events_of(reply, size)), named, **of)
    assert joined(streamed) == joined(whole)


@given(st.data(), replies(), st.integers(1, 5))
def test_items_that_overlap_in_any_order_lose_nothing(
    data: st.DataObject, reply: Json, size: int
) -> None:
    output = reply["output"]
    left = [item_events(item, index, size) for index, item in enumerate(output)]
    events = opening(reply)
    while any(left):
        index = data.draw(st.sampled_from([k for k, each in enumerate(left) if each]))
        events.append(left[index].pop(0))
    message_ = PAIR.message([*events, ending(reply)], named, **TOOLS)
    whole = PAIR.replied(reply, named(), **TOOLS)
    blocks, expected = (
        sorted(each["content"], key=msgspec.json.encode) for each in (message_, whole)
    )
    assert blocks == expected
    assert message_["stop_reason"] == whole["stop_reason"]
