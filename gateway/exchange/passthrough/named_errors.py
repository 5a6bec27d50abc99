"""Puts the model's name as asked into errors of event streams that are passed on for an alias.

An error at the beginning of a stream is renamed where it is recognised, before the client has any
of the stream. A later error is renamed here, as it passes. Other events stay as they came.
"""

import re

from gateway.exchange.client_reply import ClientReply
from gateway.exchange.reply.body import ReplyBody, WrappedBody
from gateway.exchange.reply.reading import header, is_compressed, is_event_stream
from gateway.exchange.reply.wrapped_errors import error_of
from gateway.shapes import Sink
from gateway.translate.parts.model_names import ModelNames
from gateway.translate.stream.sse import SSEDecoder

_EVENT = re.compile(rb"[^\r\n]+(?:\r?\n[^\r\n]+)*")
_END = b"\n\n"
"""The end of an event, which may pass by itself."""


def with_named_errors(reply: ClientReply, models: ModelNames) -> ClientReply:
    """Return a reply whose errors name the model as asked, if it is a stream that can be changed.

    A stream with a length or a coding stays as it is.
    """
    fields = tuple(reply.headers)
    if isinstance(reply.body, bytes) or not is_event_stream(fields):
        return reply
    if header(fields, b"content-length") or is_compressed(fields):
        return reply
    return ClientReply(reply.status, reply.headers, _NamedErrors(reply.body, models))


class _NamedErrors(WrappedBody):
    """A stream that is passed on in whole events."""

    def __init__(self, body: ReplyBody, models: ModelNames) -> None:
        super().__init__(body)
        self._models = models
        self._sent = models.sent.encode()

    async def pipe(self, sink: Sink) -> None:
        def take(piece: bytes) -> bool:
            if self._sent in piece:
                piece = _EVENT.sub(self._named, piece)
            return sink(piece)

        await self._body.pipe(take)

    def _named(self, found: re.Match[bytes]) -> bytes:
        """Return an event; if it is an error, with the client's name of the model."""
        event = found[0]
        if not any(map(error_of, SSEDecoder().feed(event + _END))):
            return event
        text = event.decode("utf-8", "surrogateescape")
        return self._models.as_asked(text).encode("utf-8", "surrogateescape")
