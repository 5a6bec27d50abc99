"""Reads decoded JSON of any form: unexpected values count as absent, and nothing raises."""

import json
from collections.abc import Iterator
from typing import TypeGuard

from gateway.envelopes.long_json import LongList
from gateway.envelopes.slices import ENTRIES
from gateway.shapes import Json

MAX_ENTRIES = 20_000
"""How many entries of a list are read; the rest is ignored."""


def is_list(value: object) -> TypeGuard[list[object] | LongList]:
    """Whether a value is a list, or a `LongList`."""
    return isinstance(value, list | LongList)


def batches(items: object) -> Iterator[list[Json]]:
    """Yield the objects among the first `MAX_ENTRIES` items of a list, in batches of one slice.

    Raises `NOT_JSON` where a long list is malformed.
    """
    for batch in _batches(items):
        yield [item for item in batch if isinstance(item, dict)]


def objects(items: object) -> Iterator[Json]:
    """Yield the objects of a list one by one, like `batches`."""
    for batch in batches(items):
        yield from batch


def last_object(items: list[object] | LongList) -> Json | None:
    """Return the last item of a list, if it is an object."""
    tail = items.last() if isinstance(items, LongList) else items
    return tail[-1] if tail and isinstance(tail[-1], dict) else None


def child(parent: Json, key: str) -> Json:
    """Return an object in an object; empty if it is absent."""
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def text(parent: Json, key: str) -> str | None:
    """Return a field that is a string and not empty."""
    value = parent.get(key)
    return value if isinstance(value, str) and value else None


def strings(parent: Json, key: str) -> list[str]:
    """Return the strings among the first `MAX_ENTRIES` items of a list."""
    return [item for batch in _batches(parent.get(key)) for item in batch if isinstance(item, str)]


def count(parent: Json, key: str) -> int | None:
    """Return a field that is a positive whole number."""
    value = parent.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    return None


def quoted(value: str | bool | list[str]) -> str:
    """Return a value as quoted in explanations: JSON on one line, shortened."""
    short = [item[:40] for item in value[:10]] if isinstance(value, list) else value
    quoted = json.dumps(short[:100] if isinstance(short, str) else short)
    return quoted if len(quoted) <= 120 else f"{quoted[:117]}..."


def _batches(items: object) -> Iterator[list[object]]:
    if not is_list(items):
        return
    left = MAX_ENTRIES
    for part in items.parts() if isinstance(items, LongList) else (items,):
        for begin in range(0, min(len(part), left), ENTRIES):
            yield part[begin : min(begin + ENTRIES, left)]
        left -= len(part)
        if left <= 0:
            return
