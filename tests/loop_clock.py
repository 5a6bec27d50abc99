"""The time of the event loop that runs, in the hand of a test: what is due happens at its word."""

import asyncio
from collections.abc import Callable

import pytest


class LoopClock:
    """The loop's time and timers. It stands: nothing is due because a machine is busy."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        self.now = loop.time()
        self._timers: list[asyncio.TimerHandle] = []
        monkeypatch.setattr(loop, "time", lambda: self.now)
        monkeypatch.setattr(loop, "call_at", self._call_at)
        self._loop = loop

    def _call_at(self, when: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        self._timers.append(asyncio.TimerHandle(when, callback, (), self._loop))
        return self._timers[-1]

    def advance(self, seconds: float) -> None:
        """Let time pass, and do what is due then."""
        self.now += seconds
        due = [timer for timer in self._timers if timer.when() <= self.now]
        self._timers = [timer for timer in self._timers if timer.when() > self.now]
        for timer in due:
            if not timer.cancelled():
                timer._run()
