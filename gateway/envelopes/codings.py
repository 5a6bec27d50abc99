"""Takes the compression off bodies that have to be read, though nobody asked for it.

Upstreams are asked for bodies as they are (`accept-encoding: identity`), and some proxies compress
them all the same. Others only say so: bytes that are as they should be are taken as they are.
"""

import zlib
from collections.abc import Iterator

from gateway.shapes import RawHeaders

_STEP = 64 * 1024
"""Bytes that come out at a time, however many are behind those that go in."""
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP = frozenset({b"gzip", b"x-gzip"})
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_DEFLATE = b"deflate"
_DECIDING = 6
"""Bytes that tell what a body is, unless it ends before."""
_PLAIN = (b"{", b"[", b":", b"<", b"data", b"event", b"id:", b"error")
"""How JSON, event streams and pages begin."""
_BLANK = b" \t\r\n\xef\xbb\xbf"
_DESCRIBING = frozenset({b"content-encoding", b"content-length"})


class CodingError(ValueError):
    """A compressed body cannot be read; the text says why."""


class CutOff(CodingError):
    """A compressed body ended too early."""


def coding_of(headers: RawHeaders) -> bytes:
    """Return how a body is compressed, in lower case; empty: it is not."""
    for name, value in headers:
        if name == b"content-encoding":
            coding = value.strip().lower()
            return b"" if coding == b"identity" else coding
    return b""


def without_coding(headers: RawHeaders) -> RawHeaders:
    """Return header fields without those that describe a compressed body."""
    return tuple(pair for pair in headers if pair[0] not in _DESCRIBING)


class Decompressor:
    """Takes a compressed body in any pieces, and gives it as it was before.

    gzip and deflate can be read, and what is not compressed (`coding` is empty then). Raises
    `CodingError` for all else.
    """

    def __init__(self, coding: bytes) -> None:
        self._coding = coding
        self._begun = b""
        self._is_plain = not coding
        self._inflater: zlib._Decompress | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what is behind the bytes, a bounded piece at a time: who has enough stops."""
        if self._inflater is None and not self._is_plain:
            self._begun += data
            if len(self._begun.lstrip(_BLANK)) < _DECIDING:
                return
            data = self._decided()
        yield from self._fed(data)

    def finish(self) -> bytes:
        """Return what is left of a body that has ended; raises `CutOff` if it is cut."""
        rest = b"".join(self._fed(self._decided())) if self._begun else b""
        if self._inflater is not None and not self._inflater.eof:
            raise CutOff("it ended before all of its compressed body had come")
        return rest

    def _fed(self, data: bytes) -> Iterator[bytes]:
        if self._inflater is None:
            yield data
            return
        while data:
            yield from self._inflated(self._inflater, data)
            data = self._inflater.unused_data
            if not (self._coding in _GZIP and data.startswith(_GZIP_MAGIC)):
                return
            self._inflater = zlib.decompressobj(_GZIP_WINDOW)

    def _decided(self) -> bytes:
        """Return what has come, now that it tells what it is."""
        begun, self._begun = self._begun, b""
        is_gzip = begun.startswith(_GZIP_MAGIC)
        if self._coding in _GZIP and is_gzip:
            self._inflater = zlib.decompressobj(_GZIP_WINDOW)
        elif begun.lstrip(_BLANK).startswith(_PLAIN) or self._coding in _GZIP:
            self._is_plain = True
        elif self._coding == _DEFLATE:
            self._inflater = zlib.decompressobj(_window_of(begun))
        else:
            name = self._coding[:40].decode("ascii", "replace")
            raise CodingError(f"it is compressed as '{name}', which nobody asked for")
        return begun

    def _inflated(self, inflater: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
        full = True
        while full and not inflater.eof:
            try:
                piece = inflater.decompress(data, _STEP)
            except zlib.error as error:
                raise CodingError(f"its compressed body cannot be read ({error})") from None
            data, full = inflater.unconsumed_tail, len(piece) == _STEP
            if piece:
                yield piece


def _window_of(begun: bytes) -> int:
    """Return how deflated data is framed: by zlib, as it should be, or not at all."""
    framed = begun[0] & 0x0F == zlib.DEFLATED and int.from_bytes(begun[:2]) % 31 == 0
    return zlib.MAX_WBITS if framed else -zlib.MAX_WBITS
