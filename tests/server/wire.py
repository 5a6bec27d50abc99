"""A client connection in memory: bytes in, bytes out, and a client that leaves at will."""

import asyncio
import re
import socket
from collections.abc import Sequence
from typing import Any

from gateway.server.connection.http1 import Connection
from gateway.server.connection.state import State
from gateway.server.door import Door


class FakeTransport(asyncio.Transport):
    """Keeps what is written; tells its protocol of its end as a real one does."""

    def __init__(self) -> None:
        super().__init__()
        self.protocol: Connection | None = None
        self.socket: socket.socket | None = None
        self.written: list[bytes] = []
        self.full_after: bytes | None = None
        """What the transport's buffer is full after, if it was written."""
        self.unread = 0
        """Bytes that were written and the client has not read."""
        self.closed = asyncio.Event()
        self.secured = False
        """Whether it is one of TLS, which has no half-close."""
        self.ended = False
        """Whether the gateway has ended its own side."""
        self._aborted = False
        self._reading = True
        self._closing = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.socket if name == "socket" else default

    def write(self, data: Any) -> None:
        assert not self._closing
        self.written.append(bytes(data))
        if self.full_after is not None and self.full_after in data:
            assert self.protocol is not None
            self.protocol.pause_writing()

    def can_write_eof(self) -> bool:
        return not self.secured

    def write_eof(self) -> None:
        self.ended = True

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing and not self.unread:
            self._lose()
        self._closing = True

    def was_aborted(self) -> bool:
        return self._aborted

    def abort(self) -> None:
        self._aborted = True
        if not self.closed.is_set():
            self._lose()

    def _lose(self) -> None:
        self._closing = True
        self.closed.set()
        assert self.protocol is not None
        self.protocol.connection_lost(None)

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True

    def is_reading(self) -> bool:
        return self._reading

    def get_write_buffer_size(self) -> int:
        return self.unread


class Wire:
    """One connection to an application that is served by the door. To be made within a loop."""

    def __init__(self, app: Any) -> None:
        self.door = Door(app)
        self.protocol = self.door.connection()
        self.transport = FakeTransport()
        self.transport.protocol = self.protocol
        self.protocol.connection_made(self.transport)

    async def send(self, *pieces: bytes) -> bytes:
        """Send pieces one after the other, wait for all that they start; return what came back."""
        for piece in pieces:
            self.protocol.data_received(piece)
        await self.settle()
        return self.take()

    async def settle(self) -> None:
        """Wait until no request is under way, and no reply waits for others of its turn."""
        while (task := self.task) is not None:
            await asyncio.wait([task])
        await asyncio.sleep(0)

    @property
    def task(self) -> "asyncio.Task[None] | None":
        """The task that serves the request under way."""
        return self.protocol._task

    @property
    def state(self) -> State:
        return self.protocol.state

    def take(self) -> bytes:
        """Return what was written since the last time, without dates."""
        written, self.transport.written = b"".join(self.transport.written), []
        return re.sub(rb"date: [^\r]*GMT\r\n", b"", written)

    def leave(self) -> None:
        """Reset the connection from the client's side."""
        self.transport._closing = True
        self.protocol.connection_lost(ConnectionResetError())

    def end(self) -> None:
        """Close it from the client's side, in order."""
        self.protocol.eof_received()
        if not self.transport.closed.is_set():
            self.transport._lose()

    def expire(self) -> None:
        """Let the time of what the connection waits for be over."""
        self.protocol._due = 0
        self.protocol._expired()


def request(
    body: bytes = b"{}",
    path: str = "/v1/chat/completions",
    *fields: str,
    method: str = "POST",
    version: str = "1.1",
    drop: Sequence[str] = (),
) -> bytes:
    """Return a whole request; `fields` are further lines of its head."""
    lines = [
        f"{method} {path} HTTP/{version}",
        *(
            line
            for line in ("Host: gateway.test", f"Content-Length: {len(body)}")
            if line.partition(":")[0] not in drop
        ),
        "Authorization: Bearer sk-test",
        *fields,
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
