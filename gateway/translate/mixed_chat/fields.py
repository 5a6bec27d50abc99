"""The fields of Anthropic's blocks and tools in a chat request that are kept, or have no place."""

from collections.abc import Collection
from typing import Final

from gateway.shapes import Json

MARK: Final = "cache_control"
"""Kept in chat's parts, calls, tools and messages, too, where relays to Claude read it."""


def beside(holder: Json) -> Json:
    """Return the fields of a block or a tool that stay, whatever it becomes."""
    return {MARK: holder[MARK]} if holder.get(MARK) is not None else {}


def without_place(holder: Json, kept: Collection[str], path: str) -> list[str]:
    """Return the client's paths of fields of a block or a tool with content but without a place."""
    return [
        f"{path}.{name}"
        for name, value in holder.items()
        if name not in kept and value is not None and value is not False
    ]
