"""Decompresses bodies that must be read although no compression was requested.

Upstreams are asked for uncompressed bodies (`accept-encoding: identity`); some proxies compress
them nevertheless. Others only claim to: bytes that are not compressed are left as they are.
"""

import zlib
from collections.abc import Iterator

from gateway.envelopes.upstream_json import BLANK
from gateway.shapes import RawHeaders

_STEP = 64 * 1024
"""Bytes that come out at a time, however many the input expands to."""
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP = frozenset({b"gzip", b"x-gzip"})
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_DEFLATE = b"deflate"
_DECIDING = 6
"""Bytes that identify a body, unless it ends before."""
_UNCOMPRESSED = (b"{", b"[", b":", b"<", b"data", b"event", b"id:", b"error")
"""Beginnings of JSON, event streams and pages."""
_DESCRIBING = frozenset({b"content-encoding", b"content-length"})


class CodingError(ValueError):
    """A compressed body cannot be read; the message says why."""


class CutOff(CodingError):
    """A compressed body ended too early."""


def coding_of(headers: RawHeaders) -> bytes:
    """Return the coding of a body in lower case; empty: it is not compressed."""
    for name, value in headers:
        if name == b"content-encoding":
            coding = value.strip().lower()
            return b"" if coding == b"identity" else coding
    return b""


def without_coding(headers: RawHeaders) -> RawHeaders:
    """Return header fields without those that describe a compressed body."""
    return tuple(pair for pair in headers if pair[0] not in _DESCRIBING)


class Decompressor:
    """Decompresses a body that comes in any pieces.

    Reads gzip, deflate and bodies that are not compressed (empty `coding`). Raises `CodingError`
    for any other.
    """

    def __init__(self, coding: bytes) -> None:
        self._coding = coding
        self._begun = b""
        self._is_uncompressed = not coding
        self._inflater: zlib._Decompress | None = None
        self._behind: bytes | None = b""
        """The bytes after a gzip member, while they may begin another; None: they do not."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the decompressed bytes in bounded pieces; the caller may stop at any."""
        if self._inflater is None and not self._is_uncompressed:
            self._begun += data
            if len(self._begun.lstrip(BLANK)) < _DECIDING:
                return
            data = self._decided()
        yield from self._fed(data)

    def finish(self) -> bytes:
        """Return the rest of a body that has ended; raises `CutOff` if it is cut off."""
        rest = b"".join(self._fed(self._decided())) if self._begun else b""
        if self._inflater is not None and not self._inflater.eof:
            raise CutOff("it ended before all of its compressed body had come")
        return rest

    def _fed(self, data: bytes) -> Iterator[bytes]:
        if self._inflater is None:
            yield data
            return
        while data:
            if self._inflater.eof:
                data = self._next_member(data)
                continue
            yield from self._inflated(self._inflater, data)
            data = self._inflater.unused_data

    def _next_member(self, data: bytes) -> bytes:
        """Return the beginning of another gzip member; anything else after one is ignored."""
        if self._behind is None or self._coding not in _GZIP:
            return b""
        begun = self._behind + data
        if begun.startswith(_GZIP_MAGIC):
            self._inflater, self._behind = zlib.decompressobj(_GZIP_WINDOW), b""
            return begun
        self._behind = begun if _GZIP_MAGIC.startswith(begun) else None
        return b""

    def _decided(self) -> bytes:
        """Decide what the body is; return its beginning."""
        begun, self._begun = self._begun, b""
        is_gzip = begun.startswith(_GZIP_MAGIC)
        if self._coding in _GZIP and is_gzip:
            self._inflater = zlib.decompressobj(_GZIP_WINDOW)
        elif begun.lstrip(BLANK).startswith(_UNCOMPRESSED) or self._coding in _GZIP:
            self._is_uncompressed = True
        elif self._coding == _DEFLATE:
            self._inflater = zlib.decompressobj(_window_of(begun))
        else:
            name = self._coding[:40].decode("ascii", "replace")
            raise CodingError(f"it is compressed as '{name}', which was not requested")
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
    """Return the framing of deflated data: zlib's, as it should be, or none."""
    framed = begun[0] & 0x0F == zlib.DEFLATED and int.from_bytes(begun[:2]) % 31 == 0
    return zlib.MAX_WBITS if framed else -zlib.MAX_WBITS
