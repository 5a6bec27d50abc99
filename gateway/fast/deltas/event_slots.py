"""The values in which the events of one kind differ, and their places."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from gateway.fast.deltas.text_events import Kind
from gateway.shapes import Json, Shape

_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """A value that differs from event to event, and its place."""

    path: _Path
    pattern: re.Pattern[bytes]
    """Finds the key and, as its group, the value; a match is still to be proved."""
    decode: Callable[[bytes], Any]

    def place(self, data: bytes, event: Json) -> tuple[int, int] | None:
        """Return the span of the value in an event's data; None: absent, or not certain.

        The proof: another value at that place makes exactly the event with the other value.
        """
        match = self.pattern.search(data)
        if match is None:
            return None
        try:
            value = self.decode(match[1])
            other = value + 1 if self is NUMBER else f"{value}?"
            changed = data[: match.start(1)] + msgspec.json.encode(other) + data[match.end(1) :]
            decoded = msgspec.json.decode(changed)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        proved = _replace(decoded, self.path, other, value) and decoded == event
        return match.span(1) if proved else None


def _text(*path: str | int) -> Slot:
    pattern = rb'"%b" ?: ?("(?:[^"\\]|\\.)*")' % str(path[-1]).encode()
    return Slot(path, re.compile(pattern), msgspec.json.Decoder(str).decode)


TEXTS: Mapping[tuple[Kind, Shape], Slot] = {
    ("text", Shape.COMPLETIONS): _text("choices", 0, "text"),
    ("text", Shape.CHAT): _text("choices", 0, "delta", "content"),
    ("text", Shape.RESPONSES): _text("delta"),
    ("text", Shape.MESSAGES): _text("delta", "text"),
    ("arguments", Shape.CHAT): _text(
        *("choices", 0, "delta", "tool_calls", 0, "function", "arguments")
    ),
    ("arguments", Shape.RESPONSES): _text("delta"),
}
NUMBER = Slot(
    ("sequence_number",),
    re.compile(rb'"sequence_number" ?: ?([0-9]{1,15})'),
    msgspec.json.Decoder(Annotated[int, msgspec.Meta(ge=0, le=2**53)]).decode,
)
PADDING = _text("obfuscation")


def text_of(shape: Shape, event: Json, kind: Kind = "text") -> str:
    """Return the text of an event that has a template."""
    value: Any = event
    for step in TEXTS[kind, shape].path:
        value = value[step]
    text: str = value
    return text


def with_text(shape: Shape, event: Json, text: str, kind: Kind = "text") -> Json:
    """Return a copy of an event that has a template, with another text."""
    changed: Json = _with(event, TEXTS[kind, shape].path, text)
    return changed


def _replace(source: Any, path: _Path, value: object, other: object) -> bool:
    """Put another value at a path; False unless `value` was there."""
    *outer, last = path
    try:
        for step in outer:
            source = source[step]
        found = source[last]
        if type(found) is not type(value) or found != value:
            return False
        source[last] = other
    except (LookupError, TypeError):
        return False
    return True


def _with(source: Any, path: _Path, value: object) -> Any:
    """Return a copy with another value at a path, which is there."""
    if not path:
        return value
    step, *rest = path
    copied = source.copy()
    copied[step] = _with(source[step], tuple(rest), value)
    return copied
