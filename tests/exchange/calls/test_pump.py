"""Translated streams on their way to the client: begun, merged, held up, broken off."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import pytest

from gateway.errors import (
    GatewayError,
    ShuttingDown,
    TruncatedStream,
    UpstreamError,
    UpstreamReplied,
)
from gateway.exchange.calls.feeding import Feeder
from gateway.exchange.calls.pump import Pump
from gateway.exchange.calls.streams import Streams
from gateway.exchange.reply import reading
from gateway.shapes import Json, Shape, UpstreamCall
from gateway.translate.contract import StreamTranslation
from gateway.translate.stream.sse import KEEPALIVE
from tests.bodies import read_out
from tests.exchange.calls.test_streams import late
from tests.fakes import EVENT_STREAM, Answer, FakeReply, FakeUpstream, json_reply
from tests.waiting import PATIENCE

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


def feeder_of(fold: Folding) -> Feeder:
    return Feeder(Shape.COMPLETIONS, Shape.CHAT, fold.calls, fold)


async def begun(
    fold: Folding, *answers: Answer, grace: float = 60, interval: float = 60, concurrency: int = 2
) -> Pump:
    """Begin the client's stream; raises what its client gets as an HTTP error."""
    network = FakeUpstream(lambda call: answers[int(call.path[-1])])
    streams = Streams(network.send, CALLS[: len(answers)], concurrency, 60, late)
    pump = Pump(feeder_of(fold), streams, interval)
    try:
        assert await streams.opened() is None
        await pump.begun(grace)
    except BaseException:
        await pump.aclose()
        raise
    return pump


def lines_of(received: bytes) -> list[str]:
    return [line for line in received.decode().splitlines() if line]


def merged(*answers: Answer, translation: Folding | None = None) -> list[str]:
    """Return the lines that the client gets of the streams of all calls."""

    async def scenario() -> list[str]:
        fold = translation or Folding(len(answers))
        return lines_of(await read_out(await begun(fold, *answers)))

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
    assert merged(reply) == FOLDED
    assert reply.closed


def test_of_what_comes_after_the_end_only_the_bodys_end_is_waited_for() -> None:
    late = stream(b"".join((*GOOD, event('{"n":3}'))), *[event('{"n":4}')] * 9)
    assert merged(late) == FOLDED
    assert (late.delivered, late.closed) == (2, True)


def test_a_stream_is_closed_as_soon_as_it_satisfies() -> None:
    reply = stream(event('{"n":1,"enough":true}') + event('{"n":2}'), event('{"n":3}'))
    assert merged(reply) == ['data: {"call":0,"n":1}', 'data: {"end":true}', DONE]
    assert (reply.delivered, reply.closed) == (1, True)


@pytest.mark.parametrize("cut", range(2))
def test_a_stream_that_is_cut_off_is_reported_and_has_no_terminator(cut: int) -> None:
    for error in (None, TruncatedStream("broken")):
        reply = stream(*GOOD[: cut + 1], error=error)
        if cut == 1 and error is None:
            continue  # complete but for its [DONE]
        lines = merged(reply)
        assert lines[: cut + 1] == FOLDED[: cut + 1]
        assert "upstream_stream_truncated" in lines[-1]
        assert DONE not in lines


def test_what_breaks_before_the_first_event_is_raised() -> None:
    with pytest.raises(TruncatedStream):
        merged(stream())
    with pytest.raises(UpstreamReplied):
        merged(stream(event('{"error":{}}')))
    with pytest.raises(UpstreamError, match="not JSON"):
        merged(stream(event("<html>")))


@pytest.mark.parametrize("together", [False, True])
def test_an_error_that_the_upstream_sent_ends_like_its_own_stream(*, together: bool) -> None:
    pieces = (event('{"n":1}'), event('{"error":{}}'))
    lines = merged(stream(b"".join(pieces)) if together else stream(*pieces))
    assert lines[0] == FOLDED[0]
    assert "the upstream said so" in lines[1]
    assert lines[2:] == [DONE]


@pytest.mark.parametrize("known", [False, True])
def test_a_whole_reply_stands_in_for_a_stream(*, known: bool) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "x"}
    reply = json_reply({"n": 1, "choices": [choice]})
    source = reply if known else FakeReply(200, EVENT_STREAM, reply.pieces)
    assert merged(source) == ['data: {"call":0,"n":1}', 'data: {"end":true}', DONE]


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


def test_a_stream_that_fails_after_its_end_breaks_nothing() -> None:
    lines = merged(stream(*GOOD, error=TruncatedStream("late")), stream(*GOOD))
    assert lines[-2:] == ['data: {"end":true}', DONE]


# --- how a stream begins, and how it goes on --------------------------------------------------


class Slow(FakeReply):
    """A stream that waits for a signal to go on, before each piece but the first `quick`."""

    def __init__(self, *pieces: bytes, error: GatewayError | None = None, quick: int = 0) -> None:
        super().__init__(200, EVENT_STREAM, pieces, error)
        self.go = asyncio.Event()
        self.quick = quick

    async def _read(self) -> AsyncIterator[bytes]:
        async for piece in super()._read():
            if self.delivered > self.quick:
                await self.go.wait()
            yield piece


class Sink:
    """What a client reads; it is full after each of the pieces whose numbers are given."""

    def __init__(self, *full_after: int) -> None:
        self.pieces: list[bytes] = []
        self.got_one = asyncio.Event()
        self._full_after = full_after

    def __call__(self, piece: bytes) -> bool:
        self.pieces.append(piece)
        self.got_one.set()
        return len(self.pieces) not in self._full_after


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def in_a_task() -> None:
        async with asyncio.timeout(PATIENCE):
            await scenario()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(in_a_task())


def test_a_quick_stream_begins_with_its_first_event() -> None:
    async def scenario() -> None:
        pump = await begun(Folding(), stream(*GOOD))
        assert lines_of(await read_out(pump)) == FOLDED

    run(scenario)


def test_a_slow_stream_begins_with_a_comment() -> None:
    async def scenario() -> None:
        slow, sink = Slow(*GOOD), Sink()
        pump = await begun(Folding(), slow, grace=0)
        piping = asyncio.create_task(pump.pipe(sink))
        await sink.got_one.wait()
        assert sink.pieces == [KEEPALIVE]
        slow.go.set()
        await piping
        assert lines_of(b"".join(sink.pieces[1:])) == FOLDED
        await pump.aclose()

    run(scenario)


@pytest.mark.parametrize("grace", [0, 60])
def test_a_stream_that_was_begun_and_is_given_up_is_closed(grace: float) -> None:
    async def scenario() -> None:
        slow = Slow(*GOOD, quick=1 if grace else 0)
        pump = await begun(Folding(), slow, grace=grace)
        await pump.aclose()
        await pump.aclose()
        assert slow.closed

    run(scenario)


def test_a_stream_that_fails_before_it_begins_is_closed_and_raises() -> None:
    async def scenario() -> None:
        broken = stream(error=UpstreamError("no"))
        with pytest.raises(UpstreamError):
            await begun(Folding(), broken)
        assert broken.closed

    run(scenario)


def test_a_stream_that_fails_after_its_comment_says_so() -> None:
    async def scenario() -> None:
        late = Slow(b"", error=TruncatedStream("gone"))
        pump = await begun(Folding(), late, grace=0)
        late.go.set()
        received = await read_out(pump)
        assert received.startswith(KEEPALIVE)
        assert b"gone" in received
        assert pump.failure is not None

    run(scenario)


@dataclass
class Buggy(Folding):
    """A translation with a bug: it shows at the event with this number."""

    at: int = 1

    def feed(self, call: int, event: Json) -> list[Json]:
        if event.get("n") == self.at:
            raise ZeroDivisionError
        return super().feed(call, event)


def test_a_bug_is_raised_whenever_it_shows() -> None:
    async def scenario() -> None:
        with pytest.raises(ZeroDivisionError):
            await begun(Buggy(), stream(*GOOD))
        pump = await begun(Buggy(at=2), stream(*GOOD))
        with pytest.raises(ZeroDivisionError):
            await read_out(pump)

    run(scenario)


def test_a_slow_client_stops_all_streams_until_it_has_read() -> None:
    async def scenario() -> None:
        endless = [event('{"n":1}')] * 99 + [*GOOD]
        replies = [stream(*endless), stream(*endless)]
        sink = Sink(1, 2)
        pump = await begun(Folding(2), *replies)
        assert [reply.delivered for reply in replies] == [1, 1]
        piping = asyncio.create_task(pump.pipe(sink))
        for full in (1, 2):
            for _ in range(99):
                await asyncio.sleep(0)
            assert sum(reply.delivered for reply in replies) <= 6
            assert len(sink.pieces) == full
            pump._comment()  # a client that does not read has enough to read
            pump.resume()
        await piping
        assert lines_of(b"".join(sink.pieces))[-1] == DONE
        assert KEEPALIVE not in sink.pieces
        await pump.aclose()

    run(scenario)


def test_the_end_waits_for_a_client_that_is_slow_when_all_has_come() -> None:
    async def scenario() -> None:
        sink = Sink(2)
        replies = [stream(GOOD[0], GOOD[1] + GOOD[2]) for _ in range(2)]
        pump = await begun(Folding(2), *replies)
        piping = asyncio.create_task(pump.pipe(sink))
        for _ in range(50):
            await asyncio.sleep(0)
        assert all(reply.closed for reply in replies)
        assert (len(sink.pieces), piping.done()) == (2, False)
        pump.resume()
        await piping
        assert lines_of(b"".join(sink.pieces))[-2:] == ['data: {"end":true}', DONE]
        await pump.aclose()

    run(scenario)


def test_a_silent_stream_is_kept_alive_with_comments() -> None:
    async def scenario() -> None:
        slow, sink = Slow(*GOOD, quick=1), Sink()
        pump = await begun(Folding(), slow, interval=0.001)
        piping = asyncio.create_task(pump.pipe(sink))
        while sink.pieces.count(KEEPALIVE) < 2:
            sink.got_one.clear()
            await sink.got_one.wait()
        slow.go.set()
        await piping
        assert lines_of(b"".join(piece for piece in sink.pieces if piece != KEEPALIVE)) == FOLDED
        await pump.aclose()

    run(scenario)


def test_what_waited_for_half_a_character_comes_before_the_end() -> None:
    half = rb'data: {"choices":[{"delta":{"content":"\ud83d"}}]}' + b"\n\n"
    enough = event('{"choices":[],"n":1,"enough":true}')
    for pieces in ((half, enough, enough, GOOD[2]), (half + enough + enough + GOOD[2],)):
        lines = merged(stream(*pieces))
        assert lines[-3:] == ['data: {"call":0,"n":1}', 'data: {"end":true}', DONE]
        assert len(lines) == 4


def test_json_in_a_streams_place_is_kept_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_WHOLE_BYTES", 20)
    reply = FakeReply(200, EVENT_STREAM, (b'{"choices": ', b'["1", "2", "3"]}'))
    with pytest.raises(UpstreamError, match="larger than 20 bytes"):
        merged(reply)


def test_a_stream_that_is_cut_off_ends_in_the_error_after_what_was_held() -> None:
    async def scenario() -> None:
        pump = await begun(Folding(), Slow(*GOOD, quick=1))
        first, last = lines_of(pump.cut_off(ShuttingDown("stopping")))
        assert first == 'data: {"call":0,"n":1}'
        assert '"code":"shutting_down"' in last
        assert isinstance(pump.failure, ShuttingDown)
        await pump.aclose()

    asyncio.run(scenario())


def test_a_stream_is_complete_once_its_client_has_the_last_event() -> None:
    async def scenario() -> None:
        reply = Slow(*GOOD, b": the end is still to come", quick=len(GOOD))
        pump, sink = await begun(Folding(), reply), Sink()
        assert not pump.is_complete
        piping = asyncio.create_task(pump.pipe(sink))
        while DONE not in lines_of(b"".join(sink.pieces)):
            sink.got_one.clear()
            await sink.got_one.wait()
        assert (pump.is_complete, piping.done()) == (True, False)
        piping.cancel()
        await asyncio.wait([piping])
        await pump.aclose()

    run(scenario)


def test_a_stream_that_is_cut_off_after_its_end_is_whole() -> None:
    async def scenario() -> None:
        pump = await begun(Folding(), stream(b"".join(GOOD)))
        assert DONE in lines_of(pump.cut_off(ShuttingDown("stopping")))
        assert pump.failure is None
        await pump.aclose()

    asyncio.run(scenario())
