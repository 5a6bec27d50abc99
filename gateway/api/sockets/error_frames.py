"""Errors as a client's socket gets them: OpenAI's `ResponseWsError`."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gateway.errors import GatewayError
from gateway.exchange.bodies.unreadable_body import UNREADABLE
from gateway.exchange.errors.error_replies import error_of_reply, kept_headers
from gateway.exchange.reply.reading import decode_object
from gateway.shapes import Json, RawHeaders
from gateway.translate.parts.upstream_errors import upstream_error
from gateway.translate.stream.sse import encode_json

_TEXTS: Final = ("message", "type")
_OPTIONAL: Final = ("code", "param")


def error_frame(
    status: int,
    error: Json,
    headers: Mapping[str, str],
    stream_id: str | None = None,
    **more: Any,
) -> bytes:
    """Return an error frame; `error` is that of OpenAI's envelope, `more` are further fields."""
    details = {**error, "headers": dict(headers)} if headers else error
    frame: Json = {"type": "error", "status": status, "error": details, **more}
    if stream_id is not None:
        frame["stream_id"] = stream_id
    return encode_json(frame)


def frame_of(
    error: GatewayError, stream_id: str | None = None, headers: Mapping[str, str] | None = None
) -> bytes:
    """Return the frame of an error of the gateway's; `headers` come beside its own."""
    fields = {**dict(error.headers), **(headers or {})}
    return error_frame(error.status, error.envelope()["error"], fields, stream_id)


def frame_of_reply(
    status: int,
    fields: RawHeaders,
    body: bytes,
    stream_id: str | None,
    headers: Mapping[str, str],
) -> bytes:
    """Return the frame of an error reply: its own envelope, or what its text says.

    Of its header `fields` those that identify it, or say when to retry. `headers` come beside them.
    """
    shown = {**dict(kept_headers(fields)), **headers}
    error = _envelope(body)
    if error is None:
        known = error_of_reply(status, fields, body, lambda param: param)
        error = known.envelope()["error"]
    return error_frame(status, error, shown, stream_id)


def frame_of_event(
    data: bytes, failure: GatewayError | None, stream_id: str | None, headers: Mapping[str, str]
) -> bytes:
    """Return the frame of an `error` event of a stream; `failure` is the error behind it, if known.

    The event is OpenAI's flat form, or has the envelope's.
    """
    event = decode_object(data)
    known = upstream_error(event)
    status = 502 if known is None else known.status
    if failure is not None:
        status, headers = failure.status, {**dict(failure.headers), **headers}
    given = event.get("error")
    error = _checked(given) or (known or GatewayError("The stream broke off.")).envelope()["error"]
    number = event.get("sequence_number")
    more = {"sequence_number": number} if type(number) is int else {}
    return error_frame(status, error, headers, stream_id, **more)


def _envelope(body: bytes) -> Json | None:
    """Return the error of a body in OpenAI's envelope; None: it is in another one, or none."""
    try:
        decoded = msgspec.json.decode(body)
    except UNREADABLE:
        return None
    return _checked(decoded.get("error")) if isinstance(decoded, dict) else None


def _checked(error: object) -> Json | None:
    """Return an error whose fields have the types of OpenAI's envelope; None: they do not."""
    if not isinstance(error, dict):
        return None
    texts = all(isinstance(error.get(name), str) for name in _TEXTS)
    optional = all(isinstance(error.get(name), str | None) for name in _OPTIONAL)
    return error if texts and optional else None
