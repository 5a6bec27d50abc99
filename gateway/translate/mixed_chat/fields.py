"""Fields of Anthropic's blocks and tools in a chat request: what is kept, and what has no place."""

from collections.abc import Collection
from typing import Final

from gateway.shapes import Json

MARK: Final = "cache_control"
"""Stands in chat's parts, calls, tools and messages, too, as relays to Claude read it."""


def beside(holder: Json) -> Json:
    """Return the fields of a block or a tool that stay beside what it becomes."""
    return {MARK: holder[MARK]} if holder.get(MARK) is not None else {}


def without_place(holder: Json, kept: Collection[str], path: str) -> list[str]:
    """Return the client's paths of the fields of a block or a tool that say more than is kept."""
    return [
        f"{path}.{name}"
        for name, value in holder.items()
        if name not in kept and value is not None and value is not False
    ]
