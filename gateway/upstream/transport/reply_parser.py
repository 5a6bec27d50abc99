"""Parses one HTTP/1.1 reply: bytes in, head and body out. No sockets.

Built on llhttp (httptools), strict. The tasks that llhttp leaves to its user are done here: limits,
interim replies, replies to HEAD, bodies that end with the connection, and bytes beyond the reply.
Common heads (`common_head.py`) and the bodies after them need no llhttp.
"""

from typing import Final

import httptools

from gateway.errors import Reason, TruncatedStream, UpstreamError
from gateway.headers import BODILESS
from gateway.upstream.reply_fields import read_reply_fields
from gateway.upstream.transport.received_reply import ReceivedReply
from gateway.upstream.transport.single_chunk import events_in

HEAD_LIMIT: Final = 64 * 1024
"""Most bytes of a reply's head, interim replies included; also of anything else beside the body."""

_FIELD_OVERHEAD = 4
_LENGTH_DIGITS = 19
"""The most digits of a Content-Length: llhttp takes any number of leading zeros, `int` does not."""
_TLS_ALERT: Final = b"\x15\x03"
_SPEAKS_TLS: Final = "it is a TLS alert: its base_url may have to begin with https://"
_VERSIONS = frozenset({"1.0", "1.1"})


class ClosedUnanswered(UpstreamError):
    """The connection ended before the first byte of a reply."""

    reason = Reason.CLOSED


class ReplyParser(ReceivedReply):
    """Reads one final reply; interim ones (1xx) are skipped.

    Feed it until `complete`, or until a call raises. `status` and `headers` are there once
    `head_complete`.
    """

    __slots__ = (
        "_aside",
        "_head_only",
        "_interim_size",
        "_name",
        "_parser",
        "_pieces",
        "_raw_headers",
        "_trailer_size",
        "_unsure",
        "_until_close",
        "between_chunks",
        "on_body",
        "received",
    )

    _aside: int
    """How many bytes beside the body have come since the body's last bytes."""

    def __init__(self, name: str, *, head_only: bool = False) -> None:
        super().__init__()
        self._name = name
        self._head_only = head_only
        self._parser: httptools.HttpResponseParser | None = None
        self._until_close = False
        self.between_chunks = False
        """Whether only the content that `events_in` finds in the next read matters."""
        self.received = False
        """Whether anything has arrived."""

    def feed(self, data: bytes) -> None:
        """Take what has arrived.

        Raises `UpstreamError` for a head that is not HTTP or passes `HEAD_LIMIT`, and
        `TruncatedStream` for a body that is malformed: its end will never be known.
        """
        if self._left:
            self.take_rest(data)
        elif self.received:
            self.parse(data)
        else:
            self.received = True
            if self._head_only or not self.take_common(data):
                self._begin(data)
                self.parse(data)

    def parse(self, data: bytes) -> None:
        """Take what has arrived, after the beginning, by llhttp; see `feed`."""
        parser = self._parser
        if parser is None:
            self.keep_alive = False
            return
        self._aside += len(data)
        self.between_chunks = False
        body = self._body
        before = len(body)
        try:
            parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.keep_alive = False
            self._count_body(before)
            if not self.complete:
                self._parser = None
                raise self._unusable(error.__context__ or error) from None
        else:
            new = len(body) - before
            if new == 1 and not self.complete:
                # A slow stream's event, after which most need no parser.
                self.buffered += len(body[-1])
                self._aside = 0
                self.between_chunks = events_in(data) == body[-1]
            elif new:
                self._count_body(before)
        if self.complete:
            self._parser = None  # it refers to this object: a cycle that only the collector breaks
        elif self._aside > HEAD_LIMIT:
            self._parser = None
            raise self._unusable(_TooLong(self._what_is_too_long()))

    def eof(self) -> None:
        """Take the end of the connection.

        Completes a body that lasts until then; raises `ClosedUnanswered`, `UpstreamError` (in the
        head) or `TruncatedStream` (in the body) for all other replies that are not complete.
        """
        self._parser = None
        self.keep_alive = False
        if self.complete:
            return
        if self.head_complete and self._until_close:
            self.complete = True
            return
        raise self.broken_off()

    def broken_off(self) -> UpstreamError:
        """Return the error for a connection that broke at this point of the reply."""
        who = f"Upstream '{self._name}'"
        if not self.received:
            return ClosedUnanswered(f"{who} closed the connection without a reply.")
        if not self.head_complete:
            return UpstreamError(
                f"{who} closed the connection in the middle of a reply's head.",
                reason=Reason.CLOSED,
            )
        return TruncatedStream(f"{who} closed the connection before the end of its reply.")

    def forget(self) -> None:
        """Drop the unread body and the parser: they are not needed any more."""
        self._parser = None
        super().forget()

    def on_message_begin(self) -> None:
        """Note a message's first byte (called by httptools)."""
        if self.complete:
            self.keep_alive = False  # unsolicited: no request is known that it answers

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head; trailers are dropped (called by httptools)."""
        if not self.head_complete:
            self._raw_headers.append((name, value))
        elif not self.complete:
            self._trailer_size += len(name) + len(value) + _FIELD_OVERHEAD
            if self._trailer_size > HEAD_LIMIT:
                raise _TooLong(self._what_is_too_long())

    def on_headers_complete(self) -> None:
        """Take the end of a head (called by httptools)."""
        parser = self._parser
        if self.complete or parser is None:
            return
        if self._aside > HEAD_LIMIT:
            self._refuse_a_long_head()
        status = parser.get_status_code()
        if status < 100 or (self._unsure and parser.get_http_version() not in _VERSIONS):
            raise _Refused("its status line is not HTTP/1.1's")
        if status < 200:
            if status == 101:
                raise _Refused("it switched protocols, which was not requested")
            self._interim_size += _size(self._raw_headers)
            self._raw_headers.clear()
            return
        self._frame(status)
        self.status = status
        self.head_complete = True
        if self._head_only:
            # llhttp would wait for the body that the head announces and that HEAD does not get.
            self.complete = True
            self.keep_alive = parser.should_keep_alive()

    def on_message_complete(self) -> None:
        """Take the end of a message (called by httptools)."""
        parser = self._parser
        if parser is None or self.complete or not self.head_complete:
            return
        self.complete = True
        self._pieces = len(self._body)
        # llhttp must be asked here: later it has reset itself and answers no to everything.
        self.keep_alive = parser.should_keep_alive()

    def _begin(self, data: bytes) -> None:
        """Begin with llhttp."""
        self._aside = 0
        self._interim_size = 0
        self._trailer_size = 0
        self._pieces = 0
        self._raw_headers: list[tuple[bytes, bytes]] = []
        if data.startswith(_TLS_ALERT):
            raise self._unusable(_Refused(_SPEAKS_TLS))
        # llhttp takes HTTP/2.0 and 0.9 too; asking it for the version costs more than this.
        self._unsure = not data.startswith(b"HTTP/1.")
        # Called by httptools for each piece of the body, of which there may be hundreds in one
        # read: everything else about them is found out once they are all here.
        self.on_body = self._body.append
        # One parser per reply, though llhttp could go on: making one takes 0.3 µs, and a parser
        # that lives on would have its replies copied out of it, for as much.
        self._parser = httptools.HttpResponseParser(self)

    def _count_body(self, before: int) -> None:
        """Count the pieces of the body that have come; `before` is how many there were."""
        body = self._body
        if self.complete and len(body) > self._pieces:
            del body[self._pieces :]  # of an unsolicited reply, or of one to HEAD
            self.keep_alive = False
        new = len(body) - before
        if new == 1:
            self.buffered += len(body[-1])
        elif new > 1:
            self.buffered += sum(map(len, body[before:]))
        if new > 0:
            self._aside = 0

    def _frame(self, status: int) -> None:
        """Find out how the body ends; llhttp has already refused contradictory fields."""
        self.headers, codings, has_length = read_reply_fields(self._raw_headers)
        for coding in codings:
            # Any further coding would reach the client undecoded and undeclared.
            if coding.strip().lower() != b"chunked":
                raise _Refused("it used a transfer coding that was not requested")
        if has_length and any(
            name == b"content-length" and len(value) > _LENGTH_DIGITS
            for name, value in self.headers
        ):
            raise _Refused(f"its Content-Length has more than {_LENGTH_DIGITS} digits")
        self._until_close = not (has_length or codings or status in BODILESS)

    def _refuse_a_long_head(self) -> None:
        """Raise `_TooLong` where a head, which came with much else perhaps, is too long itself."""
        if self._interim_size + _size(self._raw_headers) > HEAD_LIMIT:
            raise _TooLong(self._what_is_too_long())

    def _unusable(self, cause: BaseException) -> UpstreamError:
        who = f"Upstream '{self._name}'"
        if isinstance(cause, (_TooLong, _Refused)):
            reason = str(cause)
        else:
            reason = f"it is not HTTP/1.1 ({cause})"
        if self.head_complete:
            return TruncatedStream(
                f"{who} sent a reply whose body cannot be read further: {reason}.",
                reason=Reason.BAD_HTTP,
            )
        return UpstreamError(
            f"{who} sent a reply that cannot be used: {reason}.", reason=Reason.BAD_HTTP
        )

    def _what_is_too_long(self) -> str:
        part = "the framing around its body" if self.head_complete else "its head"
        return f"{part} is longer than {HEAD_LIMIT} bytes"


def _size(fields: list[tuple[bytes, bytes]]) -> int:
    return sum([len(name) + len(value) + _FIELD_OVERHEAD for name, value in fields])


class _TooLong(Exception):
    """More bytes than the limit allows."""


class _Refused(Exception):
    """Valid HTTP that cannot be relayed."""
