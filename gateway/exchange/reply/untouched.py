"""Passes an upstream's body on as it comes, and adds nothing but the error that breaks it off.

Of an event stream the beginning of an event waits for its end, so that the error is an event of its
own wherever the stream breaks off.
"""

from collections.abc import AsyncGenerator
from typing import Final

from gateway.errors import GatewayError, TruncatedStream
from gateway.exchange.message import ClientReply, Outcome, ReplyBody
from gateway.exchange.reply.reading import header, is_event_stream
from gateway.replies import BufferedReply
from gateway.shapes import Shape, Sink, UpstreamReply
from gateway.translate.stream.sse import broken_off, terminator
from gateway.translate.stream.whole_events import WholeEvents

_DONE: Final = terminator(Shape.CHAT)
_UNCODED: Final = (b"", b"identity")
_SHORT: Final = 4
"""What may be no more than the end of an event, or part of that."""
_TAIL: Final = 1024


def passed_on(reply: UpstreamReply, client: Shape | None = None) -> ClientReply:
    """Return an upstream's reply as the client's, untouched.

    Reading its body raises what reading the upstream's raises. The client of an event stream, whose
    shape is `client` where that is known, gets an event instead, and no terminator.
    """
    headers = list(reply.headers)
    if isinstance(reply, BufferedReply) and _is_complete(reply):
        return ClientReply(reply.status, headers, reply.body)
    events = WholeEvents(client) if _can_be_added_to(reply) else None
    untouched = _Untouched(reply, client, events)
    body = ReplyBody(untouched.chunks(), reply.aclose, untouched, untouched)
    return ClientReply(reply.status, headers, body)


def _is_complete(reply: BufferedReply) -> bool:
    """Whether a body that is here as a whole needs no look at where its events end."""
    body = reply.body
    return body.endswith(_DONE) or body.startswith(b"{") or not is_event_stream(reply.headers)


def _can_be_added_to(reply: UpstreamReply) -> bool:
    """Whether an event can be added to a body: not where it would break a length or a coding."""
    headers = reply.headers
    if not is_event_stream(headers) or header(headers, b"content-length"):
        return False
    return header(headers, b"content-encoding").lower() in _UNCODED


class _Untouched(Outcome):
    """The body, to be iterated or piped (a `Source`)."""

    __slots__ = ("_client", "_events", "_last", "_reply", "resume_reading")

    def __init__(
        self, reply: UpstreamReply, client: Shape | None, events: WholeEvents | None
    ) -> None:
        super().__init__()
        self._reply = reply
        self.resume_reading = reply.resume_reading
        self._client = client
        self._events = events
        self._last = b""
        """What was passed on last."""

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        reply, events = self._reply, self._events
        try:
            async for chunk in reply.chunks():
                if passing := chunk if events is None else events.take(chunk):
                    self._last = passing if len(passing) > _SHORT else self._tail(passing)
                    yield passing
            if end := self._end(events):
                yield end
        except GatewayError as error:
            if events is None:
                raise
            if end := self._broken_off(error, events):
                yield end
        finally:
            await reply.aclose()

    async def pipe(self, sink: Sink) -> None:
        events = self._events
        if events is None:
            await self._reply.pipe(sink)
            return

        def pass_on(piece: bytes) -> bool:
            passing = events.take(piece)
            if not passing:
                return True
            self._last = passing if len(passing) > _SHORT else self._tail(passing)
            return sink(passing)

        try:
            await self._reply.pipe(pass_on)
        except GatewayError as error:
            if end := self._broken_off(error, events):
                sink(end)
        else:
            if end := self._end(events):
                sink(end)

    def _tail(self, passing: bytes) -> bytes:
        """Return the end of what was passed on, where the last of it alone does not tell."""
        return self._last[-_TAIL:] + passing

    def _end(self, events: WholeEvents | None) -> bytes:
        """Return what is still to be sent where a body has ended."""
        if events is None:
            return b""
        rest, is_end = events.finish()
        self._last = rest or self._last
        return rest if is_end else rest + self._tell(_ended_too_early())

    def _broken_off(self, error: GatewayError, events: WholeEvents) -> bytes:
        rest, is_end = events.break_off()
        self._last = rest or self._last
        return rest if is_end else rest + self._tell(error)

    def _tell(self, error: GatewayError) -> bytes:
        self.failure = error.bare()
        return broken_off(self._client, error, self._last)


def _ended_too_early() -> TruncatedStream:
    return TruncatedStream(
        "The upstream's stream ended before its reply was complete. Retry the request."
    )
