"""Finds where the parts of a conversation were before a fix added, dropped or joined some of them.

An error names a part by its place in the body that was sent, which may differ from its place in the
client's. Places are worked out only for an error: the fixes are applied again, to parts that are
marked with their places.
"""

import re
from typing import Any

from gateway.exchange.params.known_fixes import Fixes
from gateway.resolve.refusals.fixed_bodies import apply_fixes
from gateway.shapes import Json

_PART = re.compile(r"(messages|input)\[([0-9]{1,6})\](?:\.content\[([0-9]{1,6})\])?(.*)", re.DOTALL)
_PLACE = "\0place"
"""A field that no client can have, with the place where an object was."""

_Place = tuple[int, int | None]
"""The index of a message or item, and that of a part of its content."""


def before_fixing(body: Json, fixes: Fixes, path: str) -> str:
    """Return the path in `body` of the part that has `path` once the fixes are applied.

    `path` has brackets. For a part that only a fix has added, the path of the list is returned.
    """
    found = _PART.fullmatch(path)
    given = body.get(found[1]) if found is not None else None
    if found is None or not isinstance(given, list):
        return path
    marked = [_marked(each, (at, None)) for at, each in enumerate(given)]
    fixed = apply_fixes({**body, found[1]: marked}, fixes).get(found[1])
    outer, inner = int(found[2]), found[3]
    if not isinstance(fixed, list) or outer >= len(fixed):
        return path
    place, rest = _place_of(fixed[outer]), found[4]
    if inner is not None:
        part = _place_of(_at(fixed[outer], int(inner)))
        place, rest = part or place, rest if part or place is None else f".content{rest}"
    if place is None:
        return found[1]
    at, within = place
    return f"{found[1]}[{at}]" + ("" if within is None else f".content[{within}]") + rest


def _marked(value: Any, place: _Place) -> Any:
    """Return a message, an item or a part of one, marked with its place."""
    if not isinstance(value, dict):
        return value
    marked = {**value, _PLACE: place}
    content = value.get("content")
    if isinstance(content, list) and place[1] is None:
        marked["content"] = [_marked(each, (place[0], at)) for at, each in enumerate(content)]
    return marked


def _place_of(value: Any) -> _Place | None:
    """Return where an object was, or else where the first of its marked parts was."""
    if not isinstance(value, dict):
        return None
    place: _Place | None = value.get(_PLACE)
    if place is None and isinstance(value.get("content"), list):
        inner = next(filter(None, map(_place_of, value["content"])), None)
        return None if inner is None else (inner[0], None)
    return place


def _at(message: Any, index: int) -> Any:
    content = message.get("content") if isinstance(message, dict) else None
    return content[index] if isinstance(content, list) and index < len(content) else None
