"""What only the sender over httpcore2 does, beyond the contract of `test_senders.py`."""

import asyncio
import socket
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import Any

import httpcore2
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
from gateway.upstream.proxied.http_client import HttpClient, Transport
from tests.upstream.conftest import GET, call, read, settings_for
from tests.upstream.scripted import Peer, Request, scripted, until, with_length

pytestmark = pytest.mark.anyio


class Answers:
    """What sends requests, in place of the network."""

    def __init__(
        self, answer: Callable[[httpcore2.Request], Awaitable[httpcore2.Response]]
    ) -> None:
        self._answer = answer

    async def handle_async_request(self, request: httpcore2.Request) -> httpcore2.Response:
        return await self._answer(request)

    async def aclose(self) -> None:
        pass


def client(transport: Transport | None = None, **changes: Any) -> HttpClient:
    settings = settings_for(changes.pop("base_url", "http://[::1]:8000/v1"), **changes)
    origin = parse_base_url(settings.base_url)
    return HttpClient(settings, origin, Credentials(settings), transport=transport)


async def test_the_network_can_be_replaced() -> None:
    async def answer(request: httpcore2.Request) -> httpcore2.Response:
        assert bytes(request.url) == b"http://::1:8000/v1/chat/completions"
        return httpcore2.Response(418, content=request.method)

    sender = client(Answers(answer))
    reply = await sender.send(call(b"{}"))
    assert (reply.status, await read(reply)) == (418, b"POST")
    assert sender.stats().in_flight == 0
    await sender.aclose()


async def test_a_call_has_its_trace_context() -> None:
    async def answer(request: httpcore2.Request) -> httpcore2.Response:
        return httpcore2.Response(200, content=dict(request.headers)[b"traceparent"])

    sender = client(Answers(answer))
    traced = call(b"{}")
    traced.trace = ((b"traceparent", b"00-1"),)
    assert await read(await sender.send(traced)) == b"00-1"
    await sender.aclose()


async def test_nothing_is_added_to_a_request_and_a_target_of_any_length_is_sent() -> None:
    """The door limits heads; httpx2 refused URLs of more than 65,536 characters."""

    async def answer(request: httpcore2.Request) -> httpcore2.Response:
        assert request.url.target == b"/v1/models?" + query
        assert {name for name, _ in request.headers} == {
            b"host",
            b"accept-encoding",
            b"x-gateway-hops",
        }
        return httpcore2.Response(200)

    query = b"q=" + b'"<>' * 23_000
    sender = client(Answers(answer))
    assert (await sender.send(GET.copy(query=query))).status == 200
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


@pytest.mark.parametrize(
    ("base_url", "host"),
    [
        ("http://model.test:8000/v1", "model.test:8000"),
        ("http://model.test/v1", "model.test"),
        ("http://model.test:80/v1", "model.test"),
        ("http://[::1]:8000/v1", "[::1]:8000"),
        ("http://[2001:db8::1]/v1", "[2001:db8::1]"),
    ],
)
async def test_a_call_through_a_proxy_names_its_destination_to_it(base_url: str, host: str) -> None:
    seen: list[Request] = []

    async def proxy(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.send(with_length(b"through"))
        await peer.gone()

    async with scripted(proxy) as upstream:
        address = f"http://user:p%40ss:w@127.0.0.1:{upstream.port}"
        sender = client(base_url=base_url, proxy=Secret(address))
        reply = await sender.send(GET)
        assert await read(reply) == b"through"
        await sender.aclose()
    assert seen[0].target == f"http://{host}/v1/models"
    assert seen[0].header("host") == host
    assert seen[0].header("proxy-authorization") == "Basic dXNlcjpwQHNzOnc="


@pytest.mark.parametrize(
    ("base_url", "host"),
    [
        ("https://model.test/v1", "model.test:443"),
        ("https://model.test:8443/v1", "model.test:8443"),
        ("https://[::1]/v1", "[::1]:443"),
    ],
)
async def test_a_tunnel_is_asked_for_by_the_name_and_port_of_the_upstream(
    base_url: str, host: str
) -> None:
    seen: list[Request] = []

    async def proxy(peer: Peer) -> None:
        seen.append(await peer.head())
        await peer.send(with_length(b"", "403 Forbidden"))
        await peer.gone()

    async with scripted(proxy) as upstream:
        address = f"http://user:pass@127.0.0.1:{upstream.port}"
        sender = client(base_url=base_url, proxy=Secret(address))
        with pytest.raises(UpstreamUnavailable, match="ProxyError"):
            await sender.send(GET)
        await sender.aclose()
    assert (seen[0].method, seen[0].target) == ("CONNECT", host)
    assert seen[0].header("host") == host
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

    async def answer(request: httpcore2.Request) -> httpcore2.Response:
        assert isinstance(request.stream, AsyncIterable)
        attempts.append(b"".join([piece async for piece in request.stream]))
        raise httpcore2.ReadError("reset")

    async def upload() -> Any:
        yield b"once"

    sender = client(Answers(answer))
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
    class Body:
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b""
            yield b"some"
            await closed.wait()

        async def aclose(self) -> None:
            closed.set()

    async def answer(_: httpcore2.Request) -> httpcore2.Response:
        return httpcore2.Response(200, content=Body())

    closed = asyncio.Event()
    sender = client(Answers(answer))
    reply = await sender.send(GET)
    chunks = reply.chunks()
    assert await anext(chunks) == b"some"
    await reply.aclose()
    with pytest.raises(TruncatedStream, match="given up"):
        await anext(chunks)
