"""A client connection in memory: bytes in, bytes out, and a client that leaves at will."""

import asyncio
from collections.abc import Sequence
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from gateway.server.direct import DirectHttpProtocol


class FakeTransport(asyncio.Transport):
    """Keeps what is written; tells its protocol of its end as a real one does."""

    def __init__(self) -> None:
        super().__init__()
        self.protocol: DirectHttpProtocol | None = None
        self.written: list[bytes] = []
        self.full_after: bytes | None = None
        """What the transport's buffer is full after, if it was written."""
        self.closed = asyncio.Event()
        self.ended = False
        """Whether the gateway has ended its own side."""
        self._reading = True
        self._closing = False

    def write(self, data: Any) -> None:
        assert not self._closing
        self.written.append(bytes(data))
        if self.full_after is not None and self.full_after in data:
            assert self.protocol is not None
            self.protocol.pause_writing()

    def write_eof(self) -> None:
        self.ended = True

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
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


class DirectConnection:
    """One connection to an application that is served directly. To be made within a loop."""

    def __init__(self, app: Any) -> None:
        config = uvicorn.Config(
            app, ws="none", lifespan="off", log_config=None, access_log=False, timeout_keep_alive=75
        )
        self.state = ServerState()
        loop = asyncio.get_running_loop()
        self.protocol = DirectHttpProtocol(config, self.state, {}, loop)
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
        """Wait until no request is under way."""
        while self.protocol.tasks:
            await asyncio.wait(list(self.protocol.tasks))

    def take(self) -> bytes:
        """Return what was written since the last time."""
        written, self.transport.written = b"".join(self.transport.written), []
        return written

    def leave(self) -> None:
        """Reset the connection from the client's side."""
        self.transport._closing = True
        self.protocol.connection_lost(ConnectionResetError())

    def end(self) -> None:
        """Close it from the client's side, in order."""
        if not self.transport.is_closing():
            self.transport.close()


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
