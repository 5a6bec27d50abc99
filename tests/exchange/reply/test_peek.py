"""Looking at the beginning of a reply: nothing is lost, nothing is held longer than allowed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from gateway.errors import TruncatedStream
from gateway.exchange.reply.peek import HeldReply, look, peekable
from tests.fakes import JSON, FakeReply

Scenario = Callable[[], Awaitable[None]]


def run(scenario: Scenario) -> None:
    async def in_a_task() -> None:
        async with asyncio.timeout(10):
            await scenario()

    asyncio.run(in_a_task())


class Gated(FakeReply):
    """A reply each piece of which comes when it is let."""

    def __init__(self, *pieces: bytes, error: TruncatedStream | None = None) -> None:
        super().__init__(200, JSON, pieces, error)
        self.gates = [asyncio.Event() for _ in range(len(pieces) + 1)]

    async def chunks(self) -> AsyncIterator[bytes]:
        for gate, piece in zip(self.gates, self.pieces, strict=False):
            await gate.wait()
            self.delivered += 1
            yield piece
        await self.gates[-1].wait()
        if self.error is not None:
            raise self.error


def after(size: int) -> Callable[..., bytes | None]:
    """A judge that wants so many bytes."""

    def judge(data: bytes, *, ended: bool) -> bytes | None:
        if len(data) >= size:
            return b"enough"
        return b"too few" if ended else None

    return judge


async def rest_of(held: HeldReply) -> bytes:
    return b"".join([piece async for piece in held.chunks()])


@pytest.mark.parametrize("size", range(8))
def test_whatever_was_looked_at_is_still_read(size: int) -> None:
    async def scenario() -> None:
        reply = FakeReply(200, JSON, (b"ab", b"", b"c", b"def"))
        held = peekable(reply)
        assert isinstance(held, HeldReply)
        assert (held.status, held.headers) == (200, JSON)
        found = await look(held, after(size), 60)
        assert found == (b"enough" if size <= 6 else b"too few")
        assert held.peek() == b"abcdef"[: len(held.peek())]
        assert held.ended == (size > 6) == reply.closed
        assert held.arrived() == (b"abcdef" if held.ended else None)
        assert await rest_of(held) == (b"" if held.ended else b"abcdef")

    run(scenario)


def test_a_reply_that_can_be_looked_at_is_taken_as_it_is() -> None:
    async def scenario() -> None:
        held = HeldReply(FakeReply())
        assert peekable(held) is held

    run(scenario)


def test_nothing_is_waited_for_longer_than_allowed_and_nothing_is_lost() -> None:
    async def scenario() -> None:
        reply = Gated(b"a", b"b", b"c")
        held = HeldReply(reply)
        reply.gates[0].set()
        assert await look(held, after(2), 0.01) == b""
        assert held.peek() == b"a"
        assert await held.more(0) is False
        # What is under way goes on being waited for.
        assert await held.more(0.01) is False
        for gate in reply.gates:
            gate.set()
        assert await rest_of(held) == b"abc"

    run(scenario)


def test_the_end_that_is_under_way_is_the_end() -> None:
    async def scenario() -> None:
        reply = Gated(b"a")
        held = HeldReply(reply)
        reply.gates[0].set()
        assert await look(held, after(2), 0.01) == b""
        reply.gates[1].set()
        assert await rest_of(held) == b"a"

    run(scenario)


def test_what_breaks_is_raised_when_it_is_read() -> None:
    async def scenario() -> None:
        held = HeldReply(FakeReply(200, JSON, (b"ab",), TruncatedStream("cut")))
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
        reply = FakeReply(error=error, pieces=()) if broken else Gated(b"a")
        held = HeldReply(reply)
        assert await look(held, after(2), 0.01) == b""
        await held.aclose()
        assert reply.closed
        assert len(asyncio.all_tasks()) == 1

    run(scenario)


def test_who_leaves_while_waiting_closes_the_reply() -> None:
    async def scenario() -> None:
        reply = Gated(b"a")
        looking = asyncio.create_task(look(HeldReply(reply), after(1), 60))
        await asyncio.sleep(0)
        looking.cancel()
        await asyncio.wait({looking})
        assert looking.cancelled()
        assert reply.closed
        assert len(asyncio.all_tasks()) == 1

    run(scenario)
