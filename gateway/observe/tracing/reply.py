"""An upstream's reply whose call has a span: the span ends with the reply."""

from collections.abc import AsyncIterator

from gateway.errors import UpstreamError
from gateway.exchange.reply.reading import is_event_stream
from gateway.observe.tracing.spans import CallSpan
from gateway.shapes import RawHeaders, Sink, UpstreamReply


class TracedReply:
    """An `UpstreamReply` that notes in a span when its body begins, ends or fails."""

    __slots__ = ("_reply", "_span", "headers", "status")

    def __init__(self, reply: UpstreamReply, span: CallSpan) -> None:
        self._reply = reply
        self._span = span
        self.status = reply.status
        self.headers: RawHeaders = reply.headers
        span.status = self.status
        span.is_stream = is_event_stream(self.headers)
        if self.status >= 400:
            span.error = str(self.status)
        if reply.peek():
            span.arrived()

    @property
    def ended(self) -> bool:
        """Whether the body has arrived completely."""
        return self._reply.ended

    def peek(self) -> bytes:
        """Return the unread part of the body without consuming it."""
        return self._reply.peek()

    def arrived(self) -> bytes | None:
        """Consume and return the whole body if it is complete, else None."""
        body = self._reply.arrived()
        if body is not None:
            self._span.arrived(body)
            self._span.end()
        return body

    async def more(self, seconds: float) -> bool:
        """Wait for more of the body; see `UpstreamReply`."""
        more = await self._reply.more(seconds)
        if more and self._reply.peek():
            self._span.arrived()
        return more

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives; see `UpstreamReply`."""
        span = self._span
        try:
            async for chunk in self._reply.chunks():
                span.arrived(chunk)
                yield chunk
        except UpstreamError as error:
            span.end(error.reason)
            raise
        span.end()

    async def pipe(self, sink: Sink) -> None:
        """Push the body into the sink as it arrives; see `UpstreamReply`."""
        span = self._span

        def noted(piece: bytes) -> bool:
            if span.awaits_model or not span.first:
                span.arrived(piece)
            return sink(piece)

        try:
            await self._reply.pipe(noted)
        except UpstreamError as error:
            span.end(error.reason)
            raise
        span.end()

    def resume_reading(self) -> None:
        """Continue after the sink of `pipe()` has returned False."""
        self._reply.resume_reading()

    async def aclose(self) -> None:
        """Drop the unread rest and free the connection."""
        await self._reply.aclose()
