"""Gives the events of a messages stream the names that its server has left out.

Anthropic's clients dispatch on an event's name, and drop one without (openclaw#37571, pi#1983),
though its data has the same name as its `type`.
"""

from gateway.envelopes.upstream_json import NOT_JSON, decode

_NAME = b"event:"
_DATA = b"data:"


class EventNames:
    """Takes a stream's events; if the first one has a name, they stay as they are."""

    __slots__ = ("_lacking",)

    def __init__(self) -> None:
        self._lacking: bool | None = None
        """Whether the server leaves the names out; None: no event has come."""

    def add(self, events: bytes) -> bytes:
        """Return events, which are whole, with their names."""
        if self._lacking is None:
            self._lacking = _lacks(events)
        return _named(events) if self._lacking else events


def _lacks(events: bytes) -> bool | None:
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
    try:
        event = decode(line[len(_DATA) :])
    except NOT_JSON:
        return b""
    kind = event.get("type") if isinstance(event, dict) else None
    if not isinstance(kind, str) or not kind.isidentifier():
        return b""
    return _NAME + b" " + kind.encode() + b"\n"
