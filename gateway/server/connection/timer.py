"""One timer for the lifetime of a connection: moving its deadline is just an assignment."""

import asyncio
from collections.abc import Callable
from math import inf

LONGEST_SLEEP = 60.0
"""Seconds after which a timer wakes up even if nothing is due."""


class Timer:
    """Calls `expired` once `at` (loop time) has passed; `inf` means never.

    A handle is scheduled until `close()`, so a deadline that was assigned without `set` is late by
    `LONGEST_SLEEP` at most. A deadline that moves away is not rescheduled; the existing handle
    checks it when it fires.
    """

    __slots__ = ("_expired", "_handle", "_loop", "_wakes_at", "at")

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[], None]) -> None:
        self._loop = loop
        self._expired = expired
        self._wakes_at = inf
        self._handle: asyncio.TimerHandle | None = None
        self.at = inf
        self._sleep_until(loop.time() + LONGEST_SLEEP)

    def set(self, at: float) -> None:
        """Set or move the deadline."""
        self.at = at
        if at < self._wakes_at and self._handle is not None:
            self._handle.cancel()
            self._sleep_until(at)

    def close(self) -> None:
        """Cancel it for good."""
        self._expired = lambda: None  # its owner refers to this timer: the two would be a cycle
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _sleep_until(self, when: float) -> None:
        self._wakes_at = when
        self._handle = self._loop.call_at(when, self._wake)

    def _wake(self) -> None:
        now = self._loop.time()
        self._sleep_until(now + LONGEST_SLEEP)
        if now >= self.at:
            self.at = inf
            self._expired()
        elif self.at < self._wakes_at:
            self.set(self.at)
