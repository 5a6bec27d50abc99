"""A delivered POST is sent once; one that the upstream cannot have received is sent again.

The upstream here is a bare socket: it closes at the exact moment that a test wants, and what it
does is in the kernel before the event loop of the sender can see it.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import product
from math import inf
from typing import Any

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import UpstreamCall
from gateway.upstream import early_ends, pool
from gateway.upstream.delivery import may_be_sent_again
from gateway.upstream.pool import Pool
from gateway.upstream.proxied.http_client import HttpClient
from tests.upstream.conftest import GET, call, read, sender_for, settings_for
from tests.upstream.scripted import until, with_length

pytestmark = pytest.mark.anyio

OK = with_length(b"fine")
POST = call(b"paid for")
LARGE = call(b"x" * 300_000)
POOLS = ["pool-asyncio", "pool-uvloop"]
on_pools = pytest.mark.parametrize("variant", POOLS, indirect=True)


@dataclass
class BareUpstream:
    """A listening socket, and every request that was read whole at one of its connections."""

    listening: socket.socket
    sender: Pool | HttpClient
    received: list[bytes] = field(default_factory=list)
    accepted: list[socket.socket] = field(default_factory=list)

    async def accept(self) -> socket.socket:
        connection, _ = await asyncio.get_running_loop().sock_accept(self.listening)
        connection.setblocking(False)
        self.accepted.append(connection)
        return connection

    async def read_request(self, connection: socket.socket) -> None:
        """Read one request to the end of its body, and note the body."""
        loop = asyncio.get_running_loop()
        data = b""
        while b"\r\n\r\n" not in data:
            data += await loop.sock_recv(connection, 65536)
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [
            line[16:] for line in head.split(b"\r\n") if line.startswith(b"content-length: ")
        ]
        while len(body) < int(lengths[0] if lengths else 0):
            body += await loop.sock_recv(connection, 65536)
        self.received.append(body)

    async def answer(self, connection: socket.socket) -> None:
        await self.read_request(connection)
        await asyncio.get_running_loop().sock_sendall(connection, OK)

    async def used_once(self) -> socket.socket:
        """Return a connection that the sender keeps idle, after a first request on it."""
        connection, body = await asyncio.gather(self._serve_one(), self.fetch(GET.copy()))
        assert body == b"fine"
        self.received.clear()
        return connection

    async def fetch(self, request: UpstreamCall) -> bytes:
        return await read(await self.sender.send(request))

    async def fetch_anew(self, request: UpstreamCall) -> bytes:
        """Send at once, before the loop looks at any socket, and serve one more connection."""
        serving = asyncio.create_task(self._serve_one())
        body = await self.fetch(request)
        await serving
        return body

    async def _serve_one(self) -> socket.socket:
        connection = await self.accept()
        await self.answer(connection)
        return connection


@asynccontextmanager
async def bare(variant: str, **changes: Any) -> AsyncIterator[BareUpstream]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        port = listening.getsockname()[1]
        sender = sender_for(variant, settings_for(f"http://127.0.0.1:{port}/v1", **changes))
        upstream = BareUpstream(listening, sender)
        try:
            yield upstream
            await until(lambda: sender.stats().in_flight == 0)
        finally:
            await sender.aclose()
            for connection in upstream.accepted:
                connection.close()


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let idle connections be used without a look, however slow this machine is."""
    monkeypatch.setattr(pool, "_TRUSTED_SECONDS", inf)


def close(connection: socket.socket) -> None:
    connection.close()


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def half_close(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("end", [close, reset, half_close])
@pytest.mark.parametrize("after", [0.0, 0.05, 0.5])
async def test_a_post_that_was_delivered_is_sent_once_whenever_its_connection_ends(
    variant: str, end: Callable[[socket.socket], None], after: float
) -> None:
    async with bare(variant) as upstream:
        connection = await upstream.used_once()
        request = POST.copy()
        fetching = asyncio.create_task(upstream.fetch(request))
        await upstream.read_request(connection)
        await asyncio.sleep(after)
        end(connection)
        with pytest.raises(UpstreamError, match="closed the connection"):
            await fetching
        assert upstream.received == [b"paid for"]
        assert request.resends == 0
        # Nobody has connected a second time, and the next request is served.
        assert await upstream.fetch_anew(POST.copy()) == b"fine"
        assert upstream.received == [b"paid for"] * 2


@on_pools
@pytest.mark.parametrize("end", [close, half_close])
@pytest.mark.usefixtures("trusting")
async def test_a_post_written_to_a_connection_that_was_closed_already_is_sent_again(
    variant: str, end: Callable[[socket.socket], None]
) -> None:
    async with bare(variant) as upstream:
        connection = await upstream.used_once()
        end(connection)  # the loop does not know of it when the request is written
        request = POST.copy()
        assert await upstream.fetch_anew(request) == b"fine"
        assert upstream.received == [b"paid for"]
        assert request.resends == 1


async def test_a_connection_that_has_ended_unnoticed_is_not_used_again(
    variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_TRUSTED_SECONDS", 0.0)
    for end, request in product((close, reset, half_close), (POST.copy(), LARGE.copy())):
        async with bare(variant) as upstream:
            connection = await upstream.used_once()
            end(connection)
            assert await upstream.fetch_anew(request) == b"fine"
            assert upstream.received == [request.body]
            assert request.resends == 0


@on_pools
async def test_connections_that_have_ended_unnoticed_show_that_the_next_ones_may(
    variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_TRUSTED_SECONDS", 0.0)
    monkeypatch.setattr(early_ends, "SOON", inf)
    async with bare(variant, keepalive_expiry=1000.0) as upstream:
        await upstream.used_once()
        for end in (close, reset, half_close):
            end(upstream.accepted[-1])
            assert await upstream.fetch_anew(POST.copy()) == b"fine"
        assert upstream.sender.stats().idle == 1
        assert await upstream.fetch_anew(POST.copy()) == b"fine"


@on_pools
async def test_a_post_of_which_a_part_was_received_is_not_sent_again(variant: str) -> None:
    async with bare(variant) as upstream:
        connection = await upstream.used_once()
        request = call(b"x" * 20_000_000)  # more than the socket buffers take
        fetching = asyncio.create_task(upstream.fetch(request))
        assert await asyncio.get_running_loop().sock_recv(connection, 65536)
        half_close(connection)
        with pytest.raises(UpstreamError, match="closed the connection"):
            await fetching
        assert request.resends == 0


@pytest.mark.usefixtures("trusting")
async def test_a_server_that_ends_each_connection_after_its_answer_loses_few_requests(
    variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does so at the worst moment: once the next request on the connection has come."""
    monkeypatch.setattr(early_ends, "SOON", inf)
    async with bare(variant, keepalive_expiry=1000.0) as upstream:
        loop = asyncio.get_running_loop()
        serving: set[asyncio.Task[None]] = set()

        async def serve() -> None:
            connection = await upstream.accept()
            serving.add(loop.create_task(serve()))
            await upstream.answer(connection)
            await loop.sock_recv(connection, 1)
            reset(connection)

        serving.add(loop.create_task(serve()))
        lost = 0
        for _ in range(40):
            try:
                assert await upstream.fetch(POST.copy()) == b"fine"
            except UpstreamError:
                lost += 1
        assert (lost, len(upstream.received)) == (3, 37)
        for task in serving:
            task.cancel()
        await asyncio.wait(serving)


async def test_a_safe_request_is_sent_again_once(variant: str) -> None:
    async with bare(variant) as upstream:
        connection = await upstream.used_once()
        request = GET.copy(resends=0)
        fetching = asyncio.create_task(upstream.fetch(request))
        await upstream.read_request(connection)
        connection.close()
        again = await upstream.accept()
        await upstream.read_request(again)
        again.close()
        with pytest.raises(UpstreamError, match="closed the connection"):
            await fetching
        assert upstream.received == [b"", b""]
        assert request.resends == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_what_changes_nothing_may_be_sent_again(method: str) -> None:
    assert may_be_sent_again(method, 10, 0)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_what_changes_something_may_only_be_sent_again_if_nothing_of_it_was_received(
    method: str,
) -> None:
    assert may_be_sent_again(method, 10, 10)
    assert may_be_sent_again(method, 10, 11)
    assert not may_be_sent_again(method, 10, 9)
    assert not may_be_sent_again(method, 10, 0)
