"""Replies from memory and from iterators: what is looked at, piped, given up."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from gateway.errors import TruncatedStream
from gateway.exchange.reply.classify import look
from gateway.replies import BufferedReply, ChunkedReply
from tests.fakes import JSON, FakeReply
from tests.waiting import PATIENCE

Scenario = Callable[[], Awaitable[None]]


def run(scenario: Scenario) -> None:
    async def in_a_task() -> None:
        async with asyncio.timeout(PATIENCE):
            await scenario()

    asyncio.run(in_a_task())


class Gated(FakeReply):
    """A reply each piece of which comes when it is let."""

    def __init__(self, *pieces: bytes, error: TruncatedStream | None = None) -> None:
        super().__init__(200, JSON, pieces, error)
        self.releases = [asyncio.Event() for _ in range(len(pieces) + 1)]

    async def _read(self) -> AsyncIterator[bytes]:
        for release, piece in zip(self.releases, self.pieces, strict=False):
            await release.wait()
            self.delivered += 1
            yield piece
        await self.releases[-1].wait()
        if self.error is not None:
            raise self.error


def after(size: int) -> Callable[..., bytes | None]:
    """A judge that wants so many bytes."""

    def judge(data: bytes, *, ended: bool) -> bytes | None:
        if len(data) >= size:
            return b"enough"
        return b"too few" if ended else None

    return judge


async def rest_of(held: ChunkedReply) -> bytes:
    return b"".join([piece async for piece in held.chunks()])


@pytest.mark.parametrize("size", range(8))
def test_whatever_was_looked_at_is_still_read(size: int) -> None:
    async def scenario() -> None:
        reply = FakeReply(200, JSON, (b"ab", b"", b"c", b"def"))
        held: ChunkedReply = reply
        found = await look(held, after(size), 60)
        assert found == (b"enough" if size <= 6 else b"too few")
        assert held.peek() == b"abcdef"[: len(held.peek())]
        assert held.ended == (size > 6) == reply.closed
        arrived = held.arrived()
        assert arrived == (b"abcdef" if size > 6 else None)
        assert await rest_of(held) == (b"abcdef" if arrived is None else b"")

    run(scenario)


def test_nothing_is_waited_for_longer_than_allowed_and_nothing_is_lost() -> None:
    async def scenario() -> None:
        reply = Gated(b"a", b"b", b"c")
        held: ChunkedReply = reply
        reply.releases[0].set()
        assert await look(held, after(2), 0.01) == b""
        assert held.peek() == b"a"
        assert await held.more(0) is False
        # What is under way goes on being waited for.
        assert await held.more(0.01) is False
        for release in reply.releases:
            release.set()
        assert await rest_of(held) == b"abc"

    run(scenario)


def test_the_end_that_is_under_way_is_the_end() -> None:
    async def scenario() -> None:
        reply = Gated(b"a")
        held: ChunkedReply = reply
        reply.releases[0].set()
        assert await look(held, after(2), 0.01) == b""
        reply.releases[1].set()
        assert await rest_of(held) == b"a"

    run(scenario)


def test_what_breaks_is_raised_when_it_is_read() -> None:
    async def scenario() -> None:
        held = FakeReply(200, JSON, (b"ab",), TruncatedStream("cut"))
        assert await look(held, after(3), 60) == b""
        assert await held.more(60) is False
        assert not held.ended
        chunks = aiter(held.chunks())
        assert await anext(chunks) == b"ab"
        with pytest.raises(TruncatedStream, match="cut"):
            await anext(chunks)

    run(scenario)


@pytest.mark.parametrize("broken", [False, True])
def test_a_reply_that_is_given_up_leaves_nothing_running(*, broken: bool) -> None:
    async def scenario() -> None:
        error = TruncatedStream("cut")
        reply = FakeReply(error=error, pieces=(b"a",)) if broken else Gated(b"a")
        held: ChunkedReply = reply
        assert await look(held, after(2), 0.01) == b""
        await held.aclose()
        assert reply.closed
        assert len(asyncio.all_tasks()) == 1

    run(scenario)


def test_who_leaves_while_waiting_closes_the_reply() -> None:
    async def scenario() -> None:
        reply = Gated(b"a")
        looking = asyncio.create_task(look(reply, after(1), 60))
        await asyncio.sleep(0)
        looking.cancel()
        await asyncio.wait({looking})
        assert looking.cancelled()
        assert reply.closed
        assert len(asyncio.all_tasks()) == 1

    run(scenario)


class Sink:
    """Keeps what it gets; is full after each piece."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.got_one = asyncio.Event()

    def __call__(self, piece: bytes) -> bool:
        self.pieces.append(piece)
        self.got_one.set()
        return False


def test_a_pipe_begins_with_what_was_read_ahead_and_waits_while_its_sink_is_full() -> None:
    async def scenario() -> None:
        reply, sink = FakeReply(200, JSON, (b"ab", b"", b"c", b"d")), Sink()
        assert await look(reply, after(1), 60) == b"enough"
        reply.resume_reading()  # nothing waits
        piping = asyncio.create_task(reply.pipe(sink))
        for pieces in ([b"ab"], [b"ab", b"c"], [b"ab", b"c", b"d"]):
            await sink.got_one.wait()
            sink.got_one.clear()
            assert (sink.pieces, piping.done()) == (pieces, False)
            reply.resume_reading()
            reply.resume_reading()
        await piping
        assert reply.closed

    run(scenario)


def test_a_reply_given_up_while_its_sink_is_full_ends_its_pipe() -> None:
    async def scenario() -> None:
        reply, sink = FakeReply(200, JSON, (b"a", b"b")), Sink()
        piping = asyncio.create_task(reply.pipe(sink))
        await asyncio.sleep(0)
        await reply.aclose()
        await piping
        assert sink.pieces == [b"a"]

    run(scenario)


@pytest.mark.parametrize("body", [b"", b"all of it"])
def test_a_reply_from_memory_is_here_as_a_whole(body: bytes) -> None:
    async def scenario() -> None:
        reply, sink = BufferedReply(200, JSON, body), Sink()
        assert (reply.ended, reply.peek(), reply.arrived()) == (True, body, body)
        assert await reply.more(60) is False
        await reply.pipe(sink)
        reply.resume_reading()
        assert sink.pieces == ([body] if body else [])
        assert b"".join([chunk async for chunk in reply.chunks()]) == body
        await reply.aclose()

    run(scenario)
