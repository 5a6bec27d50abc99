"""One of a kind for each event loop."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

Made = TypeVar("Made")


class PerLoop(Generic[Made]):
    """What `make` returns, once for each event loop, and for as long as that lives.

    It must not refer to its loop: neither would ever be freed.
    """

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self._made: WeakKeyDictionary[asyncio.AbstractEventLoop, Made] = WeakKeyDictionary()

    def of(self, loop: asyncio.AbstractEventLoop) -> Made:
        """Return that of a loop."""
        made = self._made.get(loop)
        if made is None:
            made = self._made[loop] = self._make()
        return made

    def __len__(self) -> int:
        """Return for how many loops there is one."""
        return len(self._made)
