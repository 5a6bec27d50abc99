"""Piping over real sockets; the order of events in detail: `test_pipe.py`."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest

from gateway.shapes import UpstreamCall
from gateway.upstream.transport.arriving_reply import UNREAD_LIMIT
from gateway.upstream.transport.flight import Flight
from tests.upstream.conftest import GET, World, WorldMaker, call
from tests.upstream.scripted import Peer, chunked, replies, until, with_length
from tests.upstream.transport.test_arriving_reply import UNTIL_CLOSE, Taker

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["pool-asyncio", "pool-uvloop"])
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def begin(world: World, request: UpstreamCall = GET) -> Flight:
    return cast("Flight", await world.begin(request))


async def test_a_stream_is_piped_and_its_connection_used_again(before: WorldMaker) -> None:
    raw = chunked(*[b"data: {}\n\n"] * 200)
    async with before(replies(raw, raw, raw), max_connections=1) as world:
        for _ in range(3):
            taker = Taker()
            await (await begin(world)).pipe(taker)
            assert taker.body == b"data: {}\n\n" * 200
        assert world.upstream.connections == 1


@pytest.mark.parametrize("by_length", [True, False], ids=["length", "until-close"])
async def test_a_taker_that_is_full_stops_the_upstream_and_holds_little(
    before: WorldMaker, by_length: bool
) -> None:
    pieces, size = 512, 65536
    sent = received = largest = 0
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (pieces * size)

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.send(head if by_length else UNTIL_CLOSE)
        for _ in range(pieces):
            await peer.send(b"x" * size)
            sent += size

    def take(piece: bytes) -> bool:
        nonlocal received, largest
        received += len(piece)
        largest = max(largest, len(piece))
        return False

    async with before(script) as world:
        flight = await begin(world)
        task = asyncio.create_task(flight.pipe(take))
        previous = -1
        while previous != sent:  # until the socket buffers are full and the upstream must wait
            previous = sent
            for _ in range(200):
                await asyncio.sleep(0)
        assert received == largest
        assert sent < pieces * size
        while not task.done():
            flight.resume_reading()
            await asyncio.sleep(0)
        await task
    assert received == pieces * size
    # One read beyond the limit is the most that can be there: 256 KiB at a time.
    assert largest <= UNREAD_LIMIT + 256 * 1024


async def test_cancelling_closes_the_socket_and_frees_the_slot(before: WorldMaker) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(chunked(b"one")[:-5])
        await peer.gone()

    async with before(script, max_connections=1) as world:
        for _ in range(2):
            began = asyncio.Event()

            def take(piece: bytes, began: asyncio.Event = began) -> bool:
                began.set()
                return True

            task = asyncio.create_task((await begin(world)).pipe(take))
            await began.wait()
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            await until(lambda: world.upstream.open == 0)


async def test_an_early_reply_is_piped_and_its_upload_stopped(before: WorldMaker) -> None:
    async def upload() -> AsyncIterator[bytes]:
        yield b"begun"
        await asyncio.Event().wait()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(with_length(b"too large", "413 Content Too Large"))
        await peer.gone()

    async with before(script) as world:
        taker = Taker()
        flight = await begin(world, call(upload()))
        await flight.pipe(taker)
        assert (flight.status, taker.body) == (413, b"too large")
        assert world.sender.stats().idle == 0
