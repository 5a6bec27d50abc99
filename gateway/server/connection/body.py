"""The framing of a request's body: where it ends, and which bytes of a read belong to it.

llhttp cannot do this: it treats every request with an `Upgrade` field as one without a body
(MagicStack/httptools#124), so that the body becomes the next request. The framing follows RFC 9112
section 7.1 (chunked) and section 6.2 (Content-Length) strictly.
"""

import re
from typing import Protocol

from gateway.errors import InvalidRequest

MAX_CHUNK_LINE = 4 * 1024
"""Bytes of a chunk's size line, with extensions."""
MAX_LINES = 256
"""Lines parsed in one turn. Tiny chunks cost time each; other connections get their turn."""
MAX_ASIDE = 64 * 1024
"""Bytes of all chunk extensions and trailers of one body."""

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[^\x00-\x08\x0a-\x1f\x7f]*)?")
_TRAILER = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+:[^\x00-\x08\x0a-\x1f\x7f]*")


class Framing(Protocol):
    """Takes the bytes after a head, and separates the body from what follows it."""

    complete: bool
    """Whether the body has ended."""
    rest: bytes
    """Bytes after the end: the beginning of the next request."""
    postponed: bytes
    """Bytes beyond `MAX_LINES`: to be fed again in another turn."""

    def feed(self, data: bytes) -> bytes:
        """Return the part of `data` that is body. Raises `InvalidRequest` if it is malformed."""


class FixedLength:
    """A body with a Content-Length."""

    __slots__ = ("_left", "complete", "postponed", "rest")

    def __init__(self, length: int) -> None:
        self._left = length
        self.complete = length == 0
        self.rest = self.postponed = b""

    def feed(self, data: bytes) -> bytes:
        """Return the part of `data` that is body; see `Framing`."""
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
        """Return the part of `data` that is body; see `Framing`."""
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
        """Take a line, or the first part of one; return the position after it."""
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
