"""A clock that stands still until a test lets time pass, and a gateway that lives by it.

So a test can say *who waits*: while the clock stands, a request that waits for a deadline gets no
answer, and one that is answered has waited for none. All times are the gateway's defaults, and
nothing is timed.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from gateway.config.settings import Settings
from tests.clients.running import RunningGateway, running_gateway


class StandingClock:
    """Seconds; they pass as everywhere until `stand()`, from then on by `advance()` only."""

    def __init__(self) -> None:
        self._stands_at: float | None = None
        self._ahead = 0.0
        self._loops: list[asyncio.AbstractEventLoop] = []

    def __call__(self) -> float:
        """Return the time."""
        return time.monotonic() + self._ahead if self._stands_at is None else self._stands_at

    def new_loop(self) -> asyncio.AbstractEventLoop:
        """Return an event loop whose time is this clock's."""
        loop = _Loop(self)
        self._loops.append(loop)
        return loop

    def stand(self) -> None:
        self._stands_at = self()

    def advance(self, seconds: float) -> None:
        """Let time pass at once; what is due happens."""
        assert self._stands_at is not None
        self._stands_at += seconds
        self._wake()

    def go_on(self) -> None:
        self._ahead, self._stands_at = self() - time.monotonic(), None
        self._wake()

    def _wake(self) -> None:
        for loop in self._loops:
            loop.call_soon_threadsafe(lambda: None)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, clock: StandingClock) -> None:
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
