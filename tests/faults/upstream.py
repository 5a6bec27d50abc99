"""An upstream that plays the fault which a request names in its `x-fault` header.

It also has listeners whose fault comes before any request, each an upstream of its own.
"""

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from gateway.shapes import Shape
from tests.addresses import held_port
from tests.faults.payloads import dumped, events, whole
from tests.faults.script import (
    Asked,
    Close,
    Pause,
    Repeat,
    Reset,
    Script,
    Scripted,
    Stall,
    Step,
    reply,
    stream,
)
from tests.upstream.test_faults import full_backlog

BEFORE_A_RESET = 0.4
"""Seconds until what was sent has certainly been read: a reset discards what has not."""
_GARBAGE = b"\x16\x03\x01\x00\x05 what a TLS server would never say \xff\xfe"


def good(asked: Asked) -> Script:
    """Answer as one should."""
    if asked.streamed:
        return stream(events(asked.home))
    return reply(dumped(whole(asked.home)))


@dataclass
class Received:
    """What came in: how often each exchange's request, and whether on a connection used before."""

    count: Counter[str] = field(default_factory=Counter)
    on_used: set[str] = field(default_factory=set)


class _Gone(Exception):
    """The other side has closed the connection."""


@dataclass(eq=False)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    serving: str = ""
    """The exchange under way; empty: none."""
    requests: int = 0

    async def request(self) -> tuple[bytes, dict[str, str], bytes]:
        raw = await self.reader.readuntil(b"\r\n\r\n")
        start, *lines = raw[:-4].decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines)
        body = await self.reader.readexactly(int(fields.get("content-length", "0")))
        self.requests += 1
        return start.encode(), fields, body

    async def play(self, steps: tuple[Step, ...]) -> None:
        for step in steps:
            match step:
                case bytes():
                    await self.send(step)
                case Pause(seconds):
                    await self.silence(seconds)
                case Stall():
                    await self.silence(None)
                case Repeat(data, pause, times):
                    await self.repeat(data, pause, times)
                case Reset():
                    await self.silence(BEFORE_A_RESET)
                    reset(self.writer)
                    raise _Gone
                case Close():
                    raise _Gone

    async def send(self, data: bytes) -> None:
        if self.writer.transport.is_closing():
            raise _Gone
        self.writer.write(data)
        await self.writer.drain()

    async def repeat(self, data: bytes, pause: float, times: int | None) -> None:
        while times is None or times > 0:
            await self.send(data)
            times = None if times is None else times - 1
            if pause:
                await self.silence(pause)
            elif self.reader.at_eof():
                raise _Gone

    async def silence(self, seconds: float | None) -> None:
        """Wait; raise once the other side has gone."""
        try:
            async with asyncio.timeout(seconds):
                while await self.reader.read(65536):
                    pass
        except TimeoutError:
            return
        raise _Gone


class Upstream:
    """The scripted listener. `scripts` are the exchanges' scripts by their names."""

    def __init__(self, scripts: Mapping[str, Scripted]) -> None:
        self._scripts = scripts
        self._connections: set[_Connection] = set()
        self.received = Received()

    def unfinished(self) -> list[str]:
        """Return the exchanges whose connection the gateway has left open."""
        return sorted(each.serving for each in self._connections if each.serving)

    @property
    def connections(self) -> int:
        return len(self._connections)

    def close_idle(self) -> None:
        """Close the connections on which nothing is under way."""
        for connection in self._connections:
            if not connection.serving:
                connection.writer.close()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(reader, writer)
        self._connections.add(connection)
        try:
            while True:
                await self._serve(connection)
        except (_Gone, ConnectionError, asyncio.IncompleteReadError):
            return  # the end of a connection, by either side
        finally:
            self._connections.discard(connection)
            writer.close()

    async def _serve(self, connection: _Connection) -> None:
        start, fields, body = await connection.request()
        method, target, _ = start.decode().split(" ")
        name = fields.get("x-fault", "")
        connection.serving = name or "a good one"
        if method == "GET":
            script = reply(b'{"object":"list","data":[]}')
        else:
            if name:
                self.received.count[name] += 1
                if connection.requests > 1:
                    self.received.on_used.add(name)
            home = next(shape for shape in Shape if target.endswith(f"/v1{shape.path}"))
            asked = Asked(home, b'"stream":true' in body.replace(b" ", b""))
            script = self._scripts.get(name, good)(asked)
        del body
        await connection.play(script.steps)
        connection.serving = ""


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def _close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    reset(writer)


async def _until_gone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while await reader.read(65536):
            pass
    except ConnectionError:
        return
    finally:
        writer.close()


async def _half_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write_eof()
    await _until_gone(reader, writer)


def _says(data: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await _until_gone(reader, writer)

    return handle


_BEFORE_A_REQUEST = {
    "closing": _close,
    "resetting": _reset,
    "silent": _until_gone,
    "half-closing": _half_close,
    "banner": _says(b"SSH-2.0-OpenSSH_9.9\r\n"),
    "early": _says(
        b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    ),
    "tls-plain": _says(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"),
    "tls-garbage": _says(_GARBAGE),
    "tls-closing": _close,
    "tls-resetting": _reset,
    "tls-silent": _until_gone,
}


@asynccontextmanager
async def listening(upstream: Upstream, more: Iterable[str]) -> AsyncIterator[dict[str, str]]:
    """Listen for all upstreams until the block ends; give their base URLs by their names.

    `more` are names that are the scripted upstream's too, each with connections of its own.
    """
    async with AsyncExitStack() as stack:
        urls: dict[str, str] = {}
        handlers = {**dict.fromkeys(("scripted", *more), upstream.handle), **_BEFORE_A_REQUEST}
        for name, handle in handlers.items():
            server = await asyncio.start_server(handle, "127.0.0.1", 0, limit=1 << 20)
            stack.callback(server.close)
            port = server.sockets[0].getsockname()[1]
            urls[name] = f"{'https' if 'tls' in name else 'http'}://127.0.0.1:{port}/v1"
        urls["refusing"] = f"http://127.0.0.1:{held_port()}/v1"
        urls["black-hole"] = f"http://127.0.0.1:{stack.enter_context(full_backlog())}/v1"
        yield urls
