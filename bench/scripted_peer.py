"""The soak's upstream on one connection: requests off it, replies onto it, ends of all sorts."""

import asyncio
import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.shapes import Shape


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for."""

    shape: Shape
    streamed: bool
    number: str


class Peer:
    """The connection. Its methods raise `OSError` or `IncompleteReadError` once the client left."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._length = 0
        self._chunked = False
        self.closing = False
        """No further request is taken."""

    async def head(self) -> tuple[str, str]:
        """Read a request's head; return its method and target."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        self._chunked = b"\r\ntransfer-encoding: chunked" in lower
        length = lower.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
        self._length = int(length or 0)
        method, target, _ = head.partition(b"\r\n")[0].decode("latin-1").split(" ")
        return method, target

    async def body(self, size: int | None = None) -> bytes:
        """Read the rest of the body, or of a long one not much more than `size` bytes."""
        if not self._chunked:
            size = self._length if size is None else min(size, self._length)
            self._length -= size
            return await self._reader.readexactly(size)
        pieces, there = [], 0
        while size is None or there < size:
            chunk = int(await self._reader.readuntil(b"\r\n"), 16)
            pieces.append((await self._reader.readexactly(chunk + 2))[:-2])
            there += chunk
            if not chunk:
                self._chunked, self._length = False, 0
                break
        return b"".join(pieces)

    async def pause(self, seconds: float) -> None:
        """Wait; raises `ConnectionResetError` as soon as the client leaves."""
        if not seconds:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._reader.read(1)
        except TimeoutError:
            return
        raise ConnectionResetError("the client has left")

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        if self._writer.transport.is_closing():
            raise ConnectionResetError("the client has left")
        self._writer.write(data)
        await self._writer.drain()

    async def json(
        self, status: int, body: bytes, *, kind: str = "application/json", close: bool = False
    ) -> None:
        """Send a whole reply."""
        await self.send(head_of(status, len(body), kind=kind, close=close) + body)
        self.closing = self.closing or close

    async def error(
        self, status: int, message: str, code: str | None, *, param: str | None = None
    ) -> None:
        """Send an error as OpenAI does."""
        kind = "server_error" if status >= 500 else "invalid_request_error"
        error = {"message": message, "type": kind, "param": param, "code": code}
        await self.json(status, json.dumps({"error": error}).encode())

    async def begin_stream(self, *, close: bool = False) -> None:
        """Send the head of a stream."""
        await self.send(head_of(200, None, kind="text/event-stream", close=close))

    async def chunks(self, pieces: Sequence[bytes]) -> None:
        """Send each piece as a chunk, all together."""
        await self.send(b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces))

    async def end_stream(self, *, close: bool = False) -> None:
        """Send the last chunk."""
        await self.send(b"0\r\n\r\n")
        self.closing = self.closing or close

    def close(self) -> None:
        """Close the connection in order, after what was sent."""
        self.closing = True

    def reset(self) -> None:
        """Reset the connection."""
        self.closing = True
        connection: socket.socket = self._writer.get_extra_info("socket")
        linger = b"\x01\0\0\0\0\0\0\0"
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()


def head_of(status: int, length: int | None, *, kind: str, close: bool = False) -> bytes:
    """Return the head of a reply; `length` None: its body comes in chunks."""
    framing = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    fields = [f"HTTP/1.1 {status} Soak", f"content-type: {kind}", framing]
    if close:
        fields.append("connection: close")
    return ("\r\n".join(fields) + "\r\n\r\n").encode()
