"""Ids that two translations of one request draw alike.

Events of responses repeat the ids that their stream has drawn. A generic translation that takes
over from a common stream is fed the events so far once more: it has to draw the same ids for them.
"""

from collections.abc import Callable
from itertools import count


class DrawnIds:
    """Draws each id once: a translation that comes to a place later gets the id that is there."""

    __slots__ = ("_drawn", "_new_id")

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._drawn: list[str] = []

    def from_the_first(self) -> Callable[[], str]:
        """Return what draws all ids, from the first one on."""
        places = count()

        def draw() -> str:
            place = next(places)
            if place == len(self._drawn):
                self._drawn.append(self._new_id())
            return self._drawn[place]

        return draw
