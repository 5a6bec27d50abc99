"""Clients that cannot be distinguished: two with the same name, or with the same key."""

from collections.abc import Iterator
from typing import Any

from gateway.config.checks.problems import KeyPath, Problem, show_path
from gateway.config.reading.layers import Layers


def duplicates(layers: Layers) -> Iterator[tuple[KeyPath, Problem]]:
    """Yield a problem for each name and each key that an earlier client has, with its place.

    The data need not be valid otherwise, so that all problems are found at once.
    """
    clients = layers.data.get("clients")
    entries = clients if isinstance(clients, list) else []
    for key in ("name", "key_sha256"):
        seen: dict[str, int] = {}
        for number, entry in enumerate(entries):
            for value in _values(entry, key):
                earlier = seen.setdefault(value, number)
                if earlier != number:
                    path = ("clients", number, key)
                    yield path, _problem(layers, path, ("clients", earlier, key))


def _values(entry: Any, key: str) -> list[str]:
    written = entry.get(key) if isinstance(entry, dict) else None
    values = written if isinstance(written, list) else [written]
    texts = [value for value in values if isinstance(value, str)]
    return [text.lower() for text in texts] if key == "key_sha256" else texts


def _problem(layers: Layers, path: KeyPath, earlier: KeyPath) -> Problem:
    where = f"{show_path(earlier)} ({layers.origin(earlier)})"
    return layers.problem(path, f"is the same as {where}", "make the two clients differ")
