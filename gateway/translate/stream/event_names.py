"""Gives the events of a messages stream names if its server leaves them out.

Anthropic's clients dispatch on an event's name, and drop an event without one (openclaw#37571,
pi#1983), though the `type` in its data is the same.
"""

import re

from gateway.envelopes.upstream_json import NOT_JSON, decode

_NAME = b"event:"
_DATA = b"data:"
_LINE_ENDS = (b"\n", b"\r")
_BEGINNING = re.compile(rb'\s*\{\s*"type"\s*:\s*"([a-z_]+)"')
"""The beginning of the data of a long event, which passes in pieces."""


class EventNames:
    """Takes a stream's events; if the first one has a name, they stay as they are."""

    __slots__ = ("_lacking",)

    def __init__(self) -> None:
        self._lacking: bool | None = None
        """Whether the server leaves the names out; None: no event has come."""

    def add(self, events: bytes) -> bytes:
        """Return events, whole or pieces of a long one, with their names."""
        if self._lacking is None:
            self._lacking = lacks_names(events)
        return _named(events) if self._lacking else events


def lacks_names(events: bytes) -> bool | None:
    """Whether the first event of a stream has no name; None: no event has come yet."""
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
    """Return an `event:` line for a line of data, by its `type`; empty if it has none."""
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
