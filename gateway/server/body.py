"""The framing of a request's body: where it ends, and what of a read belongs to it.

llhttp cannot be used for this: it takes every request with an `Upgrade` field for one without a
body (MagicStack/httptools#124), and what was meant as a body becomes the next request. The codings
are RFC 9112 section 7.1 (chunked) and section 6.2 (Content-Length), strictly.
"""

import re
from typing import Protocol

from gateway.errors import InvalidRequest

MAX_CHUNK_LINE = 4 * 1024
"""Bytes of a line that announces a chunk, with its extensions."""
MAX_LINES = 256
"""Lines that are taken at once. A body of tiny chunks costs time for each; others get theirs."""
MAX_ASIDE = 64 * 1024
"""Bytes of all chunk extensions and trailers of one body."""

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[^\x00-\x08\x0a-\x1f\x7f]*)?")
_TRAILER = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+:[^\x00-\x08\x0a-\x1f\x7f]*")


class Framing(Protocol):
    """Takes what arrives behind a head, and tells the body from what follows it."""

    complete: bool
    """Whether the body has ended."""
    rest: bytes
    """What came behind the end: the beginning of the next request."""
    postponed: bytes
    """What was too much to be taken at once: to be fed again, after others had their turn."""

    def feed(self, data: bytes) -> bytes:
        """Return what of `data` is body. Raises `InvalidRequest` for a malformed one."""


class FixedLength:
    """A body with a Content-Length."""

    __slots__ = ("_left", "complete", "postponed", "rest")

    def __init__(self, length: int) -> None:
        self._left = length
        self.complete = length == 0
        self.rest = self.postponed = b""

    def feed(self, data: bytes) -> bytes:
        """Return what of `data` is body; see `Framing`."""
        if len(data) < self._left:
            self._left -= len(data)
            return data
        body, self.rest = data[: self._left], data[self._left :]
        self._left = 0
        self.complete = True
        return body


class Chunked:
    """A chunked body. Extensions and trailers are checked, bounded and ignored."""

    __slots__ = ("_aside", "_left", "_line", "_part", "complete", "postponed", "rest")

    def __init__(self) -> None:
        self._part = self._size_line
        self._line = bytearray()
        self._left = 0
        self._aside = 0
        self.complete = False
        self.rest = self.postponed = b""

    def feed(self, data: bytes) -> bytes:
        """Return what of `data` is body; see `Framing`."""
        pieces: list[bytes] = []
        position = lines = 0
        self.postponed = b""
        while position < len(data) and not self.complete:
            if lines == MAX_LINES:
                self.postponed = data[position:]
                break
            if self._left:
                piece = data[position : position + self._left]
                self._left -= len(piece)
                position += len(piece)
                pieces.append(piece)
                if not self._left:
                    self._part = self._chunk_end
            else:
                position = self._take_line(data, position)
                lines += 1
        if self.complete:
            self.rest = data[position:]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _take_line(self, data: bytes, position: int) -> int:
        """Take a line, or the part of it that is here; return where what follows begins."""
        end = data.find(b"\n", position)
        stop = len(data) if end < 0 else end + 1
        self._line += data[position:stop]
        if len(self._line) > MAX_CHUNK_LINE:
            raise _malformed(f"a chunk's line or a trailer is longer than {MAX_CHUNK_LINE} bytes")
        if end >= 0:
            line, self._line = bytes(self._line), bytearray()
            if not line.endswith(b"\r\n"):
                raise _malformed("a line does not end in CRLF")
            self._part(line[:-2])
        return stop

    def _size_line(self, line: bytes) -> None:
        match = _SIZE.fullmatch(line)
        if match is None:
            raise _malformed("a chunk does not begin with its size")
        self._count(len(line) - len(match[1]))
        self._left = int(match[1], 16)
        if not self._left:
            self._part = self._trailer

    def _chunk_end(self, line: bytes) -> None:
        if line:
            raise _malformed("a chunk is longer than its size")
        self._part = self._size_line

    def _trailer(self, line: bytes) -> None:
        if not line:
            self.complete = True
        elif _TRAILER.fullmatch(line) is None:
            raise _malformed("a trailer is not a header field")
        self._count(len(line))

    def _count(self, size: int) -> None:
        self._aside += size
        if self._aside > MAX_ASIDE:
            raise _malformed(f"extensions and trailers are longer than {MAX_ASIDE} bytes")


def _malformed(reason: str) -> InvalidRequest:
    return InvalidRequest(
        f"The chunked request body is malformed: {reason} (RFC 9112, section 7.1).",
        code="invalid_http",
    )
