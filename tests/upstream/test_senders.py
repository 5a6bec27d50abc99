"""The contract of `Send`, kept by both senders, over real sockets; its faults: `test_faults.py`."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import cast

import pytest

from gateway.errors import (
    InvalidRequest,
    TruncatedStream,
    UpstreamError,
)
from gateway.hops import MARK
from tests.upstream.conftest import GET, WorldMaker, call, read
from tests.upstream.scripted import Peer, chunked, replies, until, with_length

pytestmark = pytest.mark.anyio

OK = with_length(b"fine")
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
        path="/models/ft:gpt-3.5:a%2Fb!$&'()*+,;=@~\"<>^`{|}",
        query=b"limit=1&after=%41'^`{|}[]\"<>",
        client_headers=((b"content-type", b"application/json"), (b"x-secret", b"1")),
    )
    async with before(script) as world:
        assert await world.fetch(request) == (200, b"fine")
        port = world.upstream.port
    assert seen[0].method == "POST"
    assert seen[0].target == (
        "/v1/models/ft:gpt-3.5:a%2Fb!$&'()*+,;=@~\"<>^`{|}?limit=1&after=%41'^`{|}[]\"<>"
    )
    assert seen[0].body == b'{"model":"m"}'
    assert sorted((name.lower(), value) for name, value in seen[0].headers) == [
        ("accept-encoding", "identity"),
        ("content-length", "13"),
        ("content-type", "application/json"),
        ("host", f"127.0.0.1:{port}"),
        ("x-gateway-hops", MARK.decode()),
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
            asyncio.create_task(world.fetch(GET.copy(path=f"/{number}"))) for number in range(6)
        ]
        await until(lambda: len(served) == 2 and world.sender.stats().queued == 4)
        assert world.sender.stats().in_flight == 2
        for _ in range(6):
            may_answer.release()
        assert await asyncio.gather(*fetches) == [(200, b"fine")] * 6
        assert sorted(served) == [f"/v1/{number}" for number in range(6)]
        assert world.upstream.connections == 2


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


async def test_nothing_is_sent_for_a_request_that_cannot_be_written(before: WorldMaker) -> None:
    async with before(replies(OK)) as world:
        for bad in (
            GET.copy(path="/../admin"),
            GET.copy(query=b"a b"),
            GET.copy(method="GET / HTTP/1.1\r\nX: "),
            GET.copy(method="get"),
            GET.copy(client_headers=((b"accept", b"a\r\nX-Injected: 1"),)),
        ):
            with pytest.raises(InvalidRequest):
                await world.begin(bad)
        assert await world.fetch() == (200, b"fine")
