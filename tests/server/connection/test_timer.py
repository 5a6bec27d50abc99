"""A connection's timer: deadlines that move cost nothing, and none is forgotten."""

import asyncio
from math import inf
from typing import Any, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.server.connection import timer as timers
from gateway.server.connection.timer import LONGEST_SLEEP, Timer
from tests.waiting import PATIENCE


class ManualLoop(asyncio.SelectorEventLoop):
    """A loop whose time passes when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.scheduled = 0

    def time(self) -> float:
        return self.now

    def call_at(self, *arguments: Any, **more: Any) -> asyncio.TimerHandle:  # type: ignore[override]
        self.scheduled += 1
        return super().call_at(*arguments, **more)

    def advance(self, seconds: float) -> None:
        """Let time pass, and what is due happen."""
        self.now += seconds
        for _ in range(3):
            self.call_soon(self.stop)
            self.run_forever()


def is_scheduled(timer: Timer) -> bool:
    """Whether a handle is scheduled: until `close()` there always is one."""
    return timer._handle is not None


class Stage:
    """A timer, and when it expired (seconds after the start)."""

    def __init__(self) -> None:
        self.loop = ManualLoop()
        self.expired: list[float] = []
        self.timer = Timer(self.loop, lambda: self.expired.append(self.loop.now - 1000))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.timer.close()
        self.loop.close()

    def set(self, seconds: float) -> None:
        self.timer.set(self.loop.now + seconds)


def test_a_deadline_expires_once_and_not_before() -> None:
    with Stage() as stage:
        stage.set(5)
        stage.loop.advance(4)
        assert stage.expired == []
        stage.loop.advance(1)
        assert stage.expired == [5]
        assert stage.timer.at == inf
        stage.loop.advance(1000)
        assert stage.expired == [5]


def test_a_deadline_that_moves_away_is_not_scheduled_again_and_one_that_comes_nearer_is() -> None:
    with Stage() as stage:
        stage.set(5)
        scheduled = stage.loop.scheduled
        for _ in range(100):
            stage.set(10)
            stage.set(inf)
        stage.set(20)
        assert stage.loop.scheduled == scheduled
        stage.loop.advance(5)  # the handle that is there looks, and finds nothing due
        assert stage.expired == []
        stage.loop.advance(14)
        assert stage.expired == []
        stage.set(0.5)
        stage.loop.advance(0.5)
        assert stage.expired == [19.5]


def test_a_deadline_that_was_assigned_past_the_timer_is_late_by_one_sleep_at_most() -> None:
    with Stage() as stage:
        stage.timer.at = stage.loop.now + 1
        stage.loop.advance(LONGEST_SLEEP)
        assert stage.expired == [LONGEST_SLEEP]


def test_a_deadline_may_be_set_from_within_the_last_ones_end() -> None:
    with Stage() as stage:

        def again() -> None:
            stage.expired.append(stage.loop.now - 1000)
            stage.set(1)

        stage.timer._expired = again
        stage.set(1)
        for _ in range(3):
            stage.loop.advance(1)
        assert stage.expired == [1, 2, 3]


def test_a_closed_timer_never_expires_whatever_is_set() -> None:
    with Stage() as stage:
        stage.set(1)
        stage.timer.close()
        stage.timer.close()
        stage.set(0.5)
        stage.loop.advance(1000)
        assert stage.expired == []
        assert not is_scheduled(stage.timer)


def test_a_timer_may_be_closed_by_its_own_end() -> None:
    with Stage() as stage:
        stage.timer._expired = stage.timer.close
        stage.set(1)
        stage.loop.advance(1)
        assert not is_scheduled(stage.timer)


@given(
    moves=st.lists(
        st.tuples(st.sampled_from([0.0, 0.1, 3.0, 59.0, 61.0, 1000.0, inf]), st.integers(0, 70)),
        max_size=12,
    )
)
def test_whatever_is_set_the_last_deadline_is_kept_to_the_moment(
    moves: list[tuple[float, int]],
) -> None:
    with Stage() as stage:
        for deadline, seconds in moves:
            stage.expired.clear()
            stage.set(deadline)
            due = stage.loop.now - 1000 + deadline
            for _ in range(seconds):
                stage.loop.advance(1)
                assert is_scheduled(stage.timer)
            passed = stage.loop.now - 1000 >= due if seconds else False
            assert len(stage.expired) == passed
            if passed:
                assert due <= stage.expired[0] <= due + 1


def test_it_runs_on_a_real_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers, "LONGEST_SLEEP", 0.001)

    async def scenario() -> None:
        expired = asyncio.Event()
        timer = Timer(asyncio.get_running_loop(), expired.set)
        timer.set(asyncio.get_running_loop().time() + 0.01)
        await asyncio.wait_for(expired.wait(), PATIENCE)
        timer.close()

    asyncio.run(scenario())
