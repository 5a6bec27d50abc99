from dataclasses import dataclass

import pytest

from gateway.errors import Reason
from gateway.upstream.health import (
    FAILURES_IN_A_ROW,
    FIRST_PAUSE,
    LONGEST_PAUSE,
    NOT_SENT,
    Health,
)


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def changes() -> list[Reason | None]:
    return []


@pytest.fixture
def health(clock: Clock, changes: list[Reason | None]) -> Health:
    return Health("http://a/v1", lambda _, reason: changes.append(reason), clock)


def test_it_is_up_at_first(health: Health) -> None:
    assert (health.up, health.is_due, health.retry_in, health.failures) == (True, False, 0.0, 0)


@pytest.mark.parametrize("reason", sorted(NOT_SENT | {Reason.LOADING}))
def test_what_cannot_have_been_processed_ejects_at_once(
    health: Health, clock: Clock, changes: list[Reason | None], reason: Reason
) -> None:
    health.failed(reason)
    assert (health.up, health.is_due, health.retry_in) == (False, False, FIRST_PAUSE)
    clock.now += FIRST_PAUSE
    assert (health.up, health.is_due, health.retry_in) == (False, True, 0.0)
    assert (health.failures, health.reason, changes) == (1, reason, [reason])


@pytest.mark.parametrize("reason", [Reason.BUSY, Reason.STOPPING, Reason.TRUNCATED])
def test_what_is_not_its_fault_does_not_count(health: Health, reason: Reason) -> None:
    for _ in range(FAILURES_IN_A_ROW):
        health.failed(reason)
    assert health.up
    assert health.failures == 0


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_errors_in_a_row_eject(health: Health, changes: list[Reason | None], status: int) -> None:
    ups = []
    for _ in range(FAILURES_IN_A_ROW):
        health.replied(status)
        ups.append(health.up)
    assert ups == [*[True] * (FAILURES_IN_A_ROW - 1), False]
    assert changes == [Reason.SERVER_ERROR]


@pytest.mark.parametrize("status", [200, 400, 404, 429, 501])
def test_an_answer_between_errors_starts_again(health: Health, status: int) -> None:
    for _ in range(FAILURES_IN_A_ROW):
        health.failed(Reason.CLOSED)
        health.replied(status)
    assert health.up
    assert health.failures == FAILURES_IN_A_ROW


def test_each_try_in_vain_doubles_the_pause_up_to_a_limit(health: Health, clock: Clock) -> None:
    health.failed(Reason.REFUSED)
    pauses: list[float] = []
    dues: list[bool] = []
    for _ in range(7):
        clock.now += health.retry_in
        dues.append(health.is_due)
        assert health.begin_trial()
        dues.append(health.is_due)
        health.failed(Reason.REFUSED)
        health.end_trial()
        pauses.append(health.retry_in)
    assert dues == [True, False] * 7
    assert pauses == [2.0, 4.0, 8.0, 16.0, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]


def test_failures_that_are_not_a_try_do_not_lengthen_the_pause(
    health: Health, clock: Clock
) -> None:
    health.failed(Reason.REFUSED)
    clock.now += 0.5
    health.failed(Reason.REFUSED)
    assert (health.retry_in, health.failed_at) == (0.5, 100.5)


def test_an_answer_brings_it_back_and_the_next_pause_is_short(
    health: Health, clock: Clock, changes: list[Reason | None]
) -> None:
    health.failed(Reason.REFUSED)
    clock.now += FIRST_PAUSE
    health.begin_trial()
    health.failed(Reason.REFUSED)
    health.end_trial()
    health.replied(200)
    assert (health.up, health.retry_in) == (True, 0.0)
    health.failed(Reason.DNS)
    assert health.retry_in == FIRST_PAUSE
    assert changes == [Reason.REFUSED, None, Reason.DNS]


def test_an_error_as_the_answer_to_a_try_does_not_bring_it_back(
    health: Health, clock: Clock
) -> None:
    health.failed(Reason.REFUSED)
    clock.now += FIRST_PAUSE
    health.begin_trial()
    health.replied(500)
    assert (health.up, health.retry_in) == (False, 2 * FIRST_PAUSE)


def test_one_call_at_a_time_tries_an_address_and_only_one_that_is_due(
    health: Health, clock: Clock
) -> None:
    assert not health.begin_trial()
    health.failed(Reason.REFUSED)
    assert not health.begin_trial()
    clock.now += FIRST_PAUSE
    assert [health.begin_trial(), health.begin_trial()] == [True, False]
    health.end_trial()
    assert health.begin_trial()


def test_nobody_has_to_listen(clock: Clock) -> None:
    health = Health("http://a/v1", clock=clock)
    health.failed(Reason.REFUSED)
    health.replied(200)
    assert health.up
