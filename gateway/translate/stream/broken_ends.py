"""The bytes that report an error at the end of a stream that broke off while it was passed on."""

import re
from typing import Final

from gateway.errors import GatewayError
from gateway.shapes import Shape
from gateway.translate.stream.sse import encode_events, error_event

_BLANK_LINE: Final = re.compile(rb"\r\n\r\n|\n\r?\n|\r\r")
_EVENT_LINE: Final = re.compile(rb"^event:", re.MULTILINE)
_NUMBER: Final = re.compile(rb'"sequence_number"\s*:\s*(\d{1,15})')


def broken_off(shape: Shape | None, error: GatewayError, tail: bytes) -> bytes:
    """Return the bytes that report an error at the end of a broken stream, without a terminator.

    `tail` is the end of what the stream has sent. An unfinished event is ended. If the shape is
    unknown and the stream's events have names, so has the error event (`error`): Anthropic's
    clients and those of OpenAI's assistants expect it.
    """
    numbers = _NUMBER.findall(tail) if shape is Shape.RESPONSES else ()
    number = int(numbers[-1]) + 1 if numbers else 0
    event = error_event(shape, error, number)
    written = encode_events(shape or Shape.CHAT, [event])
    if shape is None and (not tail or _EVENT_LINE.search(tail)):
        written = b"event: error\n" + encode_events(Shape.CHAT, [{"type": "error", **event}])
    return _end_of_event(tail) + written


def _end_of_event(tail: bytes) -> bytes:
    """Return the bytes that end the event in which a stream broke off.

    Between two events there are none. If the event has no data yet, only its line is ended, without
    a blank line: openai-python and openai-go would take that for an event, and fail on its empty
    data.
    """
    *before, begun = _BLANK_LINE.split(tail)
    if not begun or begun.endswith(b"\n\r"):
        return b"\n" if begun else b""
    # A LF after a CR does not end another line.
    end_of_line = b"" if begun.endswith(b"\n") else b"\n"
    has_data = any(line.startswith(b"data:") and line[5:].strip() for line in begun.splitlines())
    # If no event ends within the tail, this one may have begun, and have data, before it.
    return end_of_line + b"\n" if has_data or not before else end_of_line
