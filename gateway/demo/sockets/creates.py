"""What a client sends on a socket at `/v1/responses` (openai-openapi, ResponsesClientEvent)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.demo.generation.answer import Json
from gateway.demo.refusals import Refused
from gateway.demo.refusals.parameters import (
    invalid_value,
    missing_parameter,
)
from gateway.demo.rules import checks
from gateway.demo.rules.checks import Check, nullable
from gateway.demo.rules.shared import check_known, nonempty

CREATE = "response.create"
STEER = "response.steer"
PROCESSED = "response.processed"
_TYPES = (CREATE, STEER)
_ENVELOPE: Mapping[str, Check] = {
    "background": nullable(checks.boolean),
    "generate": nullable(checks.boolean),
    "stream": nullable(checks.boolean),
    "stream_id": nullable(nonempty),
}
_STEERING: Mapping[str, Check] = {
    "type": checks.string,
    "previous_response_id": checks.string,
    "input": checks.string_or(checks.array(checks.mapping, least=1)),
}


@dataclass(frozen=True, slots=True)
class Create:
    """A `response.create`: the request as it would be posted, and what is the socket's.

    `generates` is False for a request that only prepares the next one.
    """

    body: Json
    stream_id: str | None
    generates: bool

    @property
    def previous(self) -> Any:
        """The response to continue, as the client has it."""
        return self.body.get("previous_response_id")


def event_type(event: Json) -> str:
    """Return the type of a client's event; raises `Refused` for one that there is not."""
    kind = event.get("type")
    if kind is None:
        raise missing_parameter("type")
    checks.string("type", kind)
    if kind not in (*_TYPES, PROCESSED):
        raise invalid_value("type", kind, _TYPES)
    return str(kind)


def stream_id_of(event: Json) -> str | None:
    """Return the stream id that an event's errors carry."""
    given = event.get("stream_id")
    return given if isinstance(given, str) else None


def create_of(event: Json) -> Create:
    """Return what a `response.create` asks for; raises `Refused`.

    `stream` is implied, whatever it says.
    """
    for name, check in _ENVELOPE.items():
        if name in event:
            check(name, event[name])
    if event.get("background"):
        raise Refused(
            400,
            "Unsupported parameter: 'background' is not supported over WebSocket.",
            param="background",
            code="unsupported_parameter",
        )
    body = {name: value for name, value in event.items() if name not in ("type", *_ENVELOPE)}
    return Create({**body, "stream": True}, stream_id_of(event), _generates(event))


def _generates(event: Json) -> bool:
    options = event.get("prompt_cache_options")
    if isinstance(options, dict) and options.get("prewarm") is True:
        return False
    return event.get("generate") is not False


def check_steering(event: Json) -> None:
    """Refuse a `response.steer` that is not well-formed."""
    check_known(_STEERING, event)
    for name, check in _STEERING.items():
        if name not in event:
            raise missing_parameter(name)
        check(name, event[name])
