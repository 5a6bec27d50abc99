"""What is made when it is first needed: it takes memory that most gateways do not need."""

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

log = logging.getLogger("gateway")

LOADING = threading.RLock()
"""Held by the thread that loads a part, and any other that this needs.

Where two threads import modules of one package in another order, Python breaks the deadlock: one of
them gets a module that is not complete, and fails.
"""

_HEAD_START = 0.1
"""Seconds in which what asks for something, and does without, is undisturbed by the work on it."""

Made = TypeVar("Made")


class Lazy(Generic[Made]):
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
            self._made = await asyncio.to_thread(self._alone)
        return self._made

    def _alone(self) -> Made:
        with LOADING:
            return self._make()


class LazyInBackground(Generic[Made]):
    """What `make` returns, for those that can do without until it is there.

    `ask` has it made in a thread, and does not wait. Where `make` raises, the log has it, and it is
    tried again at the first `ask` after `pause` seconds. Safe to use from any thread.
    """

    def __init__(self, make: Callable[[], Made], pause: float = 60) -> None:
        self.made: Made | None = None
        """None until it is there."""
        self._make = make
        self._pause = pause
        self._not_before = 0.0
        """When to begin, in the time of `time.monotonic`."""
        self._lock = threading.Lock()

    def ask(self) -> None:
        """Have it made, unless it is made or about to be."""
        with self._lock:
            if time.monotonic() < self._not_before:
                return
            self._not_before = math.inf
        try:
            threading.Thread(target=self._try, name="lazy", daemon=True).start()
        except RuntimeError:
            self._failed("no thread can be started for it")

    def now(self) -> None:
        """Make it in this thread."""
        self.made = self._make()

    def _try(self) -> None:
        time.sleep(_HEAD_START)
        try:
            self.now()
        except Exception as error:
            self._failed(f"{type(error).__name__}: {error}")
            log.debug("the traceback", exc_info=True)

    def _failed(self, why: str) -> None:
        log.warning("a part of the gateway could not be loaded, and is not used: %s", why)
        self._not_before = time.monotonic() + self._pause
