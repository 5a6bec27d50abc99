"""Frames of WebSockets (RFC 6455 section 5) that are passed on: checked by their heads.

What is in a frame is neither copied, unmasked nor read. So invalid UTF-8 in a message is for its
receiver to find; all else that a peer could do wrong is found here.
"""

from sys import maxsize
from typing import Final

PROTOCOL_ERROR: Final = 1002
TOO_BIG: Final = 1009

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

_FINAL: Final = 0x80
_RESERVED: Final = 0x70
_MASKED: Final = 0x80
_CONTROL: Final = 0x8
WHOLE_TEXT: Final = _FINAL | TEXT
"""The first byte of a text message in one frame."""
WHOLE_BINARY: Final = _FINAL | BINARY
_BEGINNING: Final = frozenset({TEXT, BINARY})
_OPCODES: Final = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
_TWO_BYTES: Final = 126
"""What stands for a length in two bytes; a smaller one is the length, the next means eight."""
_LONGEST_IN_TWO: Final = 0xFFFF


class _BadFrame(Exception):
    """A peer has broken the protocol. `code` is the one to close its socket with."""

    def __init__(self, reason: str, code: int = PROTOCOL_ERROR) -> None:
        super().__init__(reason)
        self.code = code


class FrameScanner:
    """Checks the frames of one peer, piece by piece, and takes out control frames.

    `masked`: whether it must mask its frames, as clients must and servers must not. `limit` is that
    of a message, in bytes; None: none. `passes_pings`: pings and pongs stay where they are, and
    only close frames are taken out.
    """

    __slots__ = (
        "_held",
        "_key",
        "_left",
        "_limit",
        "_masked",
        "_message",
        "_passed",
        "bad",
        "begins",
        "boundary",
        "controls",
    )

    def __init__(self, *, masked: bool, limit: int | None = None, passes_pings: bool) -> None:
        self._masked = _MASKED if masked else 0
        self._key = 4 if masked else 0
        self._limit = maxsize if limit is None else limit
        self._passed = frozenset({PING, PONG}) if passes_pings else frozenset[int]()
        self._held = b""
        """The beginning of a head, or of a control frame that is taken out."""
        self._left = 0
        """How many bytes of the current frame are to come."""
        self._message: int | None = None
        """The size of the message that further frames continue; None: there is none."""
        self.bad: tuple[int, str] | None = None
        """How the last piece breaks the protocol: the code to close with, and what is wrong."""
        self.controls: list[bytes] = []
        """The control frames that were taken out of the last piece, whole and as they came."""
        self.begins: list[int] = []
        """Where in the last piece messages begin, with the head of their first frame."""
        self.boundary = 0
        """Where in the last piece its last message ends; 0: none does."""

    @property
    def in_frame(self) -> bool:
        """Whether what was returned last ends inside a frame."""
        return self._left > 0

    @property
    def in_message(self) -> bool:
        """Whether what was returned last ends inside a message, perhaps between its frames."""
        return self._left > 0 or self._message is not None

    def take(self, data: bytes) -> bytes:
        """Return a piece of the peer's bytes as it may be passed on, perhaps empty.

        It ends where a frame's length is known: the beginning of a head is held back. A piece that
        breaks the protocol (`bad`) ends before the frame that does, and is the last one.
        """
        if self.controls:
            self.controls = []
        self.begins = begins = []
        if self._held:
            data, self._held = self._held + data, b""
        end, at, in_message = len(data), self._left, self._message is not None
        masked, key, limit = self._masked, self._key, self._limit
        boundary = at if at <= end and not in_message else 0
        while at + 1 < end:
            size, start = data[at + 1] ^ masked, at + 2
            if size >= _TWO_BYTES:
                start = at + 4
                if size > _TWO_BYTES or start > end:
                    break
                size = data[at + 2] << 8 | data[at + 3]
                if size < _TWO_BYTES:
                    break
            if data[at] != WHOLE_TEXT or size > limit or in_message:
                break
            begins.append(at)
            at = start + key + size
            if at <= end:
                boundary = at
        if at < end:
            return self._take_on(data, at, boundary)
        self._left, self.boundary = at - end, boundary
        return data

    def _take_on(self, data: bytes, at: int, boundary: int) -> bytes:
        """Do what `take` does, from a frame on that needs a closer look."""
        end, kept, cut = len(data), 0, 0
        pieces: list[bytes] = []
        while at < end and (head := self._checked(data, at)) is not None:
            opcode, after = head
            if opcode & _CONTROL and opcode not in self._passed:
                if after > end:
                    break
                self.controls.append(data[at:after])
                pieces.append(data[kept:at])
                kept, cut = after, cut + after - at
            elif opcode in _BEGINNING:
                self.begins.append(at - cut)
            at = after
            if self._message is None and at <= end:
                boundary = at - cut
        self._left, self.boundary = max(at - end, 0), boundary
        if at < end:
            self._held = data[at:]
        pieces.append(data[kept:at])
        return b"".join(pieces)

    def _checked(self, data: bytes, at: int) -> tuple[int, int] | None:
        """Return the opcode of a frame, and where it ends.

        None: its length is not all here, or the frame is `bad`.
        """
        try:
            return self._head(data, at)
        except _BadFrame as error:
            self.bad = error.code, str(error)
            return None

    def _head(self, data: bytes, at: int) -> tuple[int, int] | None:
        """Do what `_checked` does; raises `_BadFrame`."""
        end = len(data)
        if at + 2 > end:
            return None
        first, size, start = data[at], data[at + 1] ^ self._masked, at + 2
        opcode = first & 0x0F
        if first & _RESERVED or opcode not in _OPCODES:
            raise _BadFrame("a frame has a reserved bit or opcode")
        if size & _MASKED:
            raise _BadFrame("a frame is not masked" if self._masked else "a frame is masked")
        if opcode & _CONTROL and (size >= _TWO_BYTES or not first & _FINAL):
            raise _BadFrame("a control frame is too long or fragmented")
        if size >= _TWO_BYTES:
            shorter = _TWO_BYTES - 1 if size == _TWO_BYTES else _LONGEST_IN_TWO
            start += 2 if size == _TWO_BYTES else 8
            if start > end:
                return None
            size = int.from_bytes(data[at + 2 : start], "big")
            if size <= shorter:
                raise _BadFrame("a frame's length is not written in the shortest form")
        if not opcode & _CONTROL:
            self._count(first, opcode, size)
        return opcode, start + self._key + size

    def _count(self, first: int, opcode: int, size: int) -> None:
        """Take note of a frame of a message; raises `_BadFrame`."""
        if (opcode == CONTINUATION) is (self._message is None):
            raise _BadFrame("a message continues without its beginning, or begins inside another")
        size += self._message or 0
        if size > self._limit:
            raise _BadFrame(f"a message is longer than {self._limit} bytes", TOO_BIG)
        self._message = None if first & _FINAL else size


def message_at(data: bytes, begin: int) -> bytes:
    """Return the content of an unmasked message that is all there, and was checked."""
    parts: list[bytes] = []
    while True:
        size, start = data[begin + 1], begin + 2
        if size >= _TWO_BYTES:
            start += 2 if size == _TWO_BYTES else 8
            size = int.from_bytes(data[begin + 2 : start], "big")
        parts.append(data[start : start + size])
        if data[begin] & _FINAL:
            return parts[0] if len(parts) == 1 else b"".join(parts)
        begin = start + size


def head(size: int, first: int = WHOLE_TEXT) -> bytes:
    """Return the head of an unmasked frame of `size` bytes; `first` is its first byte."""
    if size < _TWO_BYTES:
        return bytes((first, size))
    if size <= _LONGEST_IN_TWO:
        return bytes((first, _TWO_BYTES, size >> 8, size & 0xFF))
    return bytes((first, _TWO_BYTES + 1)) + size.to_bytes(8, "big")


def text_frame(content: bytes) -> bytes:
    """Return a text message (UTF-8) as one unmasked frame."""
    return head(len(content)) + content
