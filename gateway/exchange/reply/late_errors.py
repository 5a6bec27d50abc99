"""Finds errors at the end of replies that were passed on as they came. No I/O.

Such a reply was taken for a success by its status alone. Its end is looked into once, when the
reply is over, so that single events cost nothing.
"""

from typing import Final

from gateway.envelopes.error_envelopes import is_error_in_success
from gateway.envelopes.printed_values import decode_body
from gateway.errors import UpstreamError
from gateway.exchange.reply.reading import unknown_error
from gateway.exchange.reply.wrapped_errors import (
    begins_json,
    error_of,
    has_a_sign,
    only_looks_like_success,
)
from gateway.shapes import Shape
from gateway.translate.parts.upstream_errors import upstream_error
from gateway.translate.stream.sse import ServerSentEvent, SSEDecoder

_LOOKED_INTO: Final = 16 * 1024
"""The bytes at the end of a body that are looked into: a piece with many events may be long."""


def late_error(end: bytes, client: Shape | None, *, is_whole: bool = False) -> UpstreamError | None:
    """Return the last error in the end of a body that was passed on; None if there is none.

    `client` is the shape of the events, if it is known; `is_whole`: `end` is all of the body.
    """
    end = end[-_LOOKED_INTO:]
    if not has_a_sign(end):
        return None
    if is_whole and begins_json(end):
        return _said(end) if only_looks_like_success(end) else None
    decoder = SSEDecoder()
    for event in reversed([*decoder.feed(end), *decoder.finish()]):
        error = _error_in(event, client)
        if error is not None:
            return error
    return None


def _error_in(event: ServerSentEvent, client: Shape | None) -> UpstreamError | None:
    """Return the error that an event is, or has beside its choices, as OpenRouter writes it."""
    error = error_of(event)
    if client is None:
        # Events of an unknown shape may be texts, or results that name an error.
        is_error = event.event == "error" or is_error_in_success(decode_body(event.data))
        return _said(error) if error is not None and is_error else None
    if error is not None:
        return _said(error)
    return upstream_error(decode_body(event.data)) if has_a_sign(event.data) else None


def _said(error: bytes) -> UpstreamError:
    return upstream_error(decode_body(error)) or unknown_error()
