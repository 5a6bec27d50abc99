"""What can go wrong under a call, by phase and kind, and that both senders survive it."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from random import Random

import pytest

from gateway.errors import (
    TruncatedStream,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from gateway.shapes import UpstreamReply
from tests.addresses import NO_SUCH_HOST, held_port
from tests.loop_clock import LoopClock
from tests.upstream.conftest import GENEROUS, GET, WorldMaker, call, read
from tests.upstream.scripted import Peer, chunked, replies, until, with_length

pytestmark = pytest.mark.anyio

OK = with_length(b"fine")
SHORT = 0.05


async def upload() -> AsyncIterator[bytes]:
    yield b"a"


async def read_all(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


@pytest.mark.parametrize(
    "raw",
    [with_length(b"the body", "200 OK", "X-A: 1"), chunked(b"the", b" body")],
    ids=["length", "chunked"],
)
async def test_a_reply_cut_off_anywhere_never_looks_complete(
    before: WorldMaker, raw: bytes
) -> None:
    body_starts = raw.index(b"\r\n\r\n") + 4

    async def script(peer: Peer) -> None:
        cut = cuts.pop()
        await peer.request()
        if cut:
            await peer.send(raw[:cut])

    cuts: list[int] = []
    async with before(script) as world:
        for cut in range(len(raw)):
            cuts.append(cut)
            if cut < body_starts:
                with pytest.raises(UpstreamError, match="Upstream 'local'"):
                    await world.begin()
            else:
                reply = await world.begin()
                with pytest.raises(TruncatedStream, match="Upstream 'local'"):
                    await read(reply)


async def test_what_came_before_a_reset_is_a_prefix_and_the_end_is_an_error(
    before: WorldMaker,
) -> None:
    may_reset = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nsome")
        await may_reset.wait()
        peer.reset()

    async with before(script) as world:
        chunks = (await world.begin()).chunks()
        assert await anext(chunks) == b"some"
        may_reset.set()
        with pytest.raises(TruncatedStream):
            await anext(chunks)


async def test_a_reset_instead_of_a_reply_is_an_upstream_error(before: WorldMaker) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.reset()

    async with before(script) as world:
        with pytest.raises(UpstreamError, match="Upstream 'local' closed the connection"):
            await world.fetch()
        assert world.upstream.connections == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nX-Big: " + b"x" * 200_000,
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: 123456789\r\n" * 12_000 + b"\r\n",
    ],
    ids=["not-http", "bad-header", "two-lengths", "endless-header", "many-headers"],
)
async def test_a_head_that_is_not_a_head_is_an_upstream_error(
    before: WorldMaker, raw: bytes
) -> None:
    async with before(replies(raw)) as world:
        with pytest.raises(UpstreamError, match="Upstream 'local'"):
            await world.fetch()


async def test_a_malformed_chunk_does_not_end_the_body_cleanly(before: WorldMaker) -> None:
    raw = chunked(b"good") + b""
    raw = raw.replace(b"0\r\n\r\n", b"zz\r\nbad")
    async with before(replies(raw)) as world:
        with pytest.raises(TruncatedStream, match="Upstream 'local'"):
            await world.fetch()


async def test_an_upload_that_nobody_reads_times_out(before: WorldMaker) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536

    async def script(peer: Peer) -> None:
        await asyncio.Event().wait()

    timeouts = replace(GENEROUS, stream_idle=SHORT)
    async with before(script, timeouts=timeouts) as world:
        with pytest.raises(UpstreamTimeout, match="request body"):
            await world.fetch(call(endless()))


async def test_a_silent_upstream_times_out_before_its_head(before: WorldMaker) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.gone()

    timeouts = replace(GENEROUS, first_byte=SHORT)
    async with before(script, timeouts=timeouts) as world:
        with pytest.raises(UpstreamTimeout, match=r"no reply within 0\.05 s .*first_byte"):
            await world.fetch()
        await until(lambda: world.upstream.open == 0)
        with pytest.raises(UpstreamTimeout, match="first_byte"):
            await world.fetch(call(upload()))


async def test_a_head_that_drips_forever_times_out(before: WorldMaker) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not peer.writer.transport.is_closing():
            await peer.drip(b"x")
            await asyncio.sleep(SHORT / 50)

    timeouts = replace(GENEROUS, first_byte=SHORT)
    async with before(script, timeouts=timeouts) as world:
        with pytest.raises(UpstreamTimeout, match="first_byte"):
            await world.fetch()


async def test_a_body_that_stalls_times_out(before: WorldMaker) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(chunked(b"first", b"second")[:-12])
        await peer.gone()

    timeouts = replace(GENEROUS, stream_idle=SHORT)
    async with before(script, timeouts=timeouts) as world:
        reply = await world.begin()
        chunks = reply.chunks()
        assert (await anext(chunks)).startswith(b"first")
        with pytest.raises(UpstreamTimeout, match=r"nothing for 0\.05 s .*stream_idle"):
            await read_all(chunks)
        await until(lambda: world.upstream.open == 0)


async def test_a_slow_reader_is_not_a_silent_upstream(
    before: WorldMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(chunked(b"one", b"two")[:-13])
        await more.wait()
        await peer.send(chunked(b"one", b"two")[-13:])
        await peer.gone()

    async with before(script, timeouts=GENEROUS) as world:
        with monkeypatch.context() as patch:
            clock = LoopClock(patch)
            chunks = (await world.begin()).chunks()
            first = await anext(chunks)
            clock.advance(3 * GENEROUS.stream_idle)  # the reader's own time
            more.set()
            assert first + await read_all(chunks) == b"onetwo"


async def test_a_refused_connection_is_unavailability(before: WorldMaker) -> None:
    base_url = f"http://127.0.0.1:{held_port()}/v1"
    async with before(replies(OK), base_url=base_url) as world:
        with pytest.raises(UpstreamUnavailable, match="Upstream 'local'"):
            await world.fetch()


async def test_a_name_that_does_not_resolve_is_unavailability(before: WorldMaker) -> None:
    base_url = f"http://{NO_SUCH_HOST}/v1"
    async with before(replies(OK), base_url=base_url) as world:
        with pytest.raises(UpstreamUnavailable, match="'local'"):
            await world.fetch()


async def test_a_connect_into_the_void_times_out_as_unavailability(before: WorldMaker) -> None:
    timeouts = replace(GENEROUS, connect=SHORT)
    with full_backlog() as port:
        base_url = f"http://127.0.0.1:{port}/v1"
        async with before(replies(OK), base_url=base_url, timeouts=timeouts) as world:
            with pytest.raises(UpstreamUnavailable, match=r"timeouts\.connect"):
                await world.fetch()
            cancelled = asyncio.create_task(world.fetch())
            await until(lambda: world.sender.stats().in_flight == 1)
            cancelled.cancel()
            await asyncio.wait([cancelled])


@contextmanager
def full_backlog() -> Iterator[int]:
    """Listen, accept nothing, and fill the queue: the kernel then drops further attempts."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


async def test_waiting_too_long_for_a_place_is_unavailability(before: WorldMaker) -> None:
    async def script(peer: Peer) -> None:
        await peer.gone()

    timeouts = replace(GENEROUS, queue=SHORT)
    async with before(script, timeouts=timeouts, max_connections=1) as world:
        first = asyncio.create_task(world.fetch())
        await until(lambda: world.sender.stats().in_flight == 1)
        with pytest.raises(UpstreamUnavailable, match=r"busy: 1 requests .* 0\.05 s") as caught:
            await world.fetch()
        assert (caught.value.status, caught.value.headers) == (503, (("retry-after", "1"),))
        first.cancel()
        await asyncio.wait([first])


async def test_a_reader_who_stops_reading_stops_the_upstream(before: WorldMaker) -> None:
    sent = 0

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(1024):
            await peer.send(b"x" * 65536)
            sent += 65536

    async with before(script) as world:
        reply = await world.begin()
        chunks = reply.chunks()
        received = len(await anext(chunks))
        previous = -1
        while previous != sent:  # until the socket buffers are full and the upstream must wait
            previous = sent
            await asyncio.sleep(SHORT)
        assert sent < 32 * 1024 * 1024
        async for chunk in chunks:
            assert len(chunk) <= 1024 * 1024
            received += len(chunk)
        assert received == 1024 * 65536


async def test_errors_name_the_upstream_and_no_address(before: WorldMaker) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()

    async with before(script) as world:
        with pytest.raises(UpstreamError) as caught:
            await world.fetch(GET.copy(query=b"key=sk-secret"))
        assert "local" in caught.value.message
        assert not re.search(r"127\.0\.0\.1|sk-secret|http://", caught.value.message)


@pytest.mark.parametrize(
    "moment", ["queue", "head", "body", "upload", "between"], ids=lambda moment: f"in-{moment}"
)
async def test_a_cancelled_request_leaves_nothing_behind(before: WorldMaker, moment: str) -> None:
    reached = asyncio.Event()

    async def script(peer: Peer) -> None:
        if moment == "upload":
            await peer.head()
        else:
            await peer.request()
        if moment in ("body", "between"):
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart")
        reached.set()
        await peer.gone()

    async def never_ending() -> AsyncIterator[bytes]:
        yield b"part"
        await asyncio.Event().wait()

    async def scenario(reply_out: list[UpstreamReply]) -> None:
        reply = await world.begin(call(never_ending()) if moment == "upload" else GET)
        reply_out.append(reply)
        if moment == "body":
            await read(reply)
        try:
            await asyncio.Event().wait()
        finally:
            await reply.aclose()

    async with before(script, max_connections=1) as world:
        replies_out: list[UpstreamReply] = []
        task = asyncio.create_task(scenario(replies_out))
        if moment == "queue":
            await reached.wait()
            waiting = asyncio.create_task(world.fetch())
            await until(lambda: world.sender.stats().queued == 1)
            waiting.cancel()
            await asyncio.wait([waiting])
            assert world.sender.stats().queued == 0
        await reached.wait()
        if moment in ("body", "between"):
            await until(lambda: bool(replies_out))
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        await until(lambda: world.upstream.open == 0)


async def in_three_pieces() -> AsyncIterator[bytes]:
    for _ in range(3):
        await asyncio.sleep(0)
        yield b"x" * 10


async def wait_turns(count: int) -> None:
    """Let everything else in the loop have that many turns."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_thousand_random_cancellations_leave_nothing_behind(before: WorldMaker) -> None:
    """Slots, tasks and files are counted when the world is left."""
    random = Random(7)  # noqa: S311 - repeatable, not secret
    concurrency = 8

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            for piece in (b"HTTP/1.1 200 OK\r\n", b"Content-Length: 8\r\n\r\n", b"half", b"half"):
                await peer.send(piece)
                for _ in range(random.randrange(4)):
                    await asyncio.sleep(0)

    async def one_request() -> None:
        request = call(in_three_pieces()) if random.random() < 0.2 else call(b"{}")
        fetching = asyncio.create_task(world.fetch(request))
        leaving = asyncio.create_task(wait_turns(random.randrange(40)))
        await asyncio.wait([fetching, leaving], return_when=asyncio.FIRST_COMPLETED)
        fetching.cancel()
        await asyncio.wait([fetching, leaving])
        if fetching.cancelled():
            cancelled.append(True)
        else:
            assert fetching.result() == (200, b"halfhalf")

    async def client() -> None:
        for _ in range(1000 // concurrency):
            await one_request()

    cancelled: list[bool] = []
    async with before(script, max_connections=3) as world:
        await asyncio.gather(*(client() for _ in range(concurrency)))
        assert len(cancelled) > 100
        assert await world.fetch() == (200, b"halfhalf")
