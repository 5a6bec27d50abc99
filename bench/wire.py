"""One connection of a client that knows how far it has come, and can leave in any manner."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from enum import StrEnum

_LIMIT = 1 << 20
_SMALL = 1 << 15
_CLOSES_WITHIN = 1.0

_TCP_STATES = (
    "0",
    *("ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE"),
    *("CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV"),
)


class Leaving(StrEnum):
    """How a client ends its connection."""

    IN_ORDER = "FIN"
    RESET = "RST"
    HALF = "half-close"
    """It says that it sends no more, and waits for the other side to close."""


@dataclass(slots=True)
class Reply:
    """A reply, its body without the framing."""

    status: int
    headers: dict[str, str]
    body: bytes = b""

    @property
    def closes(self) -> bool:
        """Whether the connection ends with it."""
        return "close" in self.headers.get("connection", "").lower()


@dataclass(slots=True)
class Progress:
    """What a request has gone through: for the record of one that gets no reply."""

    began: float
    sent: float | None = None
    first_byte: float | None = None
    received: int = 0
    last: bytes = field(default=b"", repr=False)
    """The end of what was received."""


class Wire:
    """A connection. Raises what its socket raises, and `IncompleteReadError` at its early end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._opened = self._used = time.monotonic()
        self._replies = 0
        self.progress = Progress(self._opened)

    @classmethod
    async def open(cls, port: int, *, small: bool = False) -> "Wire":
        """Connect to a port of this machine; a `small` one takes little that was not yet read."""
        if not small:
            return cls(*await asyncio.open_connection("127.0.0.1", port, limit=_LIMIT))
        connection = socket.socket()
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL)
        try:
            await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
        except BaseException:
            connection.close()
            raise
        return cls(*await asyncio.open_connection(sock=connection, limit=_SMALL))

    async def write(self, data: bytes) -> None:
        """Send a request, or its beginning, or several."""
        self.progress = Progress(time.monotonic())
        self._writer.write(data)
        await self._writer.drain()
        self.progress.sent = time.monotonic()

    async def read(self, size: int) -> bytes:
        """Read so many bytes."""
        return self._took(await self._reader.readexactly(size))

    async def reply(self, pause: float = 0.0) -> Reply:
        """Read one reply; after every 32 KB of its body wait for `pause` seconds."""
        head = self._took(await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *lines = head[:-4].split("\r\n")
        pairs = [field.partition(":") for field in lines]
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        reply = Reply(int(line.split()[1]), headers)
        if reply.status in (204, 304):
            pass
        elif "chunked" in headers.get("transfer-encoding", ""):
            reply.body = await self._chunks(pause)
        elif "content-length" in headers:
            reply.body = await self._paced(int(headers["content-length"]), pause)
        else:
            reply.body = self._took(await self._reader.read())
        self._replies += 1
        self._used = time.monotonic()
        return reply

    async def _paced(self, size: int, pause: float) -> bytes:
        pieces = []
        while size:
            pieces.append(await self.read(min(size, _SMALL) if pause else size))
            size -= len(pieces[-1])
            if pause:
                await asyncio.sleep(pause)
        return b"".join(pieces)

    async def _chunks(self, pause: float) -> bytes:
        pieces, since_pause = [], 0
        while True:
            size = int(self._took(await self._reader.readuntil(b"\r\n")), 16)
            pieces.append((await self.read(size + 2))[:-2])
            if not size:
                return b"".join(pieces)
            since_pause += size
            if pause and since_pause > _SMALL:
                since_pause = 0
                await asyncio.sleep(pause)

    def _took(self, data: bytes) -> bytes:
        progress = self.progress
        if progress.first_byte is None:
            progress.first_byte = time.monotonic()
        progress.received += len(data)
        progress.last = data[-200:]
        return data

    async def leave(self, how: Leaving = Leaving.IN_ORDER) -> bool:
        """End the connection; False if the other side did not close a half-closed one in time."""
        closed = True
        if how is Leaving.HALF:
            closed = await self._closed_by_the_other_side()
        if how is Leaving.RESET:
            linger = b"\x01\0\0\0\0\0\0\0"
            connection: socket.socket = self._writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self._writer.transport.abort()
        self._writer.close()
        # What is still in the buffer goes first, if the other side takes it.
        if not await _within(_CLOSES_WITHIN, self._writer.wait_closed()):
            self._writer.transport.abort()
        return closed

    async def _closed_by_the_other_side(self) -> bool:
        async def drain() -> None:
            with contextlib.suppress(OSError):
                self._writer.write_eof()
                while await self._reader.read(_LIMIT):
                    continue

        return await _within(_CLOSES_WITHIN, drain())

    def state(self) -> dict[str, object]:
        """Return what is known of the connection and its last request, for a record."""
        now, progress = time.monotonic(), self.progress
        connection: socket.socket | None = self._writer.get_extra_info("socket")
        tcp, port = "closed here", None
        if connection is not None and connection.fileno() >= 0:
            with contextlib.suppress(OSError):
                info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
                tcp, port = _TCP_STATES[info[0]], connection.getsockname()[1]
        return {
            "client_port": port,
            "tcp": tcp,
            "connection_age_s": round(now - self._opened, 3),
            "replies_before": self._replies,
            "idle_before_s": round(progress.began - self._used, 3),
            "sent_after_s": _since(progress.began, progress.sent),
            "first_byte_after_s": _since(progress.began, progress.first_byte),
            "failed_after_s": round(now - progress.began, 3),
            "received": progress.received,
            "unread": len(getattr(self._reader, "_buffer", b"")),
            "last_bytes": progress.last.decode("latin-1"),
        }


async def _within(seconds: float, what: Awaitable[object]) -> bool:
    """Wait for something that may fail as connections do; False if it takes longer."""
    try:
        async with asyncio.timeout(seconds):
            with contextlib.suppress(OSError):
                await what
    except TimeoutError:
        return False
    return True


def _since(began: float, then: float | None) -> float | None:
    return None if then is None else round(then - began, 3)
