"""A body that is piped: given to a function as it arrives, with no task woken for it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import TruncatedStream, UpstreamTimeout
from gateway.upstream.transport.arriving_reply import UNREAD_LIMIT
from gateway.upstream.transport.reply_parser import ReplyParser
from tests.loop_clock import LoopClock
from tests.upstream.conftest import read
from tests.upstream.scripted import chunked, with_length
from tests.upstream.transport.test_flight import Stage

pytestmark = pytest.mark.anyio

Piping = asyncio.Task[None]
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\n"


class Taker:
    """Takes what is piped; is full after each piece whose number is in `full_after`."""

    def __init__(self, full_after: Callable[[int], bool] = lambda number: False) -> None:
        self.pieces: list[bytes] = []
        self._full_after = full_after

    def __call__(self, piece: bytes) -> bool:
        self.pieces.append(piece)
        return not self._full_after(len(self.pieces))

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)


async def piping(stage: Stage, taker: Callable[[bytes], bool], *received: bytes) -> Piping:
    await stage.deliver(*received)
    task = asyncio.create_task(stage.flight.pipe(taker))
    await asyncio.sleep(0)
    return task


BODIES = [
    (with_length(b"the body"), b"the body", False),
    (chunked(b"the", b" ", b"body"), b"the body", False),
    (chunked(b"the body")[:-2] + b"X-Trailer: dropped\r\n\r\n", b"the body", False),
    (UNTIL_CLOSE + b"the body", b"the body", True),
    (with_length(b""), b"", False),
]
KINDS = ["length", "chunked", "trailer", "until-close", "empty"]


@pytest.mark.parametrize(("raw", "body", "ends_by_closing"), BODIES, ids=KINDS)
async def test_a_whole_reply_is_piped_at_once(
    raw: bytes, body: bytes, ends_by_closing: bool
) -> None:
    stage, taker = Stage(), Taker()
    task = await piping(stage, taker, raw)
    if ends_by_closing:
        assert not task.done()
        stage.connection.eof_received()
    await task
    assert taker.pieces == ([body] if body else [])
    assert stage.parked == ([] if ends_by_closing else [stage.connection])
    assert stage.released == 1


@pytest.mark.parametrize(("raw", "body", "ends_by_closing"), BODIES, ids=KINDS)
async def test_byte_by_byte_gives_the_same(raw: bytes, body: bytes, ends_by_closing: bool) -> None:
    stage, taker = Stage(), Taker()
    head = raw.index(b"\r\n\r\n") + 4
    task = await piping(stage, taker, *(raw[at : at + 1] for at in range(head)))
    for at in range(head, len(raw)):
        stage.connection.data_received(raw[at : at + 1])
    if ends_by_closing:
        stage.connection.eof_received()
    await task
    assert taker.body == body
    assert all(len(piece) == 1 for piece in taker.pieces)
    assert stage.released == 1


@pytest.mark.parametrize("raw", [with_length(b"a body"), chunked(b"one", b"two")])
async def test_a_reply_cut_off_at_any_byte_never_looks_complete(raw: bytes) -> None:
    head = raw.index(b"\r\n\r\n") + 4
    for cut in range(head, len(raw)):
        for together in (True, False):
            stage, taker = Stage(), Taker()
            first = raw[:cut] if together else raw[:head]
            task = await piping(stage, taker, first)
            if not together and cut > head:
                stage.connection.data_received(raw[head:cut])
            stage.connection.eof_received()
            with pytest.raises(TruncatedStream, match="before the end of its reply"):
                await task
            assert b"a bodyonetwo".find(taker.body) >= 0
            assert (stage.parked, stage.released) == ([], 1)


@given(
    st.lists(st.binary(min_size=1, max_size=50), max_size=6),
    st.lists(st.integers(0, 400), max_size=6),
    st.sets(st.integers(1, 12)),
    st.booleans(),
)
def test_piping_and_chunks_give_the_same_whatever_the_cuts_and_pauses(
    pieces: list[bytes], cuts: list[int], full_after: set[int], cut_off: bool
) -> None:
    raw = chunked(*pieces)[: -1 if cut_off else None]
    head = raw.index(b"\r\n\r\n") + 4
    edges = sorted({head, len(raw), *(min(head + cut, len(raw)) for cut in cuts)})
    parts = [raw[start:end] for start, end in pairwise(edges)]

    async def piped() -> tuple[bytes, bool, int, int]:
        stage, taker = Stage(), Taker(lambda number: number in full_after)
        task = await piping(stage, taker, raw[:head])
        for part in parts:
            stage.connection.data_received(part)
            before = len(taker.pieces)
            if len(taker.pieces) in full_after:
                stage.flight.resume_reading()
            assert len(taker.pieces) <= before + 1
        stage.connection.eof_received()
        while not task.done():
            stage.flight.resume_reading()
            await asyncio.sleep(0)
        return taker.body, task.exception() is None, len(stage.parked), stage.released

    async def chunks() -> tuple[bytes, bool, int, int]:
        stage = Stage()
        await stage.deliver(raw[:head])
        for part in parts:
            stage.connection.data_received(part)
        stage.connection.eof_received()
        body = b""
        try:
            async for chunk in stage.flight.chunks():
                body += chunk
        except TruncatedStream:
            return body, False, len(stage.parked), stage.released
        return body, True, len(stage.parked), stage.released

    async def both() -> None:
        assert await piped() == await chunks() == (b"".join(pieces), not cut_off, not cut_off, 1)

    asyncio.run(both())


async def test_what_is_here_already_goes_first_and_as_one_piece() -> None:
    stage, taker = Stage(), Taker()
    await stage.deliver(chunked(b"one", b"two")[:-13])
    stage.connection.data_received(chunked(b"one", b"two")[-13:-5])
    task = asyncio.create_task(stage.flight.pipe(taker))
    await asyncio.sleep(0)
    stage.connection.data_received(b"5\r\nthree\r\n4\r\nfour\r\n")
    stage.connection.data_received(b"0\r\n\r\n")
    await task
    assert taker.pieces == [b"onetwo", b"threefour"]


async def test_a_full_taker_gets_nothing_and_the_upstream_must_wait() -> None:
    stage, taker = Stage(), Taker(lambda number: number <= 2)
    task = await piping(stage, taker, chunked(b"one")[:-5])
    assert (taker.pieces, stage.transport.calls[-1]) == ([b"one"], "pause")
    stage.connection.data_received(b"3\r\ntwo\r\n")  # it was on its way when reading paused
    await asyncio.sleep(0)
    assert taker.pieces == [b"one"]
    stage.flight.resume_reading()
    assert (taker.pieces, stage.transport.calls[-1]) == ([b"one", b"two"], "pause")
    stage.flight.resume_reading()
    assert stage.transport.calls[-1] == "resume"
    stage.flight.resume_reading()  # nothing to go on with: harmless
    stage.connection.data_received(b"5\r\nthree\r\n0\r\n\r\n")
    await task
    assert taker.pieces == [b"one", b"two", b"three"]
    assert (stage.parked, stage.released) == ([stage.connection], 1)
    stage.flight.resume_reading()


async def test_a_taker_that_is_full_of_the_last_piece_needs_no_resuming() -> None:
    stage, taker = Stage(), Taker(lambda number: True)
    await (await piping(stage, taker, with_length(b"all")))
    assert taker.pieces == [b"all"]
    assert (stage.parked, stage.released) == ([stage.connection], 1)


async def test_what_came_before_the_connection_broke_is_piped_before_the_error() -> None:
    stage, taker = Stage(), Taker(lambda number: number == 1)
    task = await piping(stage, taker, chunked(b"one")[:-5])
    stage.connection.data_received(b"3\r\ntwo\r\n")
    stage.connection.connection_lost(ConnectionResetError())
    await asyncio.sleep(0)
    assert (task.done(), taker.pieces, stage.released) == (False, [b"one"], 1)
    stage.flight.resume_reading()
    with pytest.raises(TruncatedStream):
        await task
    assert taker.pieces == [b"one", b"two"]


async def test_more_than_may_wait_unread_is_no_reason_to_pause_for_a_ready_taker() -> None:
    stage, taker = Stage(), Taker()
    task = await piping(stage, taker, chunked()[:-5])
    stage.connection.data_received(chunked(b"x" * (UNREAD_LIMIT + 1))[len(chunked()) - 5 :])
    await task
    assert "pause" not in stage.transport.calls


async def test_reading_that_had_paused_before_the_piping_goes_on() -> None:
    stage, taker = Stage(), Taker()
    task = await piping(stage, taker, chunked(b"x" * (UNREAD_LIMIT + 1))[:-5])
    assert stage.transport.calls[1:] == ["pause", "resume"]
    stage.connection.data_received(b"0\r\n\r\n")
    await task


@pytest.mark.parametrize("at_once", [True, False], ids=["buffered", "arriving"])
async def test_what_the_taker_raises_ends_the_piping_and_the_connection(at_once: bool) -> None:
    def take(piece: bytes) -> bool:
        raise LookupError("the client has gone")

    stage = Stage()
    task = await piping(stage, take, chunked(b"one")[: -5 if at_once else -13])
    if not at_once:
        stage.connection.data_received(b"3\r\none\r\n")
    with pytest.raises(LookupError, match="the client has gone"):
        await task
    assert stage.transport.closing
    assert (stage.parked, stage.released) == ([], 1)


async def test_a_taker_that_fails_at_the_last_piece_fails_the_piping_not_the_connection() -> None:
    def take(piece: bytes) -> bool:
        raise LookupError("the client has gone")

    stage = Stage()
    task = await piping(stage, take, with_length(b"all"))
    with pytest.raises(LookupError):
        await task
    assert (stage.parked, stage.released) == ([stage.connection], 1)


@pytest.mark.parametrize("full", [True, False], ids=["full", "ready"])
async def test_cancelling_closes_the_connection(full: bool) -> None:
    stage, taker = Stage(), Taker(lambda number: full)
    task = await piping(stage, taker, chunked(b"one")[:-5])
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert stage.transport.closing
    assert (stage.parked, stage.released) == ([], 1)
    with pytest.raises(TruncatedStream, match="given up"):
        await stage.flight.pipe(taker)
    assert taker.pieces == [b"one"]


async def test_a_reply_given_up_by_another_ends_its_piping() -> None:
    stage = Stage()
    task = await piping(stage, Taker(lambda number: True), chunked(b"one")[:-5])
    stage.connection.data_received(b"3\r\ntwo\r\n")
    await stage.flight.aclose()
    with pytest.raises(TruncatedStream, match="given up"):
        await task
    assert stage.released == 1


async def test_a_body_that_was_piped_is_read_to_its_end_and_the_other_way_round() -> None:
    stage, taker = Stage(), Taker()
    await (await piping(stage, taker, with_length(b"once")))
    assert await read(stage.flight) == b""
    await stage.flight.pipe(taker)
    await stage.flight.aclose()
    assert taker.pieces == [b"once"]


async def test_the_rest_of_a_body_can_be_piped() -> None:
    stage, taker = Stage(), Taker()
    await stage.deliver(chunked(b"one")[:-5])
    chunks: AsyncIterator[bytes] = stage.flight.chunks()
    assert await anext(chunks) == b"one"
    pipe = asyncio.create_task(stage.flight.pipe(taker))
    await asyncio.sleep(0)
    stage.connection.data_received(b"3\r\ntwo\r\n0\r\n\r\n")
    await pipe
    assert taker.pieces == [b"two"]


async def test_silence_in_the_middle_times_out_and_each_read_starts_the_time_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, stage, taker = LoopClock(monkeypatch), Stage(stream_idle=10.0), Taker()
    task = await piping(stage, taker, chunked(b"one")[:-5])
    for _ in range(3):
        clock.advance(9.0)
        stage.connection.data_received(b"1\r\nx\r\n")
        await asyncio.sleep(0)
    clock.advance(9.0)
    stage.connection.data_received(b"1")  # of a body or not: it is not silence
    await asyncio.sleep(0)
    clock.advance(9.0)
    await asyncio.sleep(0)
    assert not task.done()
    clock.advance(1.0)
    with pytest.raises(UpstreamTimeout, match=r"nothing for 10 s .*stream_idle"):
        await task
    assert stage.transport.closing
    assert (stage.parked, stage.released) == ([], 1)


async def test_time_in_which_the_taker_is_full_counts_for_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, stage = LoopClock(monkeypatch), Stage(stream_idle=10.0)
    task = await piping(stage, Taker(lambda number: number == 1), chunked(b"one")[:-5])
    clock.advance(1000.0)
    await asyncio.sleep(0)
    assert not task.done()
    stage.flight.resume_reading()
    clock.advance(9.0)
    await asyncio.sleep(0)
    assert not task.done()
    clock.advance(1.0)
    with pytest.raises(UpstreamTimeout, match="stream_idle"):
        await task


async def test_no_time_runs_while_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, stage, taker = LoopClock(monkeypatch), Stage(first_byte=5.0, stream_idle=10.0), Taker()
    await stage.deliver(chunked(b"one")[:-5])
    clock.advance(1000.0)
    task = asyncio.create_task(stage.flight.pipe(taker))
    await asyncio.sleep(0)
    clock.advance(9.0)
    stage.connection.data_received(b"0\r\n\r\n")
    await task
    assert taker.pieces == [b"one"]


EVENTS = [b"data: %d\n\n" % number for number in range(6)]
CHUNKS = [b"%x\r\n%b\r\n" % (len(event), event) for event in EVENTS]
"""Of a slow stream: each is a read of its own."""


async def slow_stream(taker: Callable[[bytes], bool]) -> tuple[Stage, Piping]:
    """Return a stage on which a slow stream has begun, with one event."""
    stage = Stage()
    task = await piping(stage, taker, chunked()[:-5])
    await arrives(stage, CHUNKS[0])
    return stage, task


async def arrives(stage: Stage, data: bytes) -> None:
    stage.connection.data_received(data)
    await asyncio.sleep(0)


async def test_the_events_of_a_slow_stream_are_piped_without_the_parser(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taker = Taker()
    stage, task = await slow_stream(taker)
    with monkeypatch.context() as patched:
        patched.setattr(ReplyParser, "parse", None)
        for each in CHUNKS[1:]:
            await arrives(stage, each)
    assert taker.pieces == EVENTS
    await arrives(stage, b"0\r\n\r\n")
    await task
    assert (stage.parked, stage.released) == ([stage.connection], 1)


async def test_other_reads_of_a_slow_stream_are_parsed() -> None:
    taker = Taker()
    stage, task = await slow_stream(taker)
    await arrives(stage, CHUNKS[1] + CHUNKS[2])
    await arrives(stage, CHUNKS[3][:-3])
    await arrives(stage, CHUNKS[3][-3:] + CHUNKS[4])
    await arrives(stage, CHUNKS[5] + b"0\r\n\r\n")
    await task
    assert taker.body == b"".join(EVENTS)
    assert (stage.parked, stage.released) == ([stage.connection], 1)


async def test_a_slow_streams_taker_that_is_full_gets_nothing() -> None:
    taker = Taker(lambda number: number == 2)
    stage, task = await slow_stream(taker)
    await arrives(stage, CHUNKS[1])
    assert stage.transport.calls[-1] == "pause"
    await arrives(stage, CHUNKS[2])
    assert taker.pieces == EVENTS[:2]
    stage.flight.resume_reading()
    assert stage.transport.calls[-1] == "resume"
    await arrives(stage, CHUNKS[3] + b"0\r\n\r\n")
    await task
    assert taker.pieces == EVENTS[:4]


@pytest.mark.parametrize("cut", range(len(CHUNKS[1]) + 1))
async def test_a_slow_stream_that_is_cut_off_never_looks_complete(cut: int) -> None:
    taker = Taker()
    stage, task = await slow_stream(taker)
    stage.connection.data_received(CHUNKS[1])
    if cut:
        stage.connection.data_received(CHUNKS[2][:cut])
    stage.connection.eof_received()
    with pytest.raises(TruncatedStream, match="before the end of its reply"):
        await task
    assert b"".join(EVENTS[:3]).startswith(taker.body)
    assert taker.body.startswith(b"".join(EVENTS[:2]))
    assert (stage.parked, stage.released) == ([], 1)


async def test_a_taker_that_fails_ends_a_slow_stream() -> None:
    def take(piece: bytes) -> bool:
        if piece == EVENTS[1]:
            raise LookupError("the client has gone")
        return True

    stage, task = await slow_stream(take)
    await arrives(stage, CHUNKS[1])
    with pytest.raises(LookupError, match="the client has gone"):
        await task
    assert stage.transport.closing
    assert (stage.parked, stage.released) == ([], 1)


async def test_a_slow_stream_that_is_given_up_by_its_taker_takes_no_more() -> None:
    def take(piece: bytes) -> bool:
        if piece == EVENTS[1]:
            closing.append(asyncio.create_task(stage.flight.aclose()))
        return piece != EVENTS[1]

    closing: list[asyncio.Task[None]] = []
    stage, task = await slow_stream(take)
    stage.connection.data_received(CHUNKS[1])
    await asyncio.sleep(0)
    await asyncio.gather(*closing)
    with pytest.raises(TruncatedStream, match="given up"):
        await task
    assert stage.transport.closing


async def test_each_event_of_a_slow_stream_starts_the_time_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, stage, taker = LoopClock(monkeypatch), Stage(stream_idle=10.0), Taker()
    task = await piping(stage, taker, chunked()[:-5])
    for each in CHUNKS:
        clock.advance(9.0)
        await arrives(stage, each)
    clock.advance(9.0)
    await asyncio.sleep(0)
    assert not task.done()
    clock.advance(1.0)
    with pytest.raises(UpstreamTimeout, match="stream_idle"):
        await task
    assert taker.pieces == EVENTS
