from typing import Any

import pytest

from gateway.errors import TruncatedStream, UpstreamReplied
from gateway.shapes import Json
from gateway.translate.stream.messages.message_events import events_of as from_whole
from tests.messages_grammar import Automaton
from tests.translate.chat_via_messages.cases import (
    CUSTOM,
    TOOLS,
    WITH_USAGE,
    streamed,
    translated,
    whole,
)
from tests.translate.chat_via_responses.cases import ROLE, folded, outcome, run
from tests.translate.messages_upstreams import (
    PING,
    USAGE,
    error_event,
    events_of,
    message,
    text,
    thinking,
    tool_use,
)

ALL = {"tools": [*TOOLS, CUSTOM]}
FULL = message(
    thinking("Two numbers.\n"),
    {"type": "redacted_thinking", "data": "xx"},
    text("Let me "),
    text("ädd them."),
    tool_use("f", {"a": 1, "b": '\\"ä\n'}),
    tool_use("g"),
    tool_use("patch", {"input": "*** x"}),
    reason="tool_use",
)
CASES: dict[str, tuple[Json, Json]] = {
    "full": (ALL, FULL),
    "plain": ({}, message(text("Hello"))),
    "nothing": ({}, message()),
    "cut": ({"stop": ["\n"]}, message(text("one\ntwo"), tool_use("f"))),
    "length": ({}, message(text("one"), reason="max_tokens")),
    "window": ({}, message(text("one"), reason="model_context_window_exceeded")),
    "refusal": (
        {},
        message(
            text("I"),
            reason="refusal",
            stop_details={"type": "refusal", "category": None, "explanation": "No."},
        ),
    ),
    "stop": ({"stop": "END"}, message(text("one"), reason="stop_sequence", stop_sequence="END")),
    "legacy": ({"functions": [{"name": "f"}]}, message(tool_use("f", {"a": 1}), reason="tool_use")),
    "tool cut off": (ALL, message(text("a"), tool_use("f"), reason="max_tokens")),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_stream_says_what_the_whole_reply_says(name: str, size: int) -> None:
    body, made = CASES[name]
    events = events_of(made, size)
    automaton = Automaton()
    for event in events:
        automaton.read(event)
    assert automaton.ended == "message_stop"
    chunks = streamed({**body, **WITH_USAGE}, events)
    reply = whole(body, made)
    (choice,) = reply["choices"]
    expected = {key: value for key, value in choice.items() if key != "native_finish_reason"}
    assert folded(chunks) == expected
    assert chunks[0]["choices"][0]["delta"] == ROLE
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"] == reply["usage"]
    assert {chunk["id"] for chunk in chunks} == {reply["id"]}
    assert {chunk["model"] for chunk in chunks} == {"asked"}
    finish = chunks[-2]["choices"][0]
    assert finish.get("native_finish_reason") == choice.get("native_finish_reason")
    assert chunks[-2]["service_tier"] == "default"


@pytest.mark.parametrize("name", CASES)
def test_a_whole_reply_in_place_of_a_stream_is_the_same(name: str) -> None:
    body, made = CASES[name]
    chunks = streamed({**body, **WITH_USAGE}, list(from_whole(made)))
    assert folded(chunks) == folded(streamed({**body, **WITH_USAGE}, events_of(made)))


@pytest.mark.parametrize("name", CASES)
def test_a_stream_that_breaks_off_never_looks_complete(name: str) -> None:
    body, made = CASES[name]
    events = events_of(made)
    for length in range(len(events)):
        stream = translated({"stream": True, **body}).stream()
        chunks = [chunk for event in events[:length] for chunk in stream.feed(0, event)]
        finished = [
            choice
            for chunk in chunks
            for choice in chunk["choices"]
            if choice["finish_reason"] is not None
        ]
        if name == "cut" and finished:
            assert stream.end(0) == []
            continue
        assert finished == []
        with pytest.raises(TruncatedStream):
            stream.end(0)


def test_nothing_is_sent_before_the_first_block() -> None:
    stream = translated({"stream": True}).stream()
    start, ping, block, *_ = events_of(message(text("a")))
    assert ping == PING
    assert stream.feed(0, start) == stream.feed(0, ping) == stream.feed(0, block) == []
    with pytest.raises(UpstreamReplied) as raised:
        stream.feed(0, error_event())
    assert raised.value.status == 503


@pytest.mark.parametrize("after", range(1, 8))
def test_an_error_ends_the_stream(after: int) -> None:
    stream = translated({"stream": True}).stream()
    events = events_of(message(text("some text")))
    chunks = [chunk for event in events[:after] for chunk in stream.feed(0, event)]
    with pytest.raises(UpstreamReplied) as raised:
        stream.feed(0, error_event("invalid_request_error", "top_p: No."))
    assert raised.value.status == 400
    assert raised.value.param is None
    assert all(choice["finish_reason"] is None for c in chunks for choice in c["choices"])
    (envelope,) = stream.fail(raised.value)
    assert envelope["error"]["type"] == "invalid_request_error"


def test_streams_of_several_calls_are_one() -> None:
    stream = translated({"n": 2, **WITH_USAGE}).stream()
    chunks: list[Json] = []
    first, second = events_of(message(text("aa"))), events_of(message(text("bb")))
    for one, other in zip(first, second, strict=True):
        chunks += stream.feed(0, one) + stream.feed(1, other)
    assert stream.end(0) == []
    assert stream.end(0) == []
    chunks += stream.end(1)
    assert [chunk["choices"][0]["index"] for chunk in chunks[:2]] == [0, 1]
    assert folded(chunks, 0)["message"]["content"] == "aa"
    assert folded(chunks, 1)["message"]["content"] == "bb"
    assert chunks[-1]["usage"]["completion_tokens"] == 10
    assert chunks[-1]["usage"]["prompt_tokens"] == 9


def test_usage_is_sent_on_request_only_and_if_it_is_known() -> None:
    assert all("usage" not in chunk for chunk in streamed({}, events_of(message(text("a")))))
    unknown = message(text("a"), usage={"output_tokens": 3})
    assert streamed(WITH_USAGE, events_of(unknown))[-1]["choices"] != []


def test_later_counts_replace_earlier_ones() -> None:
    events = events_of(message(text("a")))
    events[-2]["usage"] = {**USAGE, "input_tokens": 50, "cache_read_input_tokens": None}
    chunks = streamed(WITH_USAGE, events)
    assert chunks[-1]["usage"]["prompt_tokens"] == 54


def test_a_text_that_is_cut_here_needs_no_more_of_the_stream() -> None:
    events = events_of(message(text("one\ntwo")))
    for body, enough in (({"stream": True}, True), (WITH_USAGE, False)):
        stream = translated({"stop": "\n", **body}).stream()
        seen = [chunk for event in events[:5] for chunk in stream.feed(0, event)]
        assert stream.satisfied(0) is enough
        assert seen[-1]["choices"][0]["finish_reason"] == "stop"
        assert stream.feed(0, error_event()) == []


def test_text_passes_unless_it_is_searched() -> None:
    assert translated({"stop": "END"}).stream().passes_text
    assert not translated({"stop": "\n"}).stream().passes_text
    stream = translated({"stream": True}).stream()
    run(stream, events_of(message(text("a"))))
    assert not stream.satisfied(0)


@pytest.mark.parametrize(
    "events",
    [
        [{"type": "message_start"}, *events_of(message(text("a")))[2:]],
        [event for event in events_of(FULL) if event["type"] != "content_block_stop"],
    ],
)
def test_sloppy_streams_are_read(events: list[Json]) -> None:
    result: Any = outcome(lambda: streamed(ALL, events))
    assert result[-1]["choices"][0]["finish_reason"]
