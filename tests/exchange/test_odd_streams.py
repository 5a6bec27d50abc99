"""Odd streams of servers of each shape, for clients of all: without blank lines, for instance."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule
from gateway.errors import TruncatedStream
from gateway.shapes import Json, Shape
from tests.exchange.scene import Exchanged, Scene
from tests.exchange.test_odd_replies import ASKED, WHOLE, ends, seen
from tests.fakes import EVENT_STREAM, FakeReply

CHAT, COMPLETIONS, RESPONSES, MESSAGES = (
    Shape.CHAT,
    Shape.COMPLETIONS,
    Shape.RESPONSES,
    Shape.MESSAGES,
)
PAIRS = list(permutations(Shape, 2))


def said(home: Shape) -> list[Json]:
    """Return the events of a stream that says `hi`, but for a `[DONE]`."""
    if home is CHAT:
        begun = {"choices": [{"index": 0, "delta": {"content": "h"}}]}
        return [
            begun,
            {"choices": [{"index": 0, "delta": {"content": "i"}, "finish_reason": "stop"}]},
        ]
    if home is COMPLETIONS:
        return [
            {"choices": [{"index": 0, "text": "h", "finish_reason": None}]},
            {"choices": [{"index": 0, "text": "i", "finish_reason": "stop"}]},
        ]
    if home is RESPONSES:
        of = {"item_id": "i", "output_index": 0, "content_index": 0}
        pieces = [{"type": "response.output_text.delta", **of, "delta": piece} for piece in "hi"]
        return [*pieces, {"type": "response.completed", "response": WHOLE[home]}]
    deltas = [{"type": "text_delta", "text": piece} for piece in "hi"]
    return [
        {"type": "message_start", "message": {"id": "m", "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
        {"type": "message_stop"},
    ]


def lines(home: Shape) -> list[bytes]:
    """Return the lines of such a stream, without blank ones."""
    written: list[bytes] = []
    for event in said(home):
        if "type" in event:
            written.append(b"event: " + event["type"].encode())
        written.append(b"data: " + msgspec.json.encode(event))
    return written if "type" in said(home)[0] else [*written, b"data: [DONE]"]


def answered(*pieces: bytes) -> FakeReply:
    return FakeReply(200, EVENT_STREAM, pieces)


def all_the_same(client: Shape, home: Shape, answer: FakeReply) -> None:
    for stream in (False, True):
        expected = f"says 'hi'; finish: {ends(client)}"
        assert seen(client, home, answer, stream=stream) == expected


@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_events_may_lack_the_blank_lines_between_them(client: Shape, home: Shape) -> None:
    written = b"\n".join(lines(home))
    all_the_same(client, home, answered(written))
    all_the_same(client, home, answered(written + b"\n\n"))
    all_the_same(client, home, answered(*(line + b"\n" for line in lines(home))))
    crlf = written.replace(b"\n", b"\r\n").replace(b"data: ", b"data:")
    all_the_same(client, home, answered(crlf[:50], crlf[50:]))


def aliased(shape: Shape, answer: FakeReply) -> Exchanged:
    """Return the reply to a client of the model's own endpoint that calls it by an alias."""
    rules = (ModelRule("alias", model="m", endpoints=(shape,)), ModelRule("m", endpoints=(shape,)))
    asked: Any = {**ASKED[shape], "model": "alias", "stream": True}
    return Scene(lambda _: answer, rules=rules).generate(shape, asked)


@pytest.mark.parametrize("shape", list(Shape))
def test_so_may_those_of_an_alias(shape: Shape) -> None:
    received = aliased(shape, answered(b"\n".join(lines(shape)))).events
    assert [event for event in received if event != "[DONE]"] == said(shape)


@pytest.mark.parametrize(("client", "home"), PAIRS)
@pytest.mark.parametrize("short", [1, 9, 25])
def test_a_body_that_ends_within_an_event_has_broken_off(
    client: Shape, home: Shape, short: int
) -> None:
    *begun, last = [b"data: " + msgspec.json.encode(event) for event in said(home)]
    stream = b"\n\n".join([*begun, last[:-short]])
    if "type" in said(home)[0] and home is MESSAGES:
        stream = b"\n\n".join([*begun[:-1], begun[-1][:-short]])
    whole = msgspec.json.encode(WHOLE[home])[:-short]
    for answer in (
        answered(stream),
        answered(stream[:40], stream[40:]),
        FakeReply(200, (), (whole,)),
    ):
        for asked in (False, True):
            assert broken(client, home, answer, stream=asked) is True


def broken(client: Shape, home: Shape, answer: FakeReply, *, stream: bool) -> bool:
    """Whether a client is told that a reply broke off, before it has begun or in it."""
    fresh = replace(answer, closed=False)
    scene = Scene(lambda _: fresh, rules=(ModelRule("m", endpoints=(home,)),))
    asked: Any = {**ASKED[client], "stream": stream}
    try:
        received = scene.generate(client, asked)
    except TruncatedStream:
        return True
    if client is RESPONSES:
        return bool(received.events[-1]["response"]["error"]["message"].count("ended before"))
    return bool(received.events[-1]["error"]["message"].count("ended before"))


FOREIGN = (
    b"event: keepalive\ndata: 12:30\n\n",
    b"event: tool.progress\ndata: 50\n\n",
    b'event: ping\ndata: "x"\n\n',
)
"""Events that some gateways put between a stream's own."""


@pytest.mark.parametrize(("client", "home"), PAIRS)
@pytest.mark.parametrize("foreign", FOREIGN)
def test_events_of_other_names_are_passed_over(client: Shape, home: Shape, foreign: bytes) -> None:
    events = [b"data: " + msgspec.json.encode(event) + b"\n\n" for event in said(home)]
    end = b"" if "type" in said(home)[0] else b"data: [DONE]\n\n"
    all_the_same(client, home, answered(foreign, *events, end))
    all_the_same(client, home, answered(events[0], foreign, *events[1:], foreign, end))


@pytest.mark.parametrize("shape", list(Shape))
def test_so_are_they_for_an_alias(shape: Shape) -> None:
    events = [b"data: " + msgspec.json.encode(event) + b"\n\n" for event in said(shape)]
    received = aliased(shape, answered(events[0], FOREIGN[0], *events[1:])).events
    assert [event for event in received if event != "[DONE]"] == said(shape)


@pytest.mark.parametrize(
    "broken",
    [
        b"data: 12:30\n\n",
        b"event: message\ndata: 12:30\n\n",
        b'event: keepalive\ndata: {"a":\n\n',
        b"event: keepalive\ndata: [1\n\n",
        b"event: content_block_delta\ndata: 12:30\n\n",
        b"event: response.output_text.delta\ndata: x\n\n",
        b"event: chat.completion.chunk\ndata: x\n\n",
        b"event: failure\ndata: error: no\n\n",
    ],
)
def test_broken_events_of_a_stream_are_errors(broken: bytes) -> None:
    for client, home in PAIRS:
        events = [b"data: " + msgspec.json.encode(event) + b"\n\n" for event in said(home)]
        answer = answered(events[0], broken, *events[1:])
        assert seen(client, home, answer, stream=True).startswith("error")


def last(status: str | None, **more: Any) -> Json:
    response = {key: value for key, value in WHOLE[RESPONSES].items() if key != "status"}
    known = {} if status is None else {"status": status}
    return {"type": "response.done", "response": {**response, **known, **more}}


@pytest.mark.parametrize("client", [CHAT, COMPLETIONS, MESSAGES])
@pytest.mark.parametrize(
    ("status", "end"),
    [
        ("completed", None),
        (None, None),
        ("incomplete", {MESSAGES: "max_tokens"}),
        ("failed", "error"),
        ("cancelled", "error"),
    ],
)
def test_a_response_may_end_with_response_done(client: Shape, status: str | None, end: Any) -> None:
    reason = {"incomplete_details": {"reason": "max_output_tokens"}}
    events = [*said(RESPONSES)[:-1], last(status, **(reason if status == "incomplete" else {}))]
    answer = answered(*(b"data: " + msgspec.json.encode(event) + b"\n\n" for event in events))
    for stream in (False, True):
        result = seen(client, RESPONSES, answer, stream=stream)
        if end == "error":
            assert result.startswith("error")
        else:
            finish = ends(client) if end is None else end.get(client, "length")
            assert result == f"says 'hi'; finish: {finish}"


@pytest.mark.parametrize("status", ["completed", "incomplete", "failed", "cancelled"])
def test_a_client_of_an_alias_gets_the_documented_end(status: str) -> None:
    events = [*said(RESPONSES)[:-1], last(status)]
    answer = answered(*(b"data: " + msgspec.json.encode(event) + b"\n\n" for event in events))
    received = aliased(RESPONSES, answer).events
    assert [event["type"] for event in received[2:]] == [f"response.{status}"]


def test_what_passes_untouched_is_complete_then() -> None:
    events = [*said(RESPONSES)[:-1], last("completed")]
    pieces = [b"data: " + msgspec.json.encode(event) + b"\n\n" for event in events]
    rules = (ModelRule("m", endpoints=(RESPONSES,)),)
    asked = {**ASKED[RESPONSES], "stream": True}
    received = Scene(lambda _: answered(*pieces), rules=rules).generate(RESPONSES, asked)
    assert received.body == b"".join(pieces)
