"""Handles HTTP/2 servers that end a connection, but not the requests on it (RFC 9113 section 6.8).

A GOAWAY without an error says which requests are still answered; servers send it before they
restart, and after a number of requests on a connection. httpcore2 ends all requests when it reads
such a frame. So it does not get the frame: the connection takes no more requests, and ends with its
last one.
"""

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore2

_HEAD = 9
"""Bytes of a frame's head: its length (3), type, flags, and its stream (4)."""
_HEADERS, _GOAWAY = 1, 7
_GOAWAY_LEAST, _GOAWAY_MOST = 8, 16 * 1024
"""The size of a GOAWAY's payload: the last answered stream (4), the error (4), and any text."""
_STREAM = 0x7FFF_FFFF
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class WatchedStream(httpcore2.AsyncNetworkStream):
    """A socket of httpcore2, in which a server may say that it is leaving."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream
        tls = stream.get_extra_info("ssl_object")
        self._is_http2 = tls is not None and tls.selected_alpn_protocol() == "h2"
        self._begun = b""
        """The bytes of a frame's head, or of a GOAWAY, that has not arrived whole."""
        self._to_come = 0
        """How many bytes of a frame are still to be passed on as they come."""
        self._last_sent = 0
        self._last_answered = _STREAM
        self._kept_back = b""
        self._due = b""
        self.is_leaving = False
        """Whether the server takes no more requests."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore2's name
        """Return the next bytes, without frames that are kept back; empty at the end."""
        while not self._due:
            data = await self._stream.read(max_bytes, timeout)
            if not data or not self._is_http2:
                return data
            self._due = self._passed_on(self._begun + data)
        data, self._due = self._due, b""
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore2's name
        """Send whole frames, as httpcore2 writes them."""
        if self._is_http2:
            self._note_sent(buffer)
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close it."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's name
    ) -> "WatchedStream":
        """Return the same socket with TLS."""
        return WatchedStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        """Return what is known of the socket."""
        return self._stream.get_extra_info(info)

    def _passed_on(self, data: bytes) -> bytes:
        passed, at = [], 0
        while at < len(data):
            if not self._to_come:
                head = data[at : at + _HEAD]
                size = _HEAD + int.from_bytes(head[:3])
                is_goaway = len(head) == _HEAD and head[3] == _GOAWAY and size <= _GOAWAY_MOST
                if len(head) < _HEAD or (is_goaway and len(data) - at < size):
                    break
                if is_goaway and self._is_kept_back(data[at : at + size]):
                    at += size
                    continue
                self._to_come = size
            piece = data[at : at + self._to_come]
            passed.append(piece)
            at += len(piece)
            self._to_come -= len(piece)
        self._begun = data[at:]
        return b"".join(passed)

    def _is_kept_back(self, goaway: bytes) -> bool:
        last, error = goaway[_HEAD : _HEAD + 4], goaway[_HEAD + 4 : _HEAD + _GOAWAY_LEAST]
        if len(error) < 4 or any(error):
            return False
        self._last_answered = int.from_bytes(last) & _STREAM
        if self._last_sent > self._last_answered:
            return False  # httpcore2 sends that request again, and only then
        self._kept_back, self.is_leaving = goaway, True
        return True

    def _note_sent(self, frames: bytes) -> None:
        at = len(_PREFACE) if frames.startswith(_PREFACE) else 0
        while at < len(frames):
            if frames[at + 3] == _HEADERS:
                self._last_sent = int.from_bytes(frames[at + 5 : at + _HEAD]) & _STREAM
            at += _HEAD + int.from_bytes(frames[at : at + 3])
        if self.is_leaving and self._last_sent > self._last_answered:
            self._due += self._kept_back
            self._kept_back = b""


class WatchedNetwork(httpcore2.AsyncNetworkBackend):
    """httpcore2's own network, whose sockets are watched."""

    def __init__(self) -> None:
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's name
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> WatchedStream:
        """Return a new connection."""
        return WatchedStream(
            await self._network.connect_tcp(host, port, timeout, local_address, socket_options)
        )

    async def sleep(self, seconds: float) -> None:
        """Wait between two attempts to connect."""
        await self._network.sleep(seconds)
