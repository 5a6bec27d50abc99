"""What a relay has to know of an upstream's events: few are looked into, and those not deeply."""

from typing import Final

import msgspec

from gateway.translate.stream.sse import RESPONSES_END

_TYPES: Final = (
    *("output_text.delta", "reasoning", "function_call_arguments.delta", "output_", "content_part"),
    *("custom_tool_call_input", "code_interpreter_call", "mcp_", "image_generation_call"),
)
USUAL: Final = tuple(
    f'{{"type":{space}"response.{name}'.encode() for space in ("", " ") for name in _TYPES
)
"""How events begin that neither begin nor end a turn, as servers write them."""

_STEERED: Final = "steered"
_WRONG_KEY: Final = "invalid_api_key"
_ENDS: Final = RESPONSES_END | {"error"}


class _Details(msgspec.Struct, gc=False):
    reason: str | None = None


class _Response(msgspec.Struct, gc=False):
    id: str = ""
    incomplete_details: _Details | None = None


class _Error(msgspec.Struct, gc=False):
    code: str | int | None = None


class Event(msgspec.Struct, gc=False):
    """An event; a malformed one is not one of those that matter here."""

    type: str = ""
    stream_id: str | None = None
    status: int | None = None
    response: _Response | None = None
    error: _Error | None = None
    code: object = None
    """Of an error in OpenAI's flat form."""

    @property
    def ends_turn(self) -> bool:
        """Whether a turn is over. One that was steered goes on with another response."""
        details = self.response.incomplete_details if self.response is not None else None
        is_steered = details is not None and details.reason == _STEERED
        return self.type in _ENDS and not is_steered

    @property
    def response_id(self) -> str:
        """The id of its response; empty: it has none."""
        return self.response.id if self.response is not None else ""

    @property
    def error_status(self) -> int:
        """The status of an error, which some servers give as its code; 0: it is not an error."""
        if self.type != "error":
            return 0
        status = self.status or _status_of(self.error_code)
        return status if 400 <= status < 600 else 500

    @property
    def error_code(self) -> str:
        """The code of an error; empty: it has none."""
        code = self.error.code if self.error is not None else self.code
        return str(code or "") if isinstance(code, str | int) else ""


def _status_of(code: str) -> int:
    if code == _WRONG_KEY:
        return 401
    return int(code) if code.isascii() and code.isdecimal() and len(code) == 3 else 0


_decode = msgspec.json.Decoder(Event).decode


def read_event(message: bytes) -> Event:
    """Return what a message says."""
    try:
        return _decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Event()
