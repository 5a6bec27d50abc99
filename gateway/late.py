"""What is made when it is first needed: what makes it takes memory that most have no use for."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Late(Generic[Made]):
    """What `make` returns at the first `get`. It is called in a thread: the event loop goes on.

    What needs it at the same time waits for the same one. Where `make` raises, `get` does, and the
    next one tries again.
    """

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self._made: Made | None = None
        self._making = asyncio.Lock()

    async def get(self) -> Made:
        """Return it, made if it is not yet."""
        if self._made is not None:
            return self._made
        async with self._making:
            return await self._first()

    async def _first(self) -> Made:
        if self._made is None:
            self._made = await asyncio.to_thread(self._make)
        return self._made
