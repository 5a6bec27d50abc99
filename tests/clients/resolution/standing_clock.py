"""A clock that stands still until a test lets time pass, and a gateway that lives by it.

So a test can say *who waits*: while the clock stands, a request that waits for a deadline gets no
answer, and one that is answered has waited for none. All times are the gateway's defaults, and
nothing is timed.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from types import SimpleNamespace

import pytest

from gateway.config.settings import Settings
from tests.clients.running import RunningGateway, running_gateway
from tests.waiting import PATIENCE

_STEPS = 30
"""Time passes in steps of a second, but in no more than so many."""
_TURNS = 5
"""Turns of the loop after each step: what was due has its consequences."""


class StandingClock:
    """Seconds; they pass as everywhere until `stand()`, from then on by `advance()` only."""

    def __init__(self) -> None:
        self._stands_at: float | None = None
        self._ahead = 0.0
        self._loop = _Loop(self)

    def __call__(self) -> float:
        """Return the time."""
        return time.monotonic() + self._ahead if self._stands_at is None else self._stands_at

    def new_loop(self) -> asyncio.AbstractEventLoop:
        """Return the event loop whose time is this clock's."""
        return self._loop

    def stand(self) -> None:
        self._stands_at = self()

    def advance(self, seconds: float) -> None:
        """Let time pass at once; what is due on the way happens in its order."""
        asyncio.run_coroutine_threadsafe(self._advance(seconds), self._loop).result(PATIENCE)

    async def _advance(self, seconds: float) -> None:
        assert self._stands_at is not None
        begun, steps = self._stands_at, min(ceil(seconds), _STEPS)
        for step in range(steps):
            self._stands_at = begun + seconds * (step + 1) / steps
            for _ in range(_TURNS):
                await asyncio.sleep(0)

    def go_on(self) -> None:
        self._ahead, self._stands_at = self() - time.monotonic(), None
        self._loop.call_soon_threadsafe(lambda: None)  # wakes it


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, clock: "StandingClock") -> None:
        super().__init__()
        self._clock = clock

    def time(self) -> float:
        return self._clock()


@contextmanager
def gateway_by_the_clock(settings: Settings) -> Iterator[tuple[RunningGateway, StandingClock]]:
    """Run a gateway whose deadlines and ages are by one clock, which stands."""
    clock = StandingClock()
    with pytest.MonkeyPatch.context() as patch:
        # The composition root hands the clock to everything that has one.
        patch.setattr("gateway.app.time", SimpleNamespace(monotonic=clock, time=time.time))
        with running_gateway(settings, clock.new_loop) as gateway:
            clock.stand()
            try:
                yield gateway, clock
            finally:
                clock.go_on()  # the servers' own end needs time
