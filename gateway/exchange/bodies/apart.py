"""Work on large bodies, done beside the event loop.

One thread does this work. It holds Python's lock only for a moment at a time (`process.py` sets how
long), so that streams keep their pace. A call of a decoder or an encoder cannot be interrupted, so
it gets a piece at a time of a very large body. The garbage collector cannot be interrupted either,
but goes on meanwhile: if it were stopped until the work is done, it would then look at all of a
body's objects at once, for up to 25 ms. One body at a time is worked on. The others wait undecoded,
which bounds the memory.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from gateway.errors import GatewayError
from gateway.exchange.bodies.body_pieces import HUGE_BYTES, free_in_pieces
from gateway.shapes import Json

LARGE_BYTES = 256 * 1024
"""From this size on a body is large: translating it takes 2 ms and more."""

_LONG_LIST = 100
_NICENESS = 5
"""With this niceness the event loop goes first if it shares a processor with the thread. A higher
one would hold the loop up if other programs share it, too: the loop waits for the thread's
pieces."""

_Result = TypeVar("_Result")


class Apart:
    """Does long work in a thread of its own, one piece at a time.

    A cancelled task leaves nothing behind: its work is not begun, or its result is thrown away.
    """

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """Return what the work returns, and raise what it raises."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "large-bodies", _lower_priority)
        loop = asyncio.get_running_loop()
        outcome = await loop.run_in_executor(self._thread, _done, work)
        if isinstance(outcome, _Failed):
            raise outcome.error
        return outcome

    async def run_large(self, size: int, work: Callable[[], _Result]) -> _Result:
        """Do the work here if it is about few bytes, else as `run` does."""
        return work() if size < LARGE_BYTES else await self.run(work)

    def free(self, items: list[object], *, deep: bool) -> None:
        """Let go of items, a few at a time; see `free_in_pieces`."""
        if self._thread is not None:
            # Without a loop there is nothing to hold up.
            with suppress(RuntimeError):
                self._thread.submit(free_in_pieces, items, deep=deep)


class Held:
    """Keeps the items of a request's long lists until the rest of the request has been freed.

    Freeing them at once would hold up the event loop, for 3 to 7 ms if a body has 3 MB. If the
    request's `size`, in bytes, is huge, all its values are kept: each may take as long by itself.
    """

    __slots__ = ("_apart", "_is_huge", "_items")

    def __init__(self, apart: Apart, bodies: Iterable[Json], size: int) -> None:
        self._apart = apart
        self._is_huge = size >= HUGE_BYTES
        self._items: list[object] = []
        self.keep(bodies)

    def keep(self, bodies: Iterable[Json]) -> None:
        """Keep the items of more bodies, too."""
        for body in bodies:
            if self._is_huge:
                self._items += body.values()
            else:
                for value in body.values():
                    if isinstance(value, list) and len(value) > _LONG_LIST:
                        self._items += value

    def __del__(self) -> None:
        if self._items:
            self._apart.free(self._items, deep=self._is_huge)


def _lower_priority() -> None:
    """Lower the priority of this thread; only Linux has a niceness per thread."""
    if sys.platform == "linux":
        with suppress(OSError):  # not where that is forbidden
            own = os.getpriority(os.PRIO_PROCESS, 0)
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), own + _NICENESS)


class _Failed:
    """What went wrong, without the frames that would keep the body alive."""

    def __init__(self, error: GatewayError) -> None:
        self.error = error


def _done(work: Callable[[], _Result]) -> _Result | _Failed:
    try:
        return work()
    except GatewayError as error:
        return _Failed(error.bare())
