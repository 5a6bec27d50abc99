"""Upstream streams on their way to the client: folded, merged, broken off, passed on."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

import pytest

from gateway.errors import GatewayError, TruncatedStream, UpstreamError, UpstreamReplied
from gateway.exchange.feeding import Feeder
from gateway.exchange.message import ReplyBody
from gateway.exchange.relay import begun, translated
from gateway.exchange.reply import reading
from gateway.exchange.reply.untouched import passed_on
from gateway.exchange.sub_streams import SubStreams
from gateway.replies import BufferedReply
from gateway.shapes import Json, Shape, UpstreamCall, UpstreamReply
from gateway.translate.contract import StreamTranslation
from tests.fakes import EVENT_STREAM, JSON, Answer, FakeReply, FakeUpstream, json_reply

CALLS = [UpstreamCall("openai", "POST", f"/call/{number}") for number in range(2)]
DONE = "data: [DONE]"


@dataclass
class Folding(StreamTranslation):
    """A translation that passes events on, with their call's number, and counts on an end.

    An event with `enough` satisfies it, one with `error` is the upstream's error.
    """

    calls: int = 1
    complete: set[int] = field(default_factory=set)
    enough: set[int] = field(default_factory=set)
    ended: int = 0

    def feed(self, call: int, event: Json) -> list[Json]:
        if "error" in event:
            raise UpstreamReplied("the upstream said so")
        if event.get("enough"):
            self.enough.add(call)
        # BufferedReply replies come as an event with their own `choices`.
        if event.get("last") or event.get("choices"):
            self.complete.add(call)
        return [{"call": call, "n": event.get("n")}]

    def end(self, call: int) -> list[Json]:
        if call not in self.complete | self.enough:
            raise TruncatedStream("too early")
        self.ended += 1
        return [{"end": True}] if self.ended == self.calls else []

    def fail(self, error: GatewayError) -> list[Json]:
        return [dict(error.envelope())]

    def satisfied(self, call: int) -> bool:
        return call in self.enough


def stream(*events: bytes, error: GatewayError | None = None) -> FakeReply:
    return FakeReply(200, EVENT_STREAM, events, error)


def event(text: str) -> bytes:
    return f"data: {text}\n\n".encode()


async def lines_of(body: AsyncGenerator[bytes, None]) -> list[str]:
    received = b"".join([chunk async for chunk in body])
    return [line for line in received.decode().splitlines() if line]


def feeder_of(fold: Folding) -> Feeder:
    return Feeder(Shape.COMPLETIONS, Shape.CHAT, fold.calls, fold)


def folded(source: UpstreamReply, translation: Folding | None = None) -> list[str]:
    """Fold one stream; return the client's lines."""

    async def scenario() -> list[str]:
        fold = translation or Folding()
        return await lines_of(translated(feeder_of(fold), source))

    return asyncio.run(scenario())


def merged(*answers: Answer) -> list[str]:
    async def scenario() -> list[str]:
        network = FakeUpstream(lambda call: answers[int(call.path[-1])])
        calls = CALLS[: len(answers)]
        streams = SubStreams(network.send, calls, 2, 60)
        fold = Folding(len(calls))
        return await lines_of(translated(feeder_of(fold), streams))

    return asyncio.run(scenario())


GOOD = (event('{"n":1}'), event('{"n":2,"last":true}'), event("[DONE]"))
FOLDED = ['data: {"call":0,"n":1}', 'data: {"call":0,"n":2}', 'data: {"end":true}', DONE]


@pytest.mark.parametrize(
    "pieces",
    [
        GOOD,
        (b"".join(GOOD),),
        tuple(bytes([byte]) for byte in b"".join(GOOD)),
        (*GOOD[:2], b": comment\n\n", b"event: ping\n\n", b"data:\n\n", GOOD[2]),
        GOOD[:2],
        (*GOOD[:2], b"data: [DONE]"),
    ],
    ids=[
        *("event by event", "at once", "byte by byte", "with empty events", "without [DONE]"),
        "without the last line's end",
    ],
)
def test_a_stream_is_folded_however_it_arrives(pieces: Sequence[bytes]) -> None:
    reply = stream(*pieces)
    assert folded(reply) == FOLDED
    assert reply.closed


def test_of_what_comes_behind_the_end_only_the_bodys_end_is_waited_for() -> None:
    late = stream(b"".join((*GOOD, event('{"n":3}'))), *[event('{"n":4}')] * 9)
    assert folded(late) == FOLDED
    assert (late.delivered, late.closed) == (2, True)


def test_a_stream_is_closed_as_soon_as_it_satisfies() -> None:
    reply = stream(event('{"n":1,"enough":true}') + event('{"n":2}'), event('{"n":3}'))
    assert folded(reply) == ['data: {"call":0,"n":1}', 'data: {"end":true}', DONE]
    assert (reply.delivered, reply.closed) == (1, True)


@pytest.mark.parametrize("cut", range(2))
def test_a_stream_that_is_cut_off_is_told_and_has_no_terminator(cut: int) -> None:
    for error in (None, TruncatedStream("broken")):
        reply = stream(*GOOD[: cut + 1], error=error)
        if cut == 1 and error is None:
            continue  # complete but for its [DONE]
        lines = folded(reply)
        assert lines[: cut + 1] == FOLDED[: cut + 1]
        assert "upstream_stream_truncated" in lines[-1]
        assert DONE not in lines


def test_what_breaks_before_the_first_event_is_raised() -> None:
    with pytest.raises(TruncatedStream):
        folded(stream())
    with pytest.raises(UpstreamReplied):
        folded(stream(event('{"error":{}}')))
    with pytest.raises(UpstreamError, match="not JSON"):
        folded(stream(event("<html>")))


@pytest.mark.parametrize("together", [False, True])
def test_an_error_that_the_upstream_told_ends_like_its_own_stream(*, together: bool) -> None:
    pieces = (event('{"n":1}'), event('{"error":{}}'))
    lines = folded(stream(b"".join(pieces)) if together else stream(*pieces))
    assert lines[0] == FOLDED[0]
    assert "the upstream said so" in lines[1]
    assert lines[2:] == [DONE]


@pytest.mark.parametrize("known", [False, True])
def test_a_whole_reply_stands_in_for_a_stream(*, known: bool) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "x"}
    reply = json_reply({"n": 1, "choices": [choice]})
    source = BufferedReply(200, reply.headers, reply.pieces[0]) if known else reply
    assert folded(source) == ['data: {"call":0,"n":1}', 'data: {"end":true}', DONE]


# --- several streams --------------------------------------------------------------------------


def test_streams_are_merged_and_end_once() -> None:
    lines = merged(stream(*GOOD), stream(*GOOD))
    assert sorted(lines[:4]) == [
        *('data: {"call":0,"n":1}', 'data: {"call":0,"n":2}'),
        *('data: {"call":1,"n":1}', 'data: {"call":1,"n":2}'),
    ]
    assert lines[4:] == ['data: {"end":true}', DONE]


@pytest.mark.parametrize("large", [False, True])
def test_a_whole_reply_among_streams_is_folded_too(*, large: bool) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "x"}
    whole = json_reply({"n": 7, "choices": [choice], "pad": "x" * (5000 if large else 0)})
    lines = merged(stream(*GOOD), whole)
    assert 'data: {"call":1,"n":7}' in lines
    assert lines[-2:] == ['data: {"end":true}', DONE]


def test_a_satisfied_stream_is_given_up_and_the_others_go_on() -> None:
    endless = stream(event('{"n":1,"enough":true}'), *[event('{"n":9}')] * 1000)
    lines = merged(endless, stream(*GOOD))
    assert lines.count('data: {"call":0,"n":1}') == 1
    assert not any('"n":9' in line for line in lines)
    assert 'data: {"call":1,"n":2}' in lines
    assert lines[-2:] == ['data: {"end":true}', DONE]
    assert endless.closed
    assert endless.delivered < 20


def test_one_stream_that_breaks_breaks_all() -> None:
    lines = merged(stream(*GOOD), stream(event('{"n":1}'), error=TruncatedStream("broken")))
    assert "upstream_stream_truncated" in lines[-1]
    assert DONE not in lines


# --- bodies -----------------------------------------------------------------------------------


def test_an_untouched_body_that_breaks_says_so_only_in_an_event_stream() -> None:
    async def received(reply: FakeReply) -> bytes:
        body = passed_on(reply).body
        assert isinstance(body, ReplyBody)
        try:
            return b"".join([chunk async for chunk in body])
        finally:
            await body.aclose()

    broken = TruncatedStream("broken")
    told = asyncio.run(received(stream(b"data: {", error=broken)))
    assert told.startswith(b"event: error\ndata: {")
    assert b"upstream_stream_truncated" in told
    with pytest.raises(TruncatedStream):
        asyncio.run(received(FakeReply(200, JSON, (b"{",), broken)))


class Slow:
    """A stream whose first chunk comes when it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.go = asyncio.Event()
        self.closed = False
        self.error = error

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        try:
            await self.go.wait()
            if self.error is not None:
                raise self.error
            yield b"first"
            yield b"second"
        finally:
            self.closed = True


def test_a_quick_stream_begins_with_its_first_chunk() -> None:
    async def scenario() -> None:
        slow = Slow()
        slow.go.set()
        body = await begun(slow.chunks(), 60, b": wait\n\n", feeder_of(Folding()))
        assert [chunk async for chunk in body] == [b"first", b"second"]
        await body.aclose()

    asyncio.run(scenario())


def test_a_slow_stream_begins_with_a_comment() -> None:
    async def scenario() -> None:
        slow = Slow()
        body = await begun(slow.chunks(), 0, b": wait\n\n", feeder_of(Folding()))
        chunks = aiter(body)
        assert await anext(chunks) == b": wait\n\n"
        slow.go.set()
        assert [chunk async for chunk in chunks] == [b"first", b"second"]
        await body.aclose()

    asyncio.run(scenario())


def test_a_stream_that_was_begun_and_is_given_up_is_closed() -> None:
    async def scenario() -> None:
        slow = Slow()
        body = await begun(slow.chunks(), 0, b": wait\n\n", feeder_of(Folding()))
        await body.aclose()
        await body.aclose()
        assert slow.closed
        quick = Slow()
        quick.go.set()
        body = await begun(quick.chunks(), 60, b"", feeder_of(Folding()))
        await body.aclose()
        assert quick.closed

    asyncio.run(scenario())


def test_a_stream_that_fails_before_it_begins_is_closed_and_raises() -> None:
    async def scenario() -> None:
        slow = Slow(UpstreamError("no"))
        slow.go.set()
        with pytest.raises(UpstreamError):
            await begun(slow.chunks(), 60, b"", feeder_of(Folding()))
        assert slow.closed
        late = Slow(UpstreamError("no"))
        body = await begun(late.chunks(), 0, b"", feeder_of(Folding()))
        late.go.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await body.aclose()
        assert late.closed

    asyncio.run(scenario())


def test_what_waited_for_half_a_character_comes_before_the_end() -> None:
    half = rb'data: {"choices":[{"delta":{"content":"\ud83d"}}]}' + b"\n\n"
    enough = event('{"choices":[],"n":1,"enough":true}')
    for pieces in ((half, enough, enough, GOOD[2]), (half + enough + enough + GOOD[2],)):
        lines = folded(stream(*pieces))
        assert lines[-3:] == ['data: {"call":0,"n":1}', 'data: {"end":true}', DONE]
        assert len(lines) == 4


def test_json_in_a_streams_place_is_kept_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_WHOLE_BYTES", 20)
    reply = FakeReply(200, EVENT_STREAM, (b'{"choices": ', b'["1", "2", "3"]}'))
    with pytest.raises(UpstreamError, match="larger than 20 bytes"):
        folded(reply)
