"""Anthropic's marks of what to cache in a chat request, as relays to Claude take them."""

from gateway.resolve.refusals.history.hints import CACHE
from gateway.shapes import Json

_HOLDERS = ("content", "tool_calls", "function")


def without_marks(body: Json) -> None:
    """Leave the marks out of a chat body. The given messages and tools stay unchanged."""
    for name in ("messages", "tools"):
        if isinstance(body.get(name), list):
            body[name] = _unmarked(body[name])


def _unmarked(value: object, depth: int = 4) -> object:
    """Return messages or tools without marks, in them and in their parts, calls and functions."""
    if isinstance(value, list):
        return [_unmarked(each, depth) for each in value]
    if not isinstance(value, dict) or not depth:
        return value
    return {
        name: _unmarked(inner, depth - 1) if name in _HOLDERS else inner
        for name, inner in value.items()
        if name != CACHE
    }
