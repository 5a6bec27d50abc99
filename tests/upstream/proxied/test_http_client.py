"""What only the sender over httpx2 does, beyond the contract of `test_senders.py`."""

import asyncio
import socket
from typing import Any

import httpx2
import pytest

from gateway.config.secret import Secret
from gateway.errors import (
    TruncatedStream,
    UpstreamError,
    UpstreamUnavailable,
)
from gateway.system.tcp import KEEP_ALIVE_OPTIONS
from gateway.upstream.credentials import Credentials
from gateway.upstream.origin import parse_base_url
from gateway.upstream.proxied.http_client import HttpClient
from tests.upstream.conftest import GET, call, read, settings_for
from tests.upstream.scripted import Peer, Request, scripted, until, with_length

pytestmark = pytest.mark.anyio


def client(transport: httpx2.AsyncBaseTransport | None = None, **changes: Any) -> HttpClient:
    settings = settings_for(changes.pop("base_url", "http://[::1]:8000/v1"), **changes)
    origin = parse_base_url(settings.base_url)
    return HttpClient(settings, origin, Credentials(settings), transport=transport)


async def test_the_network_can_be_replaced() -> None:
    def handle(request: httpx2.Request) -> httpx2.Response:
        assert str(request.url) == "http://[::1]:8000/v1/chat/completions"
        return httpx2.Response(418, json={"method": request.method})

    sender = client(httpx2.MockTransport(handle))
    reply = await sender.send(call(b"{}"))
    assert (reply.status, await read(reply)) == (418, b'{"method":"POST"}')
    assert sender.stats().in_flight == 0
    await sender.aclose()


async def test_a_call_has_its_trace_context() -> None:
    def handle(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, text=request.headers["traceparent"])

    sender = client(httpx2.MockTransport(handle))
    traced = call(b"{}")
    traced.trace = ((b"traceparent", b"00-1"),)
    assert await read(await sender.send(traced)) == b"00-1"
    await sender.aclose()


@pytest.mark.parametrize("proxied", [False, True])
async def test_a_silent_connection_is_kept_alive(
    monkeypatch: pytest.MonkeyPatch, proxied: bool
) -> None:
    options: list[tuple[int, int, int]] = []

    class Connected(socket.socket):
        def setsockopt(self, *option: Any) -> None:
            options.append(option)
            super().setsockopt(*option)

    async def upstream(peer: Peer) -> None:
        await peer.request()
        await peer.send(with_length(b"OK"))
        await peer.gone()

    async with scripted(upstream) as server:
        proxy = Secret(server.base_url) if proxied else None
        sender = client(base_url=server.base_url, proxy=proxy)
        monkeypatch.setattr(socket, "socket", Connected)
        assert await read(await sender.send(call(b"{}"))) == b"OK"
        await sender.aclose()
    assert set(options) >= set(KEEP_ALIVE_OPTIONS)


async def test_a_call_through_a_proxy_names_its_destination_to_it() -> None:
    seen: list[Request] = []

    async def proxy(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.send(with_length(b"through"))
        await peer.gone()

    async with scripted(proxy) as upstream:
        address = f"http://user:pass@127.0.0.1:{upstream.port}"
        sender = client(base_url="http://model.test:8000/v1", proxy=Secret(address))
        reply = await sender.send(GET)
        assert await read(reply) == b"through"
        await sender.aclose()
    assert seen[0].target == "http://model.test:8000/v1/models"
    assert seen[0].header("host") == "model.test:8000"
    assert seen[0].header("proxy-authorization") == "Basic dXNlcjpwYXNz"


async def test_a_proxy_that_refuses_a_tunnel_is_unavailability() -> None:
    async def proxy(peer: Peer) -> None:
        await peer.head()
        await peer.send(with_length(b"", "407 Proxy Authentication Required"))
        await peer.gone()

    async with scripted(proxy) as upstream:
        address = f"http://127.0.0.1:{upstream.port}"
        sender = client(base_url="https://model.test/v1", proxy=Secret(address))
        with pytest.raises(UpstreamUnavailable, match="ProxyError"):
            await sender.send(GET)
        await until(lambda: upstream.open == 0)
        await sender.aclose()


async def test_a_connection_lost_at_reuse_is_repeated_for_safe_methods_and_whole_bodies_only() -> (
    None
):
    """A transport that reports no connecting is one that reuses a connection."""
    attempts: list[bytes] = []

    async def handle(request: httpx2.Request) -> httpx2.Response:
        attempts.append(await request.aread())
        raise httpx2.ReadError("reset")

    async def upload() -> Any:
        yield b"once"

    sender = client(httpx2.MockTransport(handle))
    requests = [
        call(b"twice", method="GET"),
        call(b"once"),
        call(upload()),
        call(upload(), method="GET"),
    ]
    for request in requests:
        with pytest.raises(UpstreamError, match="closed the connection"):
            await sender.send(request)
    assert attempts == [b"twice", b"twice", b"once", b"once", b"once"]
    assert [request.resends for request in requests] == [1, 0, 0, 0]


async def test_a_reply_closed_by_another_task_does_not_end_cleanly_for_its_reader() -> None:
    class Body(httpx2.AsyncByteStream):
        async def __aiter__(self) -> Any:
            yield b""
            yield b"some"
            await closed.wait()

        async def aclose(self) -> None:
            closed.set()

    closed = asyncio.Event()
    sender = client(httpx2.MockTransport(lambda _: httpx2.Response(200, stream=Body())))
    reply = await sender.send(GET)
    chunks = reply.chunks()
    assert await anext(chunks) == b"some"
    await reply.aclose()
    with pytest.raises(TruncatedStream, match="given up"):
        await anext(chunks)
