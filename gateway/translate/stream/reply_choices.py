"""Which requested choice each choice of a reply is, in a whole reply or in a stream.

Servers number them from 0, from 1, as strings, all as 0, or not at all.
"""

from collections.abc import Mapping
from typing import Any, Final

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.parts.finish_reasons import ending_word

_DIGITS: Final = 10
"""An index that is written as a string has fewer digits than this."""


def choices_of(reply: Mapping[str, Any]) -> list[Json]:
    """Return the choices of a reply, or of an event of one, without those that are null.

    Raises `UpstreamError` unless they are a list of objects.
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
    """Return the choices of a whole reply in order, each with its place as its index.

    The order is that of the list, unless the indexes are exactly the numbers from 0 on.
    """
    indexes = [index_in(choice) for choice in choices]
    by_index = dict(zip(indexes, choices, strict=True))
    if by_index.keys() == set(range(len(choices))):
        choices = [by_index[place] for place in range(len(choices))]
    return [{**choice, "index": place} for place, choice in enumerate(choices)]


def index_in(numbered: Json) -> int | None:
    """Return the index of a choice or a call, if it has one."""
    value = numbered.get("index")
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < _DIGITS:
        return int(value)
    return value if type(value) is int else None


def delta_of(choice: Json) -> Json:
    """Return the delta of a choice of a chat stream; an absent one is empty.

    So is an empty list, as which programs in PHP write it. Raises `UpstreamError` for an invalid
    delta, and for text outside of a delta.
    """
    delta = choice.get("delta")
    if isinstance(delta, dict):
        return delta
    if delta:
        raise _malformed("a 'delta' is not an object")
    for name in ("text", "message"):
        if choice.get(name):
            raise _malformed(f"a choice has a '{name}' in place of a 'delta'")
    return {}


def message_of(choice: Json) -> Json | None:
    """Return the message of a choice of a whole chat reply, if it has one.

    Some servers and relays answer with a chunk that has the whole message in its `delta`.
    """
    message, delta = choice.get("message"), choice.get("delta")
    if isinstance(message, dict):
        return message
    return delta if isinstance(delta, dict) and delta else None


class ChoicePlaces:
    """Finds which requested choice each choice of a stream is."""

    __slots__ = ("_expected", "_first")

    def __init__(self, expected: int) -> None:
        self._expected = expected
        self._first: int | None = None

    def place(self, choice: Json) -> int | None:
        """Return the place of a choice among the requested ones; None: it was not requested.

        If one choice was requested, the first to come counts, whatever its index.
        """
        index = index_in(choice)
        if index is None:
            return 0
        if self._expected > 1:
            return index if 0 <= index < self._expected else None
        if self._first is None:
            self._first = index
        return 0 if index == self._first else None


class ChoiceEnds:
    """Which choices of a stream that is passed on have begun, and which have ended."""

    __slots__ = ("_begun", "_ended")

    def __init__(self) -> None:
        self._begun: set[int] = set()
        self._ended: set[int] = set()

    def take(self, event: Mapping[str, Any]) -> None:
        """Take an event; anything in it that is not a choice is ignored."""
        choices = event.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict):
                goes_on = ending_word(choice) is None
                (self._begun if goes_on else self._ended).add(max(index_in(choice) or 0, 0))

    @property
    def has_any(self) -> bool:
        """Whether a choice has ended."""
        return bool(self._ended)

    @property
    def are_all(self) -> bool:
        """Whether all choices that have begun have ended."""
        return self._begun <= self._ended


def _malformed(what: str) -> UpstreamError:
    return UpstreamError(f"The upstream's reply cannot be used: {what}.")
