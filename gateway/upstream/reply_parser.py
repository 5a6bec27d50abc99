"""One HTTP/1.1 reply, bytes in, head and body out. No sockets: what it is fed is all it knows.

Built on llhttp (httptools), strict. What llhttp leaves to its user is done here: limits, interim
replies, replies to HEAD, bodies that end with the connection, and bytes that nobody asked for.
"""

from typing import Final

import httptools

from gateway.errors import TruncatedStream, UpstreamError

HEAD_LIMIT: Final = 64 * 1024
"""Most bytes of a reply's head, interim replies included; also of anything else beside the body."""

_FIELD_OVERHEAD = 4
_BODILESS = frozenset({204, 304})


class ClosedUnanswered(UpstreamError):
    """The connection ended before the first byte of a reply."""


class ReplyParser:
    """Reads one final reply; interim ones (1xx) are skipped.

    Feed it until `complete`, or until a call raises; `buffered` bytes of body wait to be taken.
    `keep_alive` says, once complete, whether the connection can carry another request.
    """

    __slots__ = (
        "_aside",
        "_body",
        "_head_only",
        "_name",
        "_parser",
        "_raw_size",
        "_until_close",
        "buffered",
        "complete",
        "head_complete",
        "keep_alive",
        "raw_headers",
        "received",
        "status",
    )

    def __init__(self, name: str, *, head_only: bool = False) -> None:
        self._name = name
        self._head_only = head_only
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._raw_size = 0
        self._aside = 0
        self._body: list[bytes] = []
        self._until_close = False
        self.status = 0
        self.raw_headers: list[tuple[bytes, bytes]] = []
        self.received = False
        self.head_complete = False
        self.complete = False
        self.keep_alive = False
        self.buffered = 0

    def feed(self, data: bytes) -> None:
        """Take what has arrived.

        Raises `UpstreamError` for a head that is not HTTP or passes `HEAD_LIMIT`, and
        `TruncatedStream` for a body that is malformed: its end will never be known.
        """
        if self._parser is None:
            self.keep_alive = False
            return
        self.received = True
        before = self.buffered
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.keep_alive = False
            if not self.complete:
                self._parser = None
                raise self._unusable(error.__context__ or error) from None
        if self.complete:
            self._parser = None  # it refers to this object: a cycle that only the collector breaks
        elif self.buffered == before:
            self._aside += len(data)
            if self._aside > HEAD_LIMIT:
                self._parser = None
                raise self._unusable(_TooLong(self._what_is_too_long()))
        else:
            self._aside = 0

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
            return UpstreamError(f"{who} closed the connection in the middle of a reply's head.")
        return TruncatedStream(f"{who} closed the connection before the end of its reply.")

    def take(self) -> bytes:
        """Return, and forget, all of the body that has arrived and was not yet taken."""
        body = self._body
        if not body:
            return b""
        taken = body[0] if len(body) == 1 else b"".join(body)
        body.clear()
        self.buffered = 0
        return taken

    def forget(self) -> None:
        """Drop the unread body and the parser: nobody will ask for them."""
        self._parser = None
        self._body.clear()
        self.buffered = 0

    def on_message_begin(self) -> None:
        """Take note of a message's first byte (called by httptools)."""
        if self.complete:
            self.keep_alive = False  # a reply too many: what it belongs to cannot be known
        else:
            self.raw_headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head; trailers are dropped (called by httptools)."""
        if self.complete:
            return
        self._raw_size += len(name) + len(value) + _FIELD_OVERHEAD
        if self._raw_size > HEAD_LIMIT:
            raise _TooLong(self._what_is_too_long())
        if not self.head_complete:
            self.raw_headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Take the end of a head (called by httptools)."""
        parser = self._parser
        if self.complete or parser is None:
            return
        status = parser.get_status_code()
        if status == 101:
            raise _Refused("it switched protocols, which nobody asked for")
        if status < 200:
            return
        self._frame(status)
        self.status = status
        self.head_complete = True
        self._raw_size = 0
        if self._head_only:
            # llhttp would wait for the body that the head announces and that HEAD does not get.
            self.complete = True
            self.keep_alive = parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body (called by httptools)."""
        if self.complete:
            self.keep_alive = False  # it belongs to a reply too many, or to one to HEAD
            return
        self._body.append(body)
        self.buffered += len(body)

    def on_message_complete(self) -> None:
        """Take the end of a message (called by httptools)."""
        parser = self._parser
        if parser is None or self.complete or not self.head_complete:
            return
        self.complete = True
        # It must be asked here: later llhttp has reset itself and says no to everything.
        self.keep_alive = parser.should_keep_alive()

    def _frame(self, status: int) -> None:
        """Find out how the body ends; llhttp has already refused contradictory fields."""
        framed = status in _BODILESS
        for name, value in self.raw_headers:
            lower = name.lower()
            if lower == b"content-length":
                framed = True
            elif lower == b"transfer-encoding":
                # Any further coding would reach the client undecoded and undeclared.
                if value.strip().lower() != b"chunked":
                    raise _Refused("it used a transfer coding that nobody asked for")
                framed = True
        self._until_close = not framed

    def _unusable(self, cause: BaseException) -> UpstreamError:
        who = f"Upstream '{self._name}'"
        if isinstance(cause, (_TooLong, _Refused)):
            reason = str(cause)
        else:
            reason = f"it is not HTTP/1.1 ({cause})"
        if self.head_complete:
            return TruncatedStream(f"{who} sent a reply whose body cannot be read on: {reason}.")
        return UpstreamError(f"{who} sent a reply that cannot be used: {reason}.")

    def _what_is_too_long(self) -> str:
        part = "the framing around its body" if self.head_complete else "its head"
        return f"{part} is longer than {HEAD_LIMIT} bytes"


class _TooLong(Exception):
    """More bytes than the limit allows."""


class _Refused(Exception):
    """Valid HTTP, but nothing that can be relayed."""
