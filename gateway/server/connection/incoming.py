"""The request that a connection receives: head, body, and the rest. No sockets, no time."""

import re
from collections.abc import Callable

from gateway.api.admission import Admission
from gateway.request import Head, check_size
from gateway.server.connection import head as heads
from gateway.server.connection.body import Chunked, FixedLength, Framing
from gateway.server.connection.head import HeadParser, ReceivedHead, RepeatedHead

MAX_EMPTY_LINES = 16
"""Empty lines that are ignored before a request."""
_COMPLETE = FixedLength(0)
"""The framing of a body that arrived whole."""
_EMPTY_LINES = re.compile(rb"(?:\r\n)+")


class Incoming:
    """Takes bytes: `take_head` until it returns True, then `begin_body`, then `take_body`.

    `received` and `admission` are set with the head; `admit` is called once for heads that repeat.
    `rest` has the bytes that belong to no request yet.
    """

    __slots__ = (
        "_admit",
        "_empty_lines",
        "_fed",
        "_framing",
        "_known",
        "_length",
        "_parser",
        "_size",
        "admission",
        "any_head",
        "received",
        "rest",
    )

    admission: Admission
    received: ReceivedHead
    any_head: bool
    """Whether a head has been received: the wait for the first one is shorter."""

    def __init__(self, admit: Callable[[Head], Admission]) -> None:
        self._admit = admit
        self._known: tuple[RepeatedHead, Admission] | None = None
        self._parser: HeadParser | None = None
        self._fed = 0
        self._empty_lines = 0
        self._framing: Framing = _COMPLETE
        self._length: int | None = None
        self._size = 0
        self.any_head = False
        self.rest = bytearray()

    def change_admission(self, admit: Callable[[Head], Admission]) -> None:
        """Have the next heads admitted by `admit`, repeated ones too."""
        self._admit = admit
        self._known = None

    def repeated(self, data: bytes) -> bytes | None:
        """Return the body if `data` is one whole request with the same head as the last one.

        This is the fast path, which parses nothing. None: the generic path has to be used.
        """
        if self._known is None:
            return None
        known, admission = self._known
        found = known.match(data)
        if found is None:
            return None
        start, length = found
        if len(data) - start != length or length > admission.limit:
            return None
        self.received, self.admission = known.received, admission
        return data[start:]

    def take_head(self, data: bytes) -> bool:
        """Take a part of a head; return whether it is complete.

        Raises `GatewayError` if it is malformed, not supported, or too long.
        """
        rest = self.rest
        if not (rest or data.startswith(b"\r")) and self._take_at_once(data):
            return True
        rest += data
        if not self._fed:
            self._skip_empty_lines()
            if not rest or rest == b"\r":
                return False
        end = rest.find(heads.END, max(0, self._fed - 3)) + len(heads.END)
        if end < len(heads.END):
            if len(rest) > heads.MAX_HEAD_BYTES:
                raise heads.too_large()
            end = 0
        elif end > heads.MAX_HEAD_BYTES:
            raise heads.too_large()
        if self._parser is None:
            self._parser = HeadParser()
        self._parser.feed(bytes(rest[self._fed : end or len(rest)]))
        self._fed = len(rest)
        if end:
            data = bytes(rest[:end])
            self._complete(self._parser.finish(data), data)
            del rest[:end]
        return bool(end)

    def begin_body(self) -> bytes:
        """Take the part of the body that arrived with the head; like `take_body`."""
        length, self._size = self._length, 0
        if length is None:
            self._framing = Chunked()
        else:
            check_size(length, self.admission.limit)
            if length <= len(self.rest):
                self._framing = _COMPLETE
                body = bytes(self.rest[:length])
                del self.rest[:length]
                return body
            self._framing = FixedLength(length)
        data, self.rest = bytes(self.rest), bytearray()
        return self.take_body(data)

    def take_body(self, data: bytes) -> bytes:
        """Take bytes; return those that are body.

        Raises `PayloadTooLarge` beyond the admission's limit, `InvalidRequest` for bad framing.
        """
        framing = self._framing
        piece = framing.feed(data)
        self._size += len(piece)
        check_size(self._size, self.admission.limit)
        if framing.complete:
            self.rest += framing.rest
        return piece

    @property
    def postponed(self) -> bytes:
        """Bytes of the body to be given to `take_body` in another turn (see `Framing`)."""
        return self._framing.postponed

    @property
    def length(self) -> int | None:
        """The declared length of the body, if there is one."""
        return self._length

    @property
    def body_complete(self) -> bool:
        """Whether the body has arrived completely."""
        return self._framing.complete

    def close(self) -> None:
        """Drop all state."""
        self._drop_parser()
        self._known = None
        self._framing = _COMPLETE
        self.rest.clear()

    def _take_at_once(self, data: bytes) -> bool:
        """Take a whole head at the beginning of `data`; return whether there is one.

        It may be a repeated head; the body may still be incomplete.
        """
        if self._known is not None:
            known, admission = self._known
            found = known.match(data)
            if found is not None:
                self._empty_lines = 0
                self.received, self.admission, self._length = known.received, admission, found[1]
                self.rest = bytearray(data[found[0] :])
                return True
        end = data.find(heads.END, 0, heads.MAX_HEAD_BYTES) + len(heads.END)
        if end < len(heads.END):
            return False
        head = data[:end]
        self._complete(heads.parse(head), head)
        self.rest = bytearray(data[end:])
        return True

    def _skip_empty_lines(self) -> None:
        """Ignore empty lines before a request, which old clients send after a body.

        RFC 9112 section 2.2. Raises `InvalidRequest` beyond `MAX_EMPTY_LINES`.
        """
        found = _EMPTY_LINES.match(self.rest)
        if found is not None:
            self._empty_lines += found.end() // 2
            if self._empty_lines > MAX_EMPTY_LINES:
                raise heads.invalid("too many empty lines precede it")
            del self.rest[: found.end()]

    def _complete(self, received: ReceivedHead, data: bytes) -> None:
        self._drop_parser()
        self._empty_lines = 0
        self.any_head = True
        self.received, self._length = received, received.length
        self.admission = admission = self._admit(received.head)
        known = None if admission.error is not None else heads.repeatable(data, received)
        self._known = (known, admission) if known else None

    def _drop_parser(self) -> None:
        self._fed = 0
        if self._parser is not None:
            self._parser.close()
            self._parser = None
