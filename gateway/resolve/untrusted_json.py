"""Reading decoded JSON of any shape: what is not as expected is absent, and nothing raises."""

import json
from collections.abc import Iterator

from gateway.resolve.model_ids import is_plausible
from gateway.shapes import Json

MAX_ENTRIES = 20_000
"""How many entries of a list are read; a longer one is read in part."""


def objects(items: object) -> Iterator[Json]:
    """Yield the objects of a list, of its first `MAX_ENTRIES` items."""
    if isinstance(items, list):
        yield from (item for item in items[:MAX_ENTRIES] if isinstance(item, dict))


def child(parent: Json, key: str) -> Json:
    """Return an object's object; empty when there is none."""
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def text(parent: Json, key: str) -> str | None:
    """Return a string that is not empty."""
    value = parent.get(key)
    return value if isinstance(value, str) and value else None


def model_name(parent: Json, *keys: str) -> str | None:
    """Return the first of these keys' strings that can be a model id."""
    for key in keys:
        if (name := text(parent, key)) and is_plausible(name):
            return name
    return None


def strings(parent: Json, key: str) -> list[str]:
    """Return the strings of a list, of its first `MAX_ENTRIES` items."""
    value = parent.get(key)
    items = value[:MAX_ENTRIES] if isinstance(value, list) else []
    return [item for item in items if isinstance(item, str)]


def count(parent: Json, key: str) -> int | None:
    """Return a positive whole number."""
    value = parent.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    return None


def shown(value: str | bool | list[str]) -> str:
    """Return a value as an explanation quotes it: as JSON spells it, on one line, short."""
    short = [item[:40] for item in value[:10]] if isinstance(value, list) else value
    quoted = json.dumps(short[:100] if isinstance(short, str) else short)
    return quoted if len(quoted) <= 120 else f"{quoted[:117]}..."
