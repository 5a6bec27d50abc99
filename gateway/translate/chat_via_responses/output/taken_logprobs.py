"""Tracks which logprobs of a text have come, and which of the whole text are new.

Servers send them in the deltas of a text, in an event with the whole text, or in both.
"""

from collections import defaultdict
from collections.abc import Hashable
from typing import Generic, TypeVar

_Place = TypeVar("_Place", bound=Hashable)


class TakenLogprobs(Generic[_Place]):
    """The tokens whose logprobs have been taken, by the place of their text."""

    def __init__(self) -> None:
        self._tokens = defaultdict[_Place, list[object]](list)

    def has(self, place: _Place) -> bool:
        """Whether entries of the text at this place have been taken."""
        return place in self._tokens

    def add(self, place: _Place, entries: object) -> None:
        """Note entries that are taken; a value other than a list counts as none."""
        if isinstance(entries, list):
            self._tokens[place] += map(_token, entries)

    def beyond(self, place: _Place, entries: object) -> object:
        """Return the new entries of a whole text; None if it begins with other tokens."""
        taken = self._tokens.get(place)
        if taken is None or not isinstance(entries, list):
            return entries
        is_continued = list(map(_token, entries[: len(taken)])) == taken
        return entries[len(taken) :] if is_continued else None


def _token(entry: object) -> object:
    return entry.get("token") if isinstance(entry, dict) else entry
