"""Which logprobs of a text have come, and what those of the whole text add.

Servers have them in the deltas of a text, in an event with the whole text, or in both.
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
        """Whether entries have been taken there."""
        return place in self._tokens

    def add(self, place: _Place, entries: object) -> None:
        """Note entries that are taken; others than a list are none."""
        if isinstance(entries, list):
            self._tokens[place] += map(_token, entries)

    def beyond(self, place: _Place, entries: object) -> object:
        """Return what the entries of a whole text add; None if they begin with other tokens."""
        taken = self._tokens.get(place)
        if taken is None or not isinstance(entries, list):
            return entries
        is_continued = list(map(_token, entries[: len(taken)])) == taken
        return entries[len(taken) :] if is_continued else None


def _token(entry: object) -> object:
    return entry.get("token") if isinstance(entry, dict) else entry
