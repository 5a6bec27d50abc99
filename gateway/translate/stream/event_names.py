"""Gives the events of a messages stream the names that its server has left out.

Anthropic's clients dispatch on an event's name, and drop one without (openclaw#37571, pi#1983),
though its data has the same name as its `type`.
"""

import re

from gateway.envelopes.upstream_json import NOT_JSON, decode

_NAME = b"event:"
_DATA = b"data:"
_LINE_ENDS = (b"\n", b"\r")
_BEGINNING = re.compile(rb'\s*\{\s*"type"\s*:\s*"([a-z_]+)"')
"""The beginning of a long event, which passes in pieces."""


class EventNames:
    """Takes a stream's events; if the first one has a name, they stay as they are."""

    __slots__ = ("_lacking",)

    def __init__(self) -> None:
        self._lacking: bool | None = None
        """Whether the server leaves the names out; None: no event has come."""

    def add(self, events: bytes) -> bytes:
        """Return events with their names: they are whole, or pieces of a long one."""
        if self._lacking is None:
            self._lacking = lacks_names(events)
        return _named(events) if self._lacking else events


def lacks_names(events: bytes) -> bool | None:
    """Whether the first event of a stream has no name; None: it has not come."""
    for line in events.splitlines():
        if line.startswith((_NAME, _DATA)):
            return line.startswith(_DATA)
    return None


def _named(events: bytes) -> bytes:
    lines: list[bytes] = []
    before = b""
    for line in events.splitlines(keepends=True):
        if line.startswith(_DATA) and not before.startswith((_NAME, _DATA)):
            lines.append(_name_of(line))
        lines.append(line)
        before = line
    return b"".join(lines)


def _name_of(line: bytes) -> bytes:
    """Return the line with the name that a line of data has in it; empty: none."""
    data = line[len(_DATA) :]
    begun = None if line.endswith(_LINE_ENDS) else _BEGINNING.match(data)
    if begun is not None:
        return _NAME + b" " + begun[1] + b"\n"
    try:
        event = decode(data)
    except NOT_JSON:
        return b""
    kind = event.get("type") if isinstance(event, dict) else None
    if not isinstance(kind, str) or not kind.isidentifier():
        return b""
    return _NAME + b" " + kind.encode() + b"\n"
