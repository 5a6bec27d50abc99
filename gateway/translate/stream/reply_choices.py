"""Which of the choices that were asked for the choices of a reply are, whole or in a stream.

Servers count them as they like: from 1, as strings, all as 0, or not at all.
"""

from collections.abc import Mapping
from typing import Any, Final

from gateway.errors import UpstreamError
from gateway.shapes import Json

_DIGITS: Final = 10
"""An index written as a string has fewer digits."""


def choices_of(reply: Mapping[str, Any]) -> list[Json]:
    """Return the choices of a reply, or of an event of one, without those that are null.

    Raises `UpstreamError` where they are no list of objects.
    """
    given = reply.get("choices")
    if given is None:
        return []
    if not isinstance(given, list):
        raise _malformed("'choices' is not a list")
    choices = [choice for choice in given if choice is not None]
    for choice in choices:
        if not isinstance(choice, dict):
            raise _malformed("a choice is not an object")
    return choices


def in_order(choices: list[Json]) -> list[Json]:
    """Return the choices of a whole reply in their order, each with its place as its index.

    That is the order of the list, unless their indexes are the numbers from 0 on.
    """
    indexes = [index_in(choice) for choice in choices]
    by_index = dict(zip(indexes, choices, strict=True))
    if by_index.keys() == set(range(len(choices))):
        choices = [by_index[place] for place in range(len(choices))]
    return [{**choice, "index": place} for place, choice in enumerate(choices)]


def index_in(numbered: Json) -> int | None:
    """Return the index that a choice or a call has; None: it has none."""
    value = numbered.get("index")
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < _DIGITS:
        return int(value)
    return value if type(value) is int else None


def delta_of(choice: Json) -> Json:
    """Return the delta of a choice of a chat stream, an absent one as empty.

    Raises `UpstreamError` for what is none, and for text that is not where chat has it.
    """
    delta = choice.get("delta")
    if delta is None:
        for name in ("text", "message"):
            if choice.get(name):
                raise _malformed(f"a choice has a '{name}' in place of a 'delta'")
        return {}
    if not isinstance(delta, dict):
        raise _malformed("a 'delta' is not an object")
    return delta


class ChoicePlaces:
    """Says of the choices of a stream which they are of those that were asked for."""

    __slots__ = ("_asked", "_first")

    def __init__(self, asked: int) -> None:
        self._asked = asked
        self._first: int | None = None

    def place(self, choice: Json) -> int | None:
        """Return the place of a choice; None: it was not asked for.

        Where one was asked for, the first that comes is it, whatever its index.
        """
        index = index_in(choice)
        if index is None:
            return 0
        if self._asked > 1:
            return index if 0 <= index < self._asked else None
        if self._first is None:
            self._first = index
        return 0 if index == self._first else None


def _malformed(what: str) -> UpstreamError:
    return UpstreamError(f"The upstream's reply cannot be used: {what}.")
