import asyncio

import pytest

from gateway.upstream.transport.deadline import WithDeadline
from tests.loop_clock import LoopClock

pytestmark = pytest.mark.anyio


class Waiting(WithDeadline):
    def __init__(self) -> None:
        super().__init__()
        self.passed: list[float] = []

    def deadline_passed(self) -> None:
        assert self.deadline is None
        self.passed.append(self.loop.time())


async def looked(clock: LoopClock, seconds: float) -> None:
    clock.advance(seconds)
    await asyncio.sleep(0)


async def test_a_deadline_passes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = LoopClock(monkeypatch)
    waiting = Waiting()
    begun = waiting.loop.time()
    waiting.set_deadline(begun + 10.0)
    await looked(clock, 9.0)
    assert waiting.passed == []
    await looked(clock, 1.0)
    await looked(clock, 10.0)
    assert waiting.passed == [begun + 10.0]


async def test_an_assignment_moves_it_to_later_or_lifts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = LoopClock(monkeypatch)
    waiting = Waiting()
    begun = waiting.loop.time()
    waiting.set_deadline(begun + 10.0)
    waiting.deadline = begun + 15.0
    await looked(clock, 10.0)
    assert waiting.passed == []
    await looked(clock, 5.0)
    assert waiting.passed == [begun + 15.0]
    waiting.set_deadline(begun + 20.0)
    waiting.deadline = None
    await looked(clock, 5.0)
    assert len(waiting.passed) == 1


async def test_it_can_be_moved_to_earlier(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = LoopClock(monkeypatch)
    waiting = Waiting()
    begun = waiting.loop.time()
    waiting.set_deadline(begun + 10.0)
    waiting.set_deadline(begun + 5.0)
    await looked(clock, 5.0)
    assert waiting.passed == [begun + 5.0]


async def test_after_its_end_no_deadline_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = LoopClock(monkeypatch)
    waiting = Waiting()
    waiting.set_deadline(waiting.loop.time() + 1.0)
    waiting.stop_timer()
    assert waiting.deadline is None
    waiting.set_deadline(waiting.loop.time() + 1.0)
    await looked(clock, 2.0)
    assert waiting.passed == []
