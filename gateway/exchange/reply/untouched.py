"""Passes an upstream's body on as it comes, and adds nothing but the error that breaks it off.

The events of a stream are passed on whole, so that an added error is an event of its own wherever
the stream breaks off. Events of messages get the names that they lack; such a stream loses the
length and the coding that it came with.
"""

from typing import Final

from gateway.envelopes.codings import CodingError, Decompressor, coding_of, without_coding
from gateway.errors import GatewayError
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.reply.body import ReplyBody
from gateway.exchange.reply.decompressed import readable
from gateway.exchange.reply.late_errors import late_error
from gateway.exchange.reply.reading import header, is_compressed, is_event_stream, may_hold_json
from gateway.exchange.reply.wrapped_errors import has_a_sign
from gateway.exchange.usage import TAIL, Tokens, tokens_at_start, tokens_in, updated
from gateway.replies import BufferedReply
from gateway.shapes import Shape, Sink, UpstreamReply
from gateway.translate.parts.upstream_errors import ended_too_early
from gateway.translate.stream.broken_ends import broken_off
from gateway.translate.stream.event_names import EventNames, lacks_names
from gateway.translate.stream.sse import terminator
from gateway.translate.stream.whole_events import WholeEvents

_DONE: Final = terminator(Shape.CHAT)


def passed_on(
    reply: UpstreamReply,
    client: Shape | None = None,
    *,
    counted: bool = False,
    judged: bool = False,
) -> ClientReply:
    """Return an upstream's reply as the client's, untouched.

    `client` is the shape of the events, if it is known. If it is, or if `counted`, the tokens are
    known once the body has been sent. If `judged`, an error in the body's end is its `failure`.

    Reading the body raises what reading the upstream's raises. A client of an event stream gets the
    error as an event instead, and no terminator.
    """
    if client is Shape.MESSAGES and _lacks_names(reply):
        reply = readable(reply)
        return ClientReply(
            reply.status, without_coding(reply.headers), _Events(reply, client, judged=judged)
        )
    if (
        isinstance(reply, BufferedReply)
        and not counted
        and _is_complete(reply, client, judged=judged)
    ):
        return ClientReply(reply.status, reply.headers, reply.body)
    if _can_be_added_to(reply):
        return ClientReply(reply.status, reply.headers, _Events(reply, client, judged=judged))
    body = _Bytes(reply, client, judged=judged, counted=counted or client is not None)
    return ClientReply(reply.status, reply.headers, body)


def _is_complete(reply: BufferedReply, client: Shape | None, *, judged: bool) -> bool:
    """Whether a buffered body needs no look at its events."""
    body = reply.body
    if body.startswith(b"{") or not is_event_stream(reply.headers):
        return True
    if judged and has_a_sign(body[-TAIL:]):
        return False
    return body.endswith(_DONE) and client is not Shape.MESSAGES


def _lacks_names(reply: UpstreamReply) -> bool:
    """Whether a reply is a stream whose first event has arrived without a name."""
    begun = reply.peek()
    if not begun or not is_event_stream(reply.headers):
        return False
    coding = coding_of(reply.headers)
    if coding:
        try:
            begun = next(Decompressor(coding).feed(begun), b"")
        except CodingError:
            return False
    return lacks_names(begun) is True


def _can_be_added_to(reply: UpstreamReply) -> bool:
    """Whether an event can be added to a body without breaking its length or its coding."""
    headers = reply.headers
    has_length = header(headers, b"content-length")
    return is_event_stream(headers) and not has_length and not is_compressed(headers)


class _Bytes(ReplyBody):
    """A body to which nothing can be added.

    Both ends of a `counted` body are kept for its tokens: most servers count at the end of a reply,
    some before its texts or vectors. The end of a `judged` body is kept if it may be an error.
    """

    def __init__(
        self, reply: UpstreamReply, client: Shape | None, *, counted: bool, judged: bool
    ) -> None:
        super().__init__()
        self._reply = reply
        self._client = client
        self._counted = counted
        self._judged = judged
        self._begun: bytes | None = b"" if counted or client is Shape.MESSAGES else None
        """The body's beginning, in which streams of messages count the prompt; None: not kept."""
        self._end = b""
        self._failure: GatewayError | None = None

    @property
    def failure(self) -> GatewayError | None:
        return self._failure

    @property
    def tokens(self) -> Tokens | None:
        return self._tokens_at(self._end) if self._counted else None

    async def pipe(self, sink: Sink) -> None:
        def feed(piece: bytes) -> bool:
            self._begin(piece)
            self._end = (self._end + piece)[-TAIL:]
            return sink(piece)

        is_kept = self._counted or (self._judged and may_hold_json(self._reply.headers))
        try:
            await self._reply.pipe(feed if is_kept else sink)
        finally:
            # Some clients leave once they have the error: then this is looked for all the same.
            if self._judged:
                self._failure = late_error(self._end, self._client, is_whole=len(self._end) < TAIL)

    def resume(self) -> None:
        self._reply.resume_reading()

    async def _release(self) -> None:
        await self._reply.aclose()

    def _begin(self, piece: bytes) -> None:
        """Keep a piece if it is part of the body's beginning."""
        begun = self._begun or b""
        if len(begun) < TAIL:
            self._begun = begun + piece[:TAIL]

    def _tokens_at(self, end: bytes) -> Tokens | None:
        """Return the tokens that a body with this end counts."""
        counted = tokens_in(end)
        if self._begun is None:
            return counted
        return updated(tokens_at_start(self._begun), counted)


class _Events(_Bytes):
    """An event stream, which can end in an error event."""

    def __init__(self, reply: UpstreamReply, client: Shape | None, *, judged: bool) -> None:
        super().__init__(reply, client, counted=False, judged=judged)
        self._events = WholeEvents(client)
        self._names = EventNames() if client is Shape.MESSAGES else None

    @property
    def tokens(self) -> Tokens | None:
        return self._tokens_at(self._events.tail(TAIL))

    @property
    def is_complete(self) -> bool:
        return self._events.has_ended()

    async def pipe(self, sink: Sink) -> None:
        passing = sink if self._names is None else self._noting(sink, self._names)
        try:
            await self._reply.pipe(self._events.into(passing))
        except GatewayError as error:
            if end := self._fail(error):
                sink(end)
        else:
            if end := self._finish():
                sink(end)
        finally:
            if self._judged and self._failure is None:
                self._failure = late_error(self._events.last(), self._client)

    def _noting(self, sink: Sink, names: EventNames) -> Sink:
        """Return a sink that keeps the beginning, names the events, and gives them to `sink`."""

        def note(passing: bytes) -> bool:
            self._begin(passing)
            return sink(names.add(passing))

        return note

    def cut_off(self, error: GatewayError) -> bytes:
        return self._fail(error)

    def _finish(self) -> bytes:
        """Return the bytes that are still to be sent after a body has ended."""
        rest, is_end = self._events.finish()
        end = self._rest(rest)
        return end if is_end else end + self._event(ended_too_early())

    def _fail(self, error: GatewayError) -> bytes:
        """Return the bytes that are still to be sent after a body has broken off."""
        rest, is_end = self._events.break_off()
        end = self._rest(rest)
        return end if is_end else end + self._event(error)

    def _rest(self, rest: bytes) -> bytes:
        """Return the held rest of the body as it is passed on: with names, if it needs them."""
        return rest if self._names is None else self._names.add(rest)

    def _event(self, error: GatewayError) -> bytes:
        self._failure = error.bare()
        return broken_off(self._client, error, self._events.last())
