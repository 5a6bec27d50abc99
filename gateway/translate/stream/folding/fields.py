"""Fields of a chat message put together from the deltas of a stream."""

from collections.abc import Mapping
from typing import Any

from gateway.shapes import Json
from gateway.translate.parts.content.sources import OF_A_MESSAGE, add_sources

_UNCHANGING = frozenset({"role", "phase"})
"""String fields that are not pieces of a text: a later value replaces the one before."""
_TEXTS = frozenset({"data", "transcript"})
"""String fields of `audio` that are pieces of a text."""


def add_delta(message: Json, delta: Mapping[str, Any]) -> None:
    """Add a delta to the message so far: texts and lists are concatenated, objects merged.

    Not for content, which has several forms, nor for calls: see `FoldedMessage`.
    """
    for name, value in delta.items():
        if isinstance(value, dict):
            known = message.get(name)
            message[name] = known if isinstance(known, dict) else {}
            _join(message[name], value)
        elif name in OF_A_MESSAGE:
            add_sources(message, {name: value} if value else {})
        elif value is not None:
            before = None if name in _UNCHANGING else message.get(name)
            message[name] = _and(before, value)


def _join(known: Json, more: Mapping[str, Any]) -> None:
    for name, value in more.items():
        if name in _TEXTS:
            known[name] = _and(known.get(name), value)
        else:
            known[name] = value or known.get(name)


def _and(before: Any, value: Any) -> Any:
    goes_on = isinstance(value, str | list) and type(before) is type(value)
    return before + value if goes_on else value
