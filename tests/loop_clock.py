"""The time of the event loop that runs, in the hand of a test: what is due happens at its word."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any

import pytest


class _Timer(asyncio.Handle):
    """What is due at a time: the clock knows it, and no loop that would be told of its end."""

    def __init__(
        self,
        when: float,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        loop: asyncio.AbstractEventLoop,
        context: Context | None,
    ) -> None:
        super().__init__(callback, args, loop, context)
        self._when = when

    def when(self) -> float:
        return self._when


class LoopClock:
    """The loop's time and timers. It stands: nothing is due because a machine is busy."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        self.now = loop.time()
        self._timers: list[_Timer] = []
        monkeypatch.setattr(loop, "time", lambda: self.now)
        monkeypatch.setattr(loop, "call_at", self._call_at)
        monkeypatch.setattr(loop, "call_later", self._call_later)
        self._loop = loop

    def _call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> _Timer:
        self._timers.append(_Timer(when, callback, args, self._loop, context))
        return self._timers[-1]

    def _call_later(
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> _Timer:
        return self._call_at(self.now + delay, callback, *args, context=context)

    def advance(self, seconds: float) -> None:
        """Let time pass, and do what is due then."""
        self.now += seconds
        due = [timer for timer in self._timers if timer.when() <= self.now]
        self._timers = [timer for timer in self._timers if timer.when() > self.now]
        for timer in due:
            if not timer.cancelled():
                timer._run()
