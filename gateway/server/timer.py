"""One timer for the life of a connection: moving its deadline costs an assignment."""

import asyncio
from collections.abc import Callable
from math import inf

LONGEST_SLEEP = 60.0
"""Seconds after which a timer looks again even where nothing is due."""


class Timer:
    """Calls `expired` once `at` (loop time) has passed; `inf`: nothing is due.

    A handle is always scheduled, until `close()`: whoever forgets to set a deadline is late by
    `LONGEST_SLEEP` at most, and never for ever. A deadline that moves away is not rescheduled;
    the handle that is already there looks at it when it fires.
    """

    __slots__ = ("_expired", "_handle", "_loop", "_wakes_at", "at")

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[], None]) -> None:
        self._loop = loop
        self._expired = expired
        self._wakes_at = inf
        self._handle: asyncio.TimerHandle | None = None
        self.at = inf
        self._sleep_until(loop.time() + LONGEST_SLEEP)

    def is_scheduled(self) -> bool:
        """Whether a handle is scheduled: until `close()` there always is one."""
        return self._handle is not None

    def set(self, at: float) -> None:
        """Set or move the deadline."""
        self.at = at
        if at < self._wakes_at and self._handle is not None:
            self._handle.cancel()
            self._sleep_until(at)

    def close(self) -> None:
        """Stop for good."""
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
