"""Reads what a relay has to know of an upstream's events: few of them, and few of their fields."""

from typing import Final

import msgspec

from gateway.envelopes.upstream_json import NOT_JSON, decode, valid_json
from gateway.translate.stream.response_ends import documented
from gateway.translate.stream.sse import RESPONSES_END, encode_json

_TYPES: Final = (
    *("output_text", "output_item.added", "reasoning", "content_part", "mcp_"),
    *("function_call_arguments.delta", "custom_tool_call_input", "code_interpreter_call"),
    "image_generation_call",
)
USUAL: Final = tuple(
    f'{{"type":{space}"response.{name}'.encode() for space in ("", " ") for name in _TYPES
)
"""The beginnings, as servers write them, of events of which a relay has to know nothing."""

_ITEM_DONE: Final = "response.output_item.done"
_ASIDE: Final = "codex."
_STEERED: Final = "steered"
_WRONG_KEY: Final = "invalid_api_key"
_ERROR: Final = "error"
_ENDS: Final = RESPONSES_END | {_ERROR}
_ERRORS: Final = frozenset({_ERROR, "response.failed"})
_SUCCESS: Final = 200
_FAULT: Final = 500
_NOTHING: Final = msgspec.Raw(b"null")


class Event(msgspec.Struct, gc=False):
    """The fields of an event that a relay reads; a malformed event has none of them."""

    type: str = ""
    stream_id: str | None = None
    response_id: str = ""
    """The id of the event's response; empty if it has none."""
    is_steered: bool = False
    """Whether the event ends a response that goes on as another one, with more input."""
    error_status: int = 0
    """The status of an error, which some servers give as its code; 0 if there is none."""
    error_code: str = ""
    """The code of an error; empty if there is none."""
    item: msgspec.Raw | None = None
    """The item that the event completes, if it completes one."""

    @property
    def status(self) -> int:
        """The HTTP status of a reply that begins with this event."""
        return self.error_status or (_FAULT if self.type == _ERROR else _SUCCESS)

    @property
    def is_aside(self) -> bool:
        """Whether the event is about no response: ChatGPT's backend may begin with such events."""
        return self.type.startswith(_ASIDE)

    @property
    def is_error(self) -> bool:
        """Whether the event has an error."""
        return self.type in _ERRORS

    @property
    def ends_turn(self) -> bool:
        """Whether the event ends its turn; a steered turn continues with another response."""
        return self.type in _ENDS and not self.is_steered


class _Response(msgspec.Struct, gc=False):
    id: object = None
    incomplete_details: object = None


class _Error(msgspec.Struct, gc=False):
    code: object = None


class _Written(msgspec.Struct, gc=False):
    """An event as a server has written it, whose fields may have any type."""

    type: object = None
    stream_id: object = None
    status: object = None
    status_code: object = None
    response: msgspec.Raw = _NOTHING
    error: msgspec.Raw = _NOTHING
    code: object = None
    """The code of an error in OpenAI's flat form."""
    item: msgspec.Raw = _NOTHING


_decode = msgspec.json.Decoder(_Written).decode
_decode_response = msgspec.json.Decoder(_Response).decode
_decode_error = msgspec.json.Decoder(_Error).decode


def read_event(message: bytes) -> Event:
    """Return the event in a message, whatever characters and numbers the message has."""
    try:
        written = _read(message)
    except NOT_JSON:
        return Event()
    event = Event(written.type if isinstance(written.type, str) else "")
    if isinstance(written.stream_id, str):
        event.stream_id = written.stream_id
    if bytes(written.response).startswith(b"{"):
        _add_response(event, written.response)
    if event.type == _ITEM_DONE:
        event.item = msgspec.Raw(bytes(written.item))
    elif event.type == _ERROR or (written.type is None and bytes(written.error) != b"null"):
        _add_error(event, written)
    return event


def with_documented_end(message: bytes) -> bytes:
    """Return an event that ends a response, with the type that OpenAI documents for it."""
    return encode_json(documented(decode(message)))


def _read(message: bytes) -> _Written:
    try:
        return _decode(message)
    except NOT_JSON:
        return _decode(valid_json(message))


def _add_response(event: Event, raw: msgspec.Raw) -> None:
    try:
        response = _decode_response(raw)
    except NOT_JSON:
        return
    if isinstance(response.id, str):
        event.response_id = response.id
    details = response.incomplete_details
    event.is_steered = isinstance(details, dict) and details.get("reason") == _STEERED


def _add_error(event: Event, written: _Written) -> None:
    event.type = _ERROR  # which some servers leave out
    try:
        code = _decode_error(written.error).code
    except NOT_JSON:
        code = written.code
    event.error_code = str(code or "") if isinstance(code, str | int) else ""
    given = (written.status, written.status_code, event.error_code)
    event.error_status = next(filter(None, map(_status_of, given)), 0)


def _status_of(value: object) -> int:
    """Return a value if it is the status of an error, else 0."""
    if value == _WRONG_KEY:
        return 401
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdecimal() and len(value) == 3 else 0
    return int(value) if isinstance(value, int | float) and 400 <= value < 600 else 0
