"""The events that a client sends on a socket at `/v1/responses`."""

from typing import Final

import msgspec

from gateway.errors import InvalidRequest
from gateway.exchange.bodies.request_fields import decode_field, decode_fields
from gateway.exchange.stored.responses import PREVIOUS
from gateway.translate.schema.errors import must_be

CREATE: Final = "response.create"
_IGNORED: Final = "response.processed"
"""A courtesy of some versions of Codex."""
_STEERING: Final = {"response.steer": PREVIOUS, "response.inject": "response_id"}
"""The events for a running response, and the fields that name it."""
_MAX_STREAM_ID: Final = 256
_SHOWN: Final = 64
_OWN: Final = ("type", "stream_id", "generate")
"""The fields of an event that are not the request's."""
_NOTHING: Final = msgspec.Raw()


class Create(msgspec.Struct, gc=False):
    """A `response.create`: the fields of a request, still encoded."""

    message: bytes
    """The event as it came."""
    fields: dict[str, msgspec.Raw]
    stream_id: str | None
    """The queue that it waits in; None: it names none, and waits with all others that do not."""
    previous: object
    """The response that it continues, as given."""
    generates: bool
    """False: the model is not asked."""


class BadEvent(Exception):
    """An event is refused.

    `stream_id` is that of the event, as far as it can be read. `steered` is the response that it is
    for: the upstream's socket that serves it might take the event. Empty: there is none.
    `is_create`: it is a `response.create`.
    """

    def __init__(
        self,
        error: InvalidRequest,
        stream_id: str | None = None,
        steered: str = "",
        *,
        is_create: bool = False,
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.stream_id = stream_id
        self.steered = steered
        self.is_create = is_create


def read_event(message: bytes) -> Create | None:
    """Return a `response.create`; None: the event needs no answer. Raises `BadEvent`."""
    kind, stream_id, steered = None, None, ""
    try:
        fields = decode_fields(message)
        kind = _value(fields, "type")
        if kind == _IGNORED:
            return None
        stream_id = _stream_id(fields)
        if kind != CREATE:
            steered = _steered(fields, kind)
            raise _refused(kind)
        previous, generate = _value(fields, PREVIOUS), _value(fields, "generate")
        prewarms = _prewarms(_value(fields, "prompt_cache_options"))
        _check(generate, _value(fields, "background"))
    except InvalidRequest as error:
        is_create = kind == CREATE
        raise BadEvent(error.bare(), stream_id, steered, is_create=is_create) from None
    for name in _OWN:
        fields.pop(name, None)
    fields["stream"] = msgspec.Raw(b"true")
    return Create(message, fields, stream_id, previous, generate is not False and not prewarms)


def _value(fields: dict[str, msgspec.Raw], name: str) -> object:
    return decode_field(fields.get(name, _NOTHING), name)


def _prewarms(options: object) -> bool:
    """Whether only the cache is to be filled, which counts more than `generate`."""
    return isinstance(options, dict) and options.get("prewarm") is True


def _steered(fields: dict[str, msgspec.Raw], kind: object) -> str:
    name = _STEERING.get(kind) if isinstance(kind, str) else None
    steered = _value(fields, name) if name is not None else None
    return steered if isinstance(steered, str) else ""


def _check(generate: object, background: object) -> None:
    if not (generate is None or isinstance(generate, bool)):
        raise must_be("generate", "a boolean")
    if background is True:
        raise InvalidRequest(
            "'background' is not supported on a WebSocket: leave it out, or send the request with "
            "POST.",
            param="background",
            code="unsupported_parameter",
        )


def _stream_id(fields: dict[str, msgspec.Raw]) -> str | None:
    stream_id = _value(fields, "stream_id")
    if stream_id is None:
        return None
    if not isinstance(stream_id, str) or not 0 < len(stream_id) <= _MAX_STREAM_ID:
        raise must_be("stream_id", f"a string of at most {_MAX_STREAM_ID} characters")
    return stream_id


def _refused(kind: object) -> InvalidRequest:
    if isinstance(kind, str) and kind in _STEERING:
        return InvalidRequest(
            f"'{kind}' is not supported here: '{_STEERING[kind]}' names no response of this "
            "connection that comes from a WebSocket of its model's server. Wait for the response "
            "to end, and continue it with a response.create.",
            param="type",
            code="steering_not_supported",
        )
    if not isinstance(kind, str):
        return must_be("type", f"the name of an event: '{CREATE}'")
    return InvalidRequest(
        f"Unknown event type '{kind[:_SHOWN]}'. Send '{CREATE}'.",
        param="type",
        code="invalid_value",
    )
