"""Whole chat replies as whole messages; a stream of the same reply says the same."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UpstreamError, UpstreamReplied
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.stream.stops import cut as cut_at
from tests.translate.messages_client import context, failure, texts
from tests.translate.messages_via_chat.chat import PAIR
from tests.translate.responses_via_chat.chat_backend import (
    USAGE,
    chunk,
    completion,
    fragment,
    tool_call,
)

TOOLS: Json = {"tools": frozenset({"add"})}


def test_objects_that_were_never_filled_are_none() -> None:
    blank: Json = {
        "function_call": {"name": "", "arguments": ""},
        "audio": {"id": "", "data": "", "expires_at": 0, "transcript": ""},
    }
    message = PAIR.replied(completion("Hi", "", **blank))
    assert texts(message) == ["Hi"]
    call = {**tool_call("add", "{}", "call_9"), "custom": {"name": "", "input": ""}}
    message = PAIR.replied(completion("", "", tool_calls=[call], **blank), **TOOLS)
    assert message["content"] == [{"type": "tool_use", "id": "call_9", "name": "add", "input": {}}]
    assert message["stop_reason"] == "tool_use"


def test_a_chat_reply_becomes_a_message() -> None:
    reply = completion(
        "Let me add them.",
        "tool_calls",
        reasoning_content="Two numbers.",
        tool_calls=[tool_call("add", '{"a": 1, "b": 2}', "call_9")],
    )
    reply["usage"] = {
        "prompt_tokens": 1144,
        "completion_tokens": 41,
        "total_tokens": 1185,
        "prompt_tokens_details": {"cached_tokens": 1024},
        "completion_tokens_details": {"reasoning_tokens": 12},
    }
    reply["service_tier"] = "default"
    assert PAIR.replied(reply, **TOOLS) == {
        "id": f"msg_{2:032x}",
        "type": "message",
        "role": "assistant",
        "model": "asked",
        "content": [
            {"type": "thinking", "thinking": "Two numbers.", "signature": "gw1."},
            {"type": "text", "text": "Let me add them."},
            {"type": "tool_use", "id": "call_9", "name": "add", "input": {"a": 1, "b": 2}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "stop_details": None,
        "usage": {
            "input_tokens": 120,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 1024,
            "output_tokens": 41,
            "output_tokens_details": {"thinking_tokens": 12},
            "service_tier": "standard",
        },
    }


def test_absent_arguments_are_an_empty_object() -> None:
    reply = completion(None, "stop", tool_calls=[tool_call("add", "")])
    message = PAIR.replied(reply, **TOOLS)
    assert message["content"][0]["input"] == {}
    assert message["stop_reason"] == "tool_use"


@pytest.mark.parametrize("arguments", ['{"a": 1, "b', "", "{"])
def test_a_call_that_a_limit_cut_off_is_left_out_and_reported(arguments: str) -> None:
    calls = [tool_call("add", '{"a":1}', "call_1"), tool_call("add", arguments, "call_2")]
    translation = PAIR.asking(**TOOLS)
    message = translation.reply([completion("Adding.", "length", tool_calls=calls)])
    assert texts(message) == ["Adding.", 'add({"a":1})']
    assert message["stop_reason"] == "max_tokens"
    assert translation.report.dropped == ["content[2]"]


def test_a_whole_reply_may_end_without_a_reason() -> None:
    translation = PAIR.asking()
    assert translation.reply([completion("a", None)])["stop_reason"] == "end_turn"
    assert translation.report.changed == ["finish_reason:none->end_turn"]


@pytest.mark.parametrize(
    ("replies", "error"),
    [
        ([], UpstreamError),
        ([{"choices": []}], UpstreamError),
        ([{"choices": [{"finish_reason": "stop"}]}], UpstreamError),
        ([{"error": {"message": "no", "code": 500}}], UpstreamReplied),
        ([completion("", None)], UpstreamError),
    ],
)
def test_replies_that_are_none(replies: list[Json], error: type[UpstreamError]) -> None:
    failure(error, lambda: PAIR.asking().reply(replies))


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
ARGUMENTS = st.dictionaries(TEXT, st.one_of(st.integers(), TEXT, st.booleans()), max_size=2)
CALLS = st.lists(ARGUMENTS, max_size=3)


def cut(draw: Any, text: str) -> list[str]:
    """Cut a text into pieces."""
    places = sorted(draw(st.sets(st.integers(0, len(text)), max_size=3)) | {0, len(text)})
    return [text[a:b] for a, b in pairwise(places)]


@st.composite
def streams(draw: st.DrawFn) -> tuple[Json, list[Json]]:
    """A reply, and one of its streams: the pieces of calls are interleaved."""
    reasoning, content = draw(st.one_of(st.just(""), TEXT)), draw(st.one_of(st.just(""), TEXT))
    arguments = [msgspec.json.encode(each).decode() for each in draw(CALLS)]
    calls = [tool_call("add", text, f"call_{k}") for k, text in enumerate(arguments)]
    finish = draw(st.sampled_from(["stop", "length", "tool_calls"]))
    reply = completion(content, finish, reasoning_content=reasoning, tool_calls=calls)
    events = [chunk(reasoning_content=piece) for piece in cut(draw, reasoning)]
    events += [chunk(piece) for piece in cut(draw, content)]
    events += [
        chunk(tool_calls=[fragment(k, "", name="add", call_id=f"call_{k}")])
        for k in range(len(calls))
    ]
    left = [cut(draw, text) for text in arguments]
    while any(left):
        index = draw(st.sampled_from([k for k, pieces in enumerate(left) if pieces]))
        events.append(chunk(tool_calls=[fragment(index, left[index].pop(0))]))
    return reply, [*events, chunk(finish=finish), USAGE]


def modes() -> list[Json]:
    return [{"thinking": mode, **TOOLS} for mode in ("summarized", "omitted", "none")]


@given(streams(), st.sampled_from(modes()))
def test_a_stream_says_what_the_whole_reply_says(case: tuple[Json, list[Json]], of: Json) -> None:
    reply, events = case

    def named() -> Context:
        of_all = context()
        of_all.new_id = lambda: "0"
        return of_all

    assert PAIR.message(events, named, **of) == PAIR.replied(reply, named(), **of)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("reasoning_content"), TEXT),
        st.tuples(st.just("content"), TEXT),
        st.tuples(st.just("call"), st.integers(0, 2)),
    ),
    max_size=12,
)


@given(STEPS, CALLS.filter(bool))
def test_whatever_is_interleaved_nothing_is_lost(
    steps: list[tuple[str, Any]], arguments: list[Json]
) -> None:
    left = {k: msgspec.json.encode(each).decode() for k, each in enumerate(arguments)}
    events: list[Json] = []
    begun: list[int] = []
    for kind, what in steps:
        if kind != "call":
            events.append(chunk(**{kind: what}))
            continue
        index = what % len(left)
        name = {} if index in begun else {"name": "add", "call_id": f"call_{index}"}
        piece, left[index] = left[index][:3], left[index][3:]
        events.append(chunk(tool_calls=[fragment(index, piece, **name)]))
        begun += [] if index in begun else [index]
    events += [chunk(tool_calls=[fragment(index, left[index])]) for index in begun]
    content = PAIR.message([*events, chunk(finish="stop")], **TOOLS)["content"]
    said = {"thinking": "", "text": ""}
    for block in content:
        if block["type"] != "tool_use":
            said[block["type"]] += block[block["type"]]
    assert said["thinking"] == "".join(what for kind, what in steps if kind == "reasoning_content")
    assert said["text"] == "".join(what for kind, what in steps if kind == "content")
    calls = [block for block in content if block["type"] == "tool_use"]
    assert [call["id"] for call in calls] == [f"call_{index}" for index in begun]
    assert [call["input"] for call in calls] == [arguments[index] for index in begun]


@given(st.lists(st.sampled_from(["E", "N", "D", "EN", "ND", "END", "S", "TOP", " "]), max_size=10))
def test_a_text_is_cut_at_the_first_stop_sequence(pieces: list[str]) -> None:
    stops = ("END", "STOP", "NDS")
    text, found = cut_at("".join(pieces), stops)
    for events in ([*map(chunk, pieces)], [chunk("".join(pieces))]):
        message = PAIR.message([*events, chunk(finish="stop")], stop_sequences=stops)
        assert texts(message) == ([text] if text else [])
        assert message["stop_sequence"] == found
