"""An upstream that does to each connection, byte for byte, what a script says."""

import asyncio
import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.waiting import PATIENCE

TURNS = 200
"""Of the loop, after which what is waited for takes time, and others need the processor."""


@dataclass
class Request:
    """A request as it arrived."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes = b""

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key.lower() == name]
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None


class Peer:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def head(self) -> Request:
        raw = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = raw[:-4].decode("latin-1").split("\r\n")
        method, target, version = first.split(" ")
        assert version == "HTTP/1.1"
        pairs = [line.partition(": ") for line in lines]
        return Request(method, target, [(name, value) for name, _, value in pairs])

    async def request(self) -> Request:
        request = await self.head()
        if request.header("transfer-encoding") == "chunked":
            while size := int(await self.reader.readuntil(b"\n"), 16):
                request.body += (await self.reader.readexactly(size + 2))[:-2]
            await self.reader.readexactly(2)
        elif length := request.header("content-length"):
            request.body = await self.reader.readexactly(int(length))
        return request

    async def send(self, data: bytes) -> None:
        if self.writer.transport.is_closing():
            raise ConnectionResetError("the client has gone")
        self.writer.write(data)
        await self.writer.drain()

    async def drip(self, data: bytes) -> None:
        """Send byte by byte, each as a packet of its own as far as the kernel lets us."""
        for position in range(len(data)):
            await self.send(data[position : position + 1])
            await asyncio.sleep(0)

    async def gone(self) -> None:
        """Wait until the client has closed its end."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            return

    def half_close(self) -> None:
        self.writer.write_eof()

    def reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


Script = Callable[[Peer], Awaitable[None]]


@dataclass
class ScriptedUpstream:
    """Where the server listens, and how many connections it has seen."""

    port: int
    host: str = "127.0.0.1"
    scheme: str = "http"
    connections: int = 0
    open: int = 0
    failures: list[BaseException] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}/v1"


@asynccontextmanager
async def scripted(
    *scripts: Script, tls: ssl.SSLContext | None = None
) -> AsyncIterator[ScriptedUpstream]:
    """Serve: the n-th connection gets the n-th script, all further ones the last."""
    handlers: set[asyncio.Task[None]] = set()
    upstream = ScriptedUpstream(0, scheme="https" if tls else "http")

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        script = scripts[min(upstream.connections, len(scripts) - 1)]
        upstream.connections += 1
        upstream.open += 1
        try:
            await script(Peer(reader, writer))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # clients that go away are what many of these tests are about
        except asyncio.CancelledError:
            pass  # the test is over
        except BaseException as error:  # noqa: BLE001 - raised again when the test ends
            upstream.failures.append(error)
        finally:
            upstream.open -= 1
            handlers.discard(task)
            if not writer.transport.is_closing():
                writer.close()

    server = await asyncio.start_server(handle, upstream.host, 0, ssl=tls)
    upstream.port = server.sockets[0].getsockname()[1]
    try:
        yield upstream
    finally:
        server.close()
        for task in tuple(handlers):
            task.cancel()
        await until(lambda: not handlers)
        await server.wait_closed()
    if upstream.failures:
        raise upstream.failures[0]


async def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Let the loop run until something has happened; fail when it does not."""
    loop = asyncio.get_running_loop()
    end, turns = loop.time() + seconds, 0
    while not condition():
        assert loop.time() < end, "it never happened"
        turns += 1
        await asyncio.sleep(0 if turns < TURNS else 0.001)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def replies(*raw: bytes) -> Script:
    """Answer each request on a connection with the next of these, then wait for the client."""

    async def script(peer: Peer) -> None:
        for reply in raw:
            await peer.request()
            await peer.send(reply)
        await peer.gone()

    return script


def with_length(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunked(*pieces: bytes) -> bytes:
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body
