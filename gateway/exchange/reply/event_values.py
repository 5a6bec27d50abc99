"""The JSON values in the events of a stream, with hidden errors made plain. No I/O."""

from gateway.envelopes.upstream_json import NOT_JSON, decode, is_cut_off
from gateway.exchange.reply.reading import not_json
from gateway.exchange.reply.wrapped_errors import error_of, is_foreign
from gateway.shapes import Json
from gateway.translate.parts.upstream_errors import upstream_error
from gateway.translate.stream.event_reader import EventReader
from gateway.translate.stream.sse import ServerSentEvent


def values_of(event: ServerSentEvent, reader: EventReader) -> list[object]:
    """Return the values that can be folded now that an event has come, errors as `{"error": …}`.

    An error can be hidden in a list, in a text, or in no known envelope below `event: error`. A
    foreign event has no values. Raises `UpstreamError` for any other event that is neither JSON nor
    an error.
    """
    if event.event and is_foreign(event):
        return []
    try:
        values = reader.read(event.data)
    except NOT_JSON:
        error = error_of(event)
        if error is None:
            raise not_json() from None
        return [_in_envelope(error)]
    if event.event != "error" and not event.data.startswith(b"["):
        return values
    return [_shown(event, value) for value in values]


def without_cut_off(last: list[ServerSentEvent]) -> list[ServerSentEvent]:
    """Return the last events of a body without one that the body's end has cut off."""
    return [event for event in last if not is_cut_off(event.data)]


def _shown(event: ServerSentEvent, value: object) -> object:
    is_hidden = not isinstance(value, dict) or upstream_error(value) is None
    error = error_of(event) if is_hidden else None
    return value if error is None else _in_envelope(error)


def _in_envelope(error: bytes) -> Json:
    """Return an error with its message where clients look for it."""
    carrier = decode(error)
    known, inner = upstream_error(carrier), carrier.get("error")
    fields = inner if isinstance(inner, dict) else {}
    return {"error": {**fields, "message": known.message}} if known is not None else carrier
