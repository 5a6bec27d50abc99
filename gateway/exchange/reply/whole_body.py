"""Reads whole bodies as replies of their endpoint: JSON, or a stream that nobody asked for."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.envelopes.upstream_json import NOT_JSON
from gateway.errors import TruncatedStream
from gateway.exchange.reply.event_values import without_cut_off
from gateway.exchange.reply.opening import error_in_place
from gateway.exchange.reply.reading import checked_object, decode_object, not_json
from gateway.exchange.reply.unannounced_end import is_counted
from gateway.exchange.reply.wrapped_errors import error_of, is_foreign
from gateway.shapes import Json, Shape
from gateway.translate.parts.tools.names import names_of
from gateway.translate.parts.upstream_errors import bare_error
from gateway.translate.stream.event_reader import EventReader
from gateway.translate.stream.folding.replies import events_as_whole, is_terminal
from gateway.translate.stream.sse import SSEDecoder, begins_events, encode_json, is_done


@dataclass(frozen=True, slots=True)
class ReportedError:
    """An error within a reply, as the body of an error reply."""

    body: bytes = field(repr=False)
    in_place: bool = False
    """Whether the error stood in a result's place, without an envelope: then it is no refusal."""


def whole_reply(home: Shape, body: bytes, request: Callable[[], Json]) -> Json | ReportedError:
    """Return the reply in a body, or the error that the body has in place of a result.

    `request` returns the request that it answers. Raises `UpstreamError` for a body that is neither
    a JSON object nor a stream, and `TruncatedStream` for a stream that is not complete.
    """
    if begins_events(body):
        return _streamed(home, body, request)
    reply = decode_object(body, whole=True)
    error = error_in_place(home, reply)
    return reply if error is None else ReportedError(encode_json(error), in_place=True)


def _streamed(home: Shape, body: bytes, request: Callable[[], Json]) -> Json | ReportedError:
    stream = _read(home, body)
    if isinstance(stream, ReportedError):
        return stream
    try:
        events = list(map(checked_object, stream.events))
        ended = stream.is_over and any(map(is_counted, events[-1:]))
        return events_as_whole(home, events, names_of(request()), ended=ended)
    except TruncatedStream:
        errors = (bare_error(event) for event in reversed(stream.events) if isinstance(event, dict))
        last = next(filter(None, errors), None)
        if last is not None:
            return ReportedError(encode_json(last), in_place=True)
        if stream.is_broken:
            raise not_json() from None
        raise


class _Stream(NamedTuple):
    """The events of a body that is a stream, up to the stream's end."""

    events: list[object]
    is_over: bool = False
    """Whether the stream has ended with `[DONE]`."""
    is_broken: bool = False
    """Whether something that is not JSON stands after the events."""


def _read(home: Shape, body: bytes) -> _Stream | ReportedError:
    decoder, reader = SSEDecoder(), EventReader()
    events: list[object] = []
    is_broken = False
    for event in [*decoder.feed(body), *without_cut_off(decoder.finish())]:
        error = error_of(event)
        if error is not None:
            return ReportedError(error)
        if is_broken:
            break
        if is_done(event.data):
            return _Stream(events + reader.flush(), is_over=True)
        if is_foreign(event):
            continue
        try:
            events += reader.read(event.data)
        except NOT_JSON:
            # Behind a complete reply this does not matter, as in streams that were asked for.
            is_broken = True
        if events and is_terminal(events[-1], home):
            break
    return _Stream(events + reader.flush(), is_broken=is_broken)
