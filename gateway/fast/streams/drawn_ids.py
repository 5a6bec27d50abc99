"""Gives two translations of one request the same new ids.

Events of responses repeat the ids that their stream has drawn. A generic translation that takes
over from a common stream is fed the events so far once more, and has to draw the same ids for them.
"""

from collections.abc import Callable
from itertools import count


class DrawnIds:
    """Draws ids in a row, once: each translation that begins at the first gets the same ones."""

    __slots__ = ("_drawn", "_new_id")

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._drawn: list[str] = []

    def from_the_first(self) -> Callable[[], str]:
        """Return a function that draws the ids from the first one on."""
        places = count()

        def draw() -> str:
            place = next(places)
            if place == len(self._drawn):
                self._drawn.append(self._new_id())
            return self._drawn[place]

        return draw
