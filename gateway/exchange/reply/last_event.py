"""Finds the last event of a stream that is read whole: its connection may stay open after it.

No I/O. The events that end a stream are known, whatever its shape.
"""

from gateway.errors import UpstreamError
from gateway.exchange.reply.reading import decode_object
from gateway.exchange.reply.wrapped_errors import error_of
from gateway.translate.stream.sse import ENDS, ServerSentEvent, SSEDecoder, begins_events, is_done

_ENDS = tuple(b'"%b"' % kind.encode() for kind in ENDS)


class LastEvent:
    """Looks for the last event in the pieces of a body."""

    def __init__(self) -> None:
        self._begun = b""
        self._decoder: SSEDecoder | None = None
        self._is_other = False
        """Whether the body is not an event stream, or is one that cannot be read."""

    def is_in(self, piece: bytes) -> bool:
        """Take the next piece; return whether the last event ends in it."""
        if self._decoder is None:
            if self._is_other:
                return False
            self._begun += piece
            is_events = begins_events(self._begun)
            self._is_other = is_events is False
            if not is_events:
                return False
            self._decoder, piece = SSEDecoder(), self._begun
        try:
            return any(map(_is_last, self._decoder.feed(piece)))
        except UpstreamError:
            # The code that decodes the whole body raises this error.
            return False


def _is_last(event: ServerSentEvent) -> bool:
    if is_done(event.data) or event.event in ENDS or error_of(event) is not None:
        return True
    if not any(kind in event.data for kind in _ENDS):
        return False
    try:
        kind = decode_object(event.data).get("type")
    except UpstreamError:
        return False
    return isinstance(kind, str) and kind in ENDS
