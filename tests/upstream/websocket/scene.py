"""A dialer before a server of the package `websockets`, and a user that notes what arrives."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.utils import accept_key

from gateway.shapes import UpstreamCall
from gateway.upstream.credentials import Credentials
from gateway.upstream.origin import parse_base_url
from gateway.upstream.websocket.dialer import SocketDialer
from tests.upstream.conftest import settings_for, warm_up
from tests.upstream.scripted import Peer, Request, Script, open_files, scripted, until

Handler = Callable[[ServerConnection], Awaitable[None]]

REALTIME = UpstreamCall("local", "GET", "/realtime", query=b"model=gpt-realtime")


@dataclass
class User:
    """Notes what arrives on a socket."""

    messages: list[bytes] = field(default_factory=list)
    frames: bytearray = field(default_factory=bytearray)
    complete: bool = True
    drains: int = 0
    end: tuple[int, str] | None = None
    ends: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def received(self, message: bytes) -> None:
        self.messages.append(message)

    def received_frames(self, data: bytes, *, complete: bool) -> None:
        self.frames += data
        self.complete = complete

    def drained(self) -> None:
        self.drains += 1

    def closed(self, code: int, reason: str) -> None:
        self.end = code, reason
        self.ends += 1
        self.ended.set()


def dialer_for(base_url: str, limit: int = 1 << 20, **changes: Any) -> SocketDialer:
    settings = settings_for(base_url, **changes)
    return SocketDialer(settings, parse_base_url(base_url), Credentials(settings), limit)


@asynccontextmanager
async def dialling(
    base_url: str, limit: int = 1 << 20, **changes: Any
) -> AsyncIterator[SocketDialer]:
    """Make a dialer; leaving it looks for leaks."""
    await warm_up()
    files, tasks = open_files(), len(asyncio.all_tasks())
    dialer = dialer_for(base_url, limit, **changes)
    try:
        yield dialer
    finally:
        await dialer.aclose()
        assert dialer.open == 0
    await until(lambda: open_files() <= files)
    await until(lambda: len(asyncio.all_tasks()) <= tasks)


@asynccontextmanager
async def before(
    *scripts: Script,
    limit: int = 1 << 20,
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    path: str = "/v1",
    **changes: Any,
) -> AsyncIterator[SocketDialer]:
    """Make a dialer before a scripted upstream."""
    async with scripted(*scripts, tls=tls) as upstream:
        base_url = f"{upstream.scheme}://{host}:{upstream.port}{path}"
        async with dialling(base_url, limit, **changes) as dialer:
            yield dialer


@asynccontextmanager
async def serving(handler: Handler, **options: Any) -> AsyncIterator[str]:
    """Serve sockets; gives the base URL."""
    options = {"compression": None, "max_size": None, "ping_interval": None, **options}
    async with serve(handler, "127.0.0.1", 0, **options) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"http://127.0.0.1:{port}/v1"


async def accepting(peer: Peer, *further: str, rest: bytes = b"") -> Request:
    """Read a handshake and agree to it; return it. `rest` is sent right after."""
    request = await peer.head()
    await peer.send(switched(request.header("sec-websocket-key") or "", *further) + rest)
    return request


def switched(key: str, *further: str) -> bytes:
    fields = [
        "upgrade: websocket",
        "Connection: keep-alive, Upgrade",
        f"Sec-WebSocket-Accept: {accept_key(key)}",
        *further,
    ]
    return "\r\n".join(["HTTP/1.1 101 Switching Protocols", *fields, "", ""]).encode("latin-1")
