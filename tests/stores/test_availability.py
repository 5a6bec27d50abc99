"""Whether a store works: said once a minute in the log, at any time in the metric."""

import logging
from itertools import islice

import pytest

from gateway.log_interval import LOG_INTERVAL
from gateway.stores.availability import Availability, pauses
from tests.fakes import FakeClock

ALONE = {"reading": "alone", "writing": "unheard"}


def test_a_store_is_up_once_it_has_worked_and_while_nothing_fails() -> None:
    state = Availability("memory.url", ALONE, FakeClock())
    seen = [state.is_up]
    for failing, what in (
        (False, "reading"),
        (True, "writing"),
        (False, "reading"),
        (False, "writing"),
    ):
        if failing:
            state.failed(what, "it is full")
        else:
            state.succeeded(what)
        seen.append(state.is_up)
    assert seen == [False, True, False, False, True]


def test_the_trouble_is_that_of_what_is_asked_for() -> None:
    state = Availability("memory.url", ALONE, FakeClock())
    state.failed("writing", "it is full")
    assert state.trouble("reading") is None
    assert state.trouble("reading", "writing") == "it is full"


def test_the_log_has_a_line_a_minute_and_the_end(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    state = Availability("memory.url", ALONE, clock)
    with caplog.at_level(logging.INFO, "gateway"):
        for _ in range(3):
            state.failed("reading", "gone")
        clock.advance(LOG_INTERVAL)
        state.failed("reading", "still gone")
        state.failed("writing", "gone, too")
        state.succeeded("reading")
        state.succeeded("writing")
        state.succeeded("writing")
        state.failed("reading", "gone again")
    assert caplog.messages == [
        "memory.url: gone; alone",
        "memory.url: still gone; alone (2 more since the last such line)",
        "memory.url: works again",
        "memory.url: gone again; alone",
    ]


def test_the_pauses_between_attempts_get_longer_up_to_a_second() -> None:
    first = list(islice(pauses(), 8))
    assert first == sorted(first)
    assert first[-1] == 1.0
