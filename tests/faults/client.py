"""A small HTTP/1.1 client that records what it sees, good or not, and judges nothing."""

import asyncio
from dataclasses import dataclass, field

import msgspec

from gateway.shapes import Json, Shape

PATIENCE = 40.0
"""Seconds until a reply that should have ended is given up: a limit, not an expectation."""
LEAVE_AFTER = 1.0
"""Seconds that a client which means to leave waits for a first piece of the body."""
_FILLING = "The same sentence, again and again, so that a body that is kept can be noticed. " * 256


@dataclass
class Seen:
    """A reply as it was received.

    `complete`: the body ended as its head had announced. `left`: the client went away first.
    `late`: there was no end within `PATIENCE`.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    complete: bool = False
    left: bool = False
    late: bool = False

    @property
    def kind(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def __str__(self) -> str:
        ending = "late" if self.late else "left" if self.left else "cut off"
        body = self.body if len(self.body) < 900 else self.body[:200] + b" ... " + self.body[-700:]
        return f"{self.status} {self.kind} {'whole' if self.complete else ending} {body!r}"


def request_body(client: Shape, model: str, *, streamed: bool) -> bytes:
    """Return a request that any of the translations takes, with a filling of 20 KB."""
    body: Json = {"model": model}
    if client is Shape.CHAT:
        body["messages"] = [{"role": "user", "content": _FILLING}]
    elif client is Shape.COMPLETIONS:
        body["prompt"] = _FILLING
    else:
        body["input"] = _FILLING
        body["store"] = False
    if streamed:
        body["stream"] = True
    return msgspec.json.encode(body)


class Client:
    """One connection to the gateway. `usable`: another request can be sent on it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.usable = True

    async def call(self, path: str, body: bytes, *, fault: str = "", leaves: bool = False) -> Seen:
        """Send a request and read its reply, or (`leaves`) go away once something of it is here.

        `fault` says what the upstream shall do.
        """
        seen = Seen()
        try:
            async with asyncio.timeout(PATIENCE):
                reader, writer = await self._connected()
                writer.write(_head(path, len(body), fault) + body)
                if leaves:
                    await self._begin(reader, seen)
                    seen.left = True
                else:
                    await self._read(reader, seen)
        except TimeoutError:
            seen.late = True
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # what was read until then is what was seen
        self.usable = seen.complete and seen.headers.get("connection", "") != "close"
        if not self.usable:
            await self.close()
        return seen

    async def close(self) -> None:
        """Close the connection, if there is one."""
        writer, self._reader, self._writer = self._writer, None, None
        if writer is not None:
            writer.close()
            try:
                await writer.wait_closed()
            except ConnectionError:
                return

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None:
            opened = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 20)
            self._reader, self._writer = opened
        return self._reader, self._writer

    async def _begin(self, reader: asyncio.StreamReader, seen: Seen) -> None:
        try:
            async with asyncio.timeout(LEAVE_AFTER):
                await _read_head(reader, seen)
                seen.body = await reader.read(1000)
        except TimeoutError:
            return

    async def _read(self, reader: asyncio.StreamReader, seen: Seen) -> None:
        await _read_head(reader, seen)
        if seen.status in (204, 304):
            seen.complete = True
        elif "chunked" in seen.headers.get("transfer-encoding", ""):
            await _read_chunks(reader, seen)
        else:
            left = int(seen.headers["content-length"])
            while left and (data := await reader.read(min(left, 1 << 20))):
                left -= len(data)
                seen.body += data
            seen.complete = not left


def _head(path: str, length: int, fault: str) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        "host: gateway",
        "authorization: Bearer sk-test",
        "content-type: application/json",
        f"content-length: {length}",
        *([f"x-fault: {fault}"] if fault else []),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _read_head(reader: asyncio.StreamReader, seen: Seen) -> None:
    start, *fields = (await reader.readuntil(b"\r\n\r\n"))[:-4].decode("latin-1").split("\r\n")
    version, status, _ = start.split(" ", 2)
    assert version == "HTTP/1.1", start
    seen.status = int(status)
    for line in fields:
        name, colon, value = line.partition(":")
        assert colon, line
        seen.headers[name.lower()] = value.strip()


async def _read_chunks(reader: asyncio.StreamReader, seen: Seen) -> None:
    pieces: list[bytes] = []
    try:
        while size := int(await reader.readuntil(b"\r\n"), 16):
            pieces.append((await reader.readexactly(size + 2))[:-2])
        seen.complete = await reader.readexactly(2) == b"\r\n"
    finally:
        seen.body = b"".join(pieces)
