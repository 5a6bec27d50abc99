"""HTTP/1.1 by hand: a connection that sends exactly the bytes that a test wants to send."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tests.waiting import PATIENCE


@dataclass(frozen=True)
class RawReply:
    """`complete` False: the connection ended before the body did."""

    status: int
    headers: dict[str, str]
    body: bytes
    complete: bool

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """The envelope's inside, all four keys of it."""
        error: dict[str, Any] = self.json["error"]
        assert set(error) == {"message", "type", "param", "code"}
        return error


class RawConnection:
    """One TCP connection; replies are read one after the other."""

    def __init__(self, connected: socket.socket, host: str) -> None:
        self._socket = connected
        self._reader = connected.makefile("rb")
        self.host = host

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> None:
        """Send a request with a key, a type and a length, unless they are given otherwise."""
        self.send(self.head(method, path, len(body), **headers) + body)

    def head(self, method: str, path: str, length: int | None = None, **headers: str) -> bytes:
        fields = {
            "host": self.host,
            "authorization": "Bearer sk-test",
            "content-type": "application/json",
            **({} if length is None else {"content-length": str(length)}),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        lines = [f"{method} {path} HTTP/1.1", *(f"{n}: {v}" for n, v in fields.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def reply_head(self) -> tuple[int, dict[str, str]]:
        """Read a status line and its header fields; 0 and nothing if the connection has ended."""
        start = self._reader.readline()
        if not start:
            return 0, {}
        headers: dict[str, str] = {}
        while (line := self._reader.readline().strip()) != b"":
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        return int(start.split()[1]), headers

    def reply(self, *, to: str = "GET") -> RawReply:
        """Read a whole reply, to a request with the method `to`."""
        status, headers = self.reply_head()
        if to == "HEAD" or status in (204, 304):
            return RawReply(status, headers, b"", complete=True)
        if "chunked" in headers.get("transfer-encoding", ""):
            pieces = list(self.pieces())
            complete = bool(pieces) and pieces[-1] == b""
            return RawReply(status, headers, b"".join(pieces), complete)
        length = int(headers.get("content-length", 0))
        body = self._reader.read(length)
        return RawReply(status, headers, body, len(body) == length)

    def pieces(self) -> Iterator[bytes]:
        """Yield the chunks of a chunked body; the last one is empty if the body is complete."""
        while (size := self._reader.readline().strip()) != b"":
            piece = self._reader.read(int(size, 16) + 2)
            yield piece[:-2]
            if size == b"0":
                return

    def ended(self) -> bool:
        """Whether the other side has closed the connection, which is waited for."""
        return self._reader.read(1) == b""


@contextmanager
def connect(base_url: str) -> Iterator[RawConnection]:
    """Connect to the server of a base URL, until the block ends: then the client is gone."""
    parts = urlsplit(base_url)
    address = (parts.hostname or "", parts.port or 80)
    with socket.create_connection(address, PATIENCE) as connected:
        connection = RawConnection(connected, parts.netloc)
        try:
            yield connection
        finally:
            connection._reader.close()


def chunk(data: bytes) -> bytes:
    """Return one chunk of a chunked body; of no bytes: its end."""
    return b"%x\r\n%b\r\n" % (len(data), data)
