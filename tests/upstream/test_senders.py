"""The contract of `Send`, kept by both senders, over real sockets."""

import asyncio
import re
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from random import Random
from typing import cast

import pytest

from gateway.errors import (
    InvalidRequest,
    TruncatedStream,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from gateway.shapes import UpstreamReply
from tests.upstream.conftest import GENEROUS, GET, WorldMaker, call, read
from tests.upstream.scripted import Peer, chunked, replies, until, with_length

pytestmark = pytest.mark.anyio

OK = with_length(b"fine")
SHORT = 0.05
HEAD = call(b"", method="HEAD", path="/models")


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_a_request_arrives_as_it_was_meant(before: WorldMaker) -> None:
    seen = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.send(OK)
        await peer.gone()

    request = call(
        b'{"model":"m"}',
        path="/models/ft:gpt-3.5:a%2Fb!$&'()*+,;=@~",
        query=b"limit=1&after=%41'^`{|}[]",
        client_headers=((b"content-type", b"application/json"), (b"x-secret", b"1")),
    )
    async with before(script) as world:
        assert await world.fetch(request) == (200, b"fine")
        port = world.upstream.port
    assert seen[0].method == "POST"
    assert seen[0].target == ("/v1/models/ft:gpt-3.5:a%2Fb!$&'()*+,;=@~?limit=1&after=%41'^`{|}[]")
    assert seen[0].body == b'{"model":"m"}'
    assert sorted((name.lower(), value) for name, value in seen[0].headers) == [
        ("accept-encoding", "identity"),
        ("content-length", "13"),
        ("content-type", "application/json"),
        ("host", f"127.0.0.1:{port}"),
    ]


async def test_a_reply_arrives_with_its_status_headers_and_raw_body(before: WorldMaker) -> None:
    raw = with_length(
        b"\x1f\x8bzipped", "429 Slow down", "Content-Encoding: gzip", "X-Request-Id: 7",
        "Set-Cookie: a=b", "Connection: X-Hop", "X-Hop: 1", "Retry-After: 3",
    )  # fmt: skip
    async with before(replies(raw)) as world:
        reply = await world.begin()
        assert reply.status == 429
        assert reply.headers == (
            (b"content-encoding", b"gzip"),
            (b"x-request-id", b"7"),
            (b"retry-after", b"3"),
            (b"content-length", b"8"),
        )
        assert await read(reply) == b"\x1f\x8bzipped"


@pytest.mark.parametrize(
    "raw",
    [
        with_length(b"the body"),
        chunked(b"the", b" ", b"body"),
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nthe body",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n"
        + chunked(b"the body"),
        chunked(b"the body")[:-2] + b"X-Trailer: dropped\r\n\r\n",
    ],
    ids=["length", "chunked", "until-close", "interim", "trailer"],
)
async def test_a_reply_may_come_whole_or_byte_by_byte(before: WorldMaker, raw: bytes) -> None:
    async def whole(peer: Peer) -> None:
        await peer.request()
        await peer.send(raw)

    async def dripping(peer: Peer) -> None:
        await peer.request()
        await peer.drip(raw)

    async with before(whole, dripping) as world:
        assert await world.fetch() == (200, b"the body")
        await until(lambda: world.upstream.open == 0)
        assert await world.fetch() == (200, b"the body")


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


async def test_a_half_closing_upstream_still_gets_its_reply_delivered(before: WorldMaker) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        peer.half_close()
        await peer.gone()

    async with before(script) as world:
        assert await world.fetch() == (200, b"fine")
        await until(lambda: world.upstream.open == 0)
        assert await world.fetch() == (200, b"fine")


@pytest.mark.parametrize(
    ("request_", "raw"),
    [
        (GET, b"HTTP/1.1 204 No Content\r\n\r\n"),
        (GET, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
        (HEAD, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
    ],
    ids=["204", "304", "head"],
)
async def test_a_reply_without_a_body_leaves_the_connection_usable(
    before: WorldMaker, request_: object, raw: bytes
) -> None:
    async with before(replies(raw, OK)) as world:
        status, body = await world.fetch(request_)  # type: ignore[arg-type]
        assert (status, body) == (int(raw[9:12]), b"")
        assert await world.fetch() == (200, b"fine")
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
async def test_a_head_that_is_no_head_is_an_upstream_error(before: WorldMaker, raw: bytes) -> None:
    async with before(replies(raw)) as world:
        with pytest.raises(UpstreamError, match="Upstream 'local'"):
            await world.fetch()


async def test_a_malformed_chunk_does_not_end_the_body_cleanly(before: WorldMaker) -> None:
    raw = chunked(b"good") + b""
    raw = raw.replace(b"0\r\n\r\n", b"zz\r\nbad")
    async with before(replies(raw)) as world:
        with pytest.raises(TruncatedStream, match="Upstream 'local'"):
            await world.fetch()


async def test_connections_are_reused(before: WorldMaker) -> None:
    async with before(replies(OK, chunked(b"a", b"b"), OK)) as world:
        assert await world.fetch() == (200, b"fine")
        assert await world.fetch() == (200, b"ab")
        assert await world.fetch() == (200, b"fine")
        assert world.upstream.connections == 1


async def test_a_connection_that_its_upstream_wants_closed_is_not_reused(
    before: WorldMaker,
) -> None:
    closing = with_length(b"bye", "200 OK", "Connection: close")
    async with before(replies(closing)) as world:
        assert await world.fetch() == (200, b"bye")
        assert await world.fetch() == (200, b"bye")
        assert world.upstream.connections == 2


async def test_a_request_lost_to_the_keep_alive_race_is_sent_once_more(
    before: WorldMaker,
) -> None:
    lost = []

    async def closes_when_asked_again(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        lost.append(await peer.request())

    async def resets_when_asked_again(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        lost.append(await peer.request())
        peer.reset()

    async with before(closes_when_asked_again, resets_when_asked_again, replies(OK)) as world:
        assert await world.fetch(call(b"first")) == (200, b"fine")
        assert await world.fetch(call(b"second")) == (200, b"fine")
        assert await world.fetch(call(b"third")) == (200, b"fine")
        assert [request.body for request in lost] == [b"second", b"third"]
        assert world.upstream.connections == 3


async def test_a_fresh_connection_that_closes_is_not_tried_again(before: WorldMaker) -> None:
    async def closes_when_asked_again(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.request()

    async def closes_when_asked(peer: Peer) -> None:
        await peer.request()

    async with before(closes_when_asked_again, closes_when_asked) as world:
        await world.fetch()
        with pytest.raises(UpstreamError, match="closed the connection"):
            await world.fetch()
        assert world.upstream.connections == 2


async def test_redirects_are_relayed_and_not_followed(before: WorldMaker) -> None:
    moved = with_length(b"", "307 Moved", "Location: http://127.0.0.1:1/elsewhere")
    async with before(replies(moved)) as world:
        reply = await world.begin()
        assert (reply.status, await read(reply)) == (307, b"")
        assert (b"location", b"http://127.0.0.1:1/elsewhere") in reply.headers


async def test_proxies_of_the_environment_get_nothing(
    before: WorldMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with before(replies(OK)) as world:
        assert await world.fetch() == (200, b"fine")


@pytest.mark.parametrize("announced", [True, False], ids=["length", "chunked"])
async def test_a_body_can_be_streamed(before: WorldMaker, announced: bool) -> None:
    seen = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.send(OK)
        await peer.gone()

    parts = (b"one", b"", b"two" * 100_000)
    body_length = sum(map(len, parts)) if announced else None
    async with before(script) as world:
        assert await world.fetch(call(pieces(*parts), body_length=body_length)) == (200, b"fine")
    assert seen[0].body == b"".join(parts)
    assert (seen[0].header("transfer-encoding") is None) == announced


@pytest.mark.parametrize("body_length", [2, 4])
async def test_a_streamed_body_of_another_length_than_announced_is_refused(
    before: WorldMaker, body_length: int
) -> None:
    async def script(peer: Peer) -> None:
        await peer.gone()

    async with before(script) as world:
        with pytest.raises(InvalidRequest):
            await world.fetch(call(pieces(b"abc"), body_length=body_length))


async def test_an_error_of_the_streamed_body_comes_through_and_ends_the_request(
    before: WorldMaker,
) -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield b"some"
        raise LookupError("the client has gone")

    async def script(peer: Peer) -> None:
        await peer.gone()

    async with before(script) as world:
        with pytest.raises(LookupError, match="the client has gone"):
            await world.fetch(call(failing()))
        await until(lambda: world.upstream.open == 0)


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
            await world.fetch(call(pieces(b"a")))


async def test_a_head_that_drips_for_ever_times_out(before: WorldMaker) -> None:
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


async def read_all(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


async def test_a_slow_reader_is_no_silent_upstream(before: WorldMaker) -> None:
    more = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(chunked(b"one", b"two")[:-13])
        await more.wait()
        await peer.send(chunked(b"one", b"two")[-13:])
        await peer.gone()

    timeouts = replace(GENEROUS, stream_idle=SHORT)
    async with before(script, timeouts=timeouts) as world:
        chunks = (await world.begin()).chunks()
        first = await anext(chunks)
        await asyncio.sleep(3 * SHORT)  # the reader's own time, which is what this is about
        more.set()
        assert first + await read_all(chunks) == b"onetwo"


async def test_a_refused_connection_is_unavailability(before: WorldMaker) -> None:
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{nobody_listens.getsockname()[1]}/v1"
        async with before(replies(OK), base_url=base_url) as world:
            with pytest.raises(UpstreamUnavailable, match="Upstream 'local'"):
                await world.fetch()


async def test_a_name_that_does_not_resolve_is_unavailability(
    before: WorldMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    # uvloop resolves by itself; the reserved top-level domain keeps that from finding anything.
    base_url = "http://upstream.invalid/v1"
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


async def test_requests_beyond_the_limit_wait_and_are_served_in_order(
    before: WorldMaker,
) -> None:
    served = []
    may_answer = asyncio.Semaphore(0)

    async def script(peer: Peer) -> None:
        while True:
            served.append((await peer.request()).target)
            await may_answer.acquire()
            await peer.send(OK)

    async with before(script, max_connections=2) as world:
        fetches = [
            asyncio.create_task(world.fetch(replace(GET, path=f"/{number}"))) for number in range(6)
        ]
        await until(lambda: len(served) == 2 and world.sender.stats().queued == 4)
        assert world.sender.stats().in_flight == 2
        for _ in range(6):
            may_answer.release()
        assert await asyncio.gather(*fetches) == [(200, b"fine")] * 6
        assert sorted(served) == [f"/v1/{number}" for number in range(6)]
        assert world.upstream.connections == 2


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


async def test_a_reply_given_up_frees_its_connection_and_cannot_be_read_on(
    before: WorldMaker,
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart")
        await peer.gone()

    async with before(script, max_connections=1) as world:
        for _ in range(3):
            reply = await world.begin()
            await reply.aclose()
            await reply.aclose()
            with pytest.raises(TruncatedStream, match="given up"):
                await read(reply)
            await until(lambda: world.upstream.open == 0)


async def test_a_reply_given_up_while_it_is_read_is_freed(before: WorldMaker) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart")
        await peer.gone()

    async with before(script, max_connections=1) as world:
        reply = await world.begin()
        async for chunk in reply.chunks():
            assert chunk == b"part"
            await reply.aclose()
            break
        await until(lambda: world.upstream.open == 0)
        chunks = (await world.begin()).chunks()
        assert await anext(chunks) == b"part"
        await cast("AsyncGenerator[bytes]", chunks).aclose()
        await until(lambda: world.upstream.open == 0)


async def test_closing_a_reply_that_was_read_is_harmless(before: WorldMaker) -> None:
    async with before(replies(OK, OK)) as world:
        for _ in range(2):
            reply = await world.begin()
            assert await read(reply) == b"fine"
            await reply.aclose()
            assert await read(reply) == b""
        assert world.upstream.connections == 1


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


async def test_nothing_is_sent_for_a_request_that_cannot_be_written(before: WorldMaker) -> None:
    async with before(replies(OK)) as world:
        for bad in (
            replace(GET, path="/../admin"),
            replace(GET, query=b"a b"),
            replace(GET, method="GET / HTTP/1.1\r\nX: "),
            replace(GET, client_headers=((b"accept", b"a\r\nX-Injected: 1"),)),
        ):
            with pytest.raises(InvalidRequest):
                await world.begin(bad)
        assert await world.fetch() == (200, b"fine")


async def test_errors_name_the_upstream_and_no_address(before: WorldMaker) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()

    async with before(script) as world:
        with pytest.raises(UpstreamError) as caught:
            await world.fetch(replace(GET, query=b"key=sk-secret"))
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

    async def story(reply_out: list[UpstreamReply]) -> None:
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
        task = asyncio.create_task(story(replies_out))
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

    async def upload() -> AsyncIterator[bytes]:
        for _ in range(3):
            await asyncio.sleep(0)
            yield b"x" * 10

    async def patience_of_a_client() -> None:
        for _ in range(random.randrange(40)):
            await asyncio.sleep(0)

    async def one_request() -> None:
        request = call(upload()) if random.random() < 0.2 else call(b"{}")
        fetching = asyncio.create_task(world.fetch(request))
        leaving = asyncio.create_task(patience_of_a_client())
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
