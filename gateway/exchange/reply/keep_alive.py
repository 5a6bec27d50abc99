"""Timers for keep-alive comments in silent streams."""

import asyncio
from collections.abc import Callable


class KeepAlive:
    """Calls for a comment whenever nothing was sent for an interval (seconds)."""

    __slots__ = ("_comment", "_interval", "_loop", "_timer", "quiet_since")

    def __init__(self, interval: float, comment: Callable[[], object]) -> None:
        self._interval = interval
        self._comment = comment
        self._loop = asyncio.get_running_loop()
        self.quiet_since = self._loop.time()
        """When something was sent last, in loop time."""
        self._timer = self._loop.call_at(self.quiet_since + interval, self._look)

    def note(self) -> None:
        """Note that something is sent."""
        self.quiet_since = self._loop.time()

    def stop(self) -> None:
        """Call for no more comments."""
        self._timer.cancel()

    def _look(self) -> None:
        if self._loop.time() >= self.quiet_since + self._interval:
            self.note()
            self._comment()
        self._timer = self._loop.call_at(self.quiet_since + self._interval, self._look)
