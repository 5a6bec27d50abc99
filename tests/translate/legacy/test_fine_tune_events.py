"""Job events become those of a fine-tune, oldest first; a follower finds the new ones."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.translate.legacy.fine_tune_events import (
    FIRST_DELAY,
    LONGEST_DELAY,
    MAX_FOLLOWED,
    EventFollower,
    event_from_job_event,
    events_from_job_events,
    failure_event,
    is_over,
    poll_delays,
    status_from_job,
)
from tests.translate.legacy.schemas import check_legacy
from tests.translate.legacy.upstream_json import ANY_JSON, almost


def job_event(number: int, message: str = "Step", **fields: Any) -> dict[str, Any]:
    return {
        "object": "fine_tuning.job.event",
        "id": f"ftevent-{number}",
        "created_at": 1692407400 + number,
        "level": "info",
        "message": f"{message} {number}",
        "type": "message",
        "data": {"step": number},
        **fields,
    }


def messages(events: list[dict[str, Any]]) -> list[str]:
    return [event["message"] for event in events]


def test_an_event_keeps_time_level_and_message() -> None:
    event = event_from_job_event(job_event(1, level="warn"))
    assert event == {
        "object": "fine-tune-event",
        "created_at": 1692407401,
        "level": "warn",
        "message": "Step 1",
    }
    check_legacy("FineTuneEvent", event)


def test_the_newest_come_last_and_what_says_nothing_not_at_all() -> None:
    listed: list[Any] = [job_event(3), {"id": "x"}, None, job_event(2), job_event(1)]
    assert messages(events_from_job_events(listed)) == ["Step 1", "Step 2", "Step 3"]


@pytest.mark.parametrize(
    ("status", "shown", "over"),
    [
        ("validating_files", "pending", False),
        ("queued", "pending", False),
        ("running", "running", False),
        ("paused", "running", False),
        ("succeeded", "succeeded", True),
        ("failed", "failed", True),
        ("cancelled", "cancelled", True),
        ("canceled", "cancelled", True),
        ("brand new", "running", False),
        (None, "running", False),
        (["failed"], "running", False),
    ],
)
def test_a_jobs_status_is_one_of_the_old_five(status: Any, shown: str, over: bool) -> None:
    assert status_from_job({"status": status}) == shown
    assert is_over({"status": status}) is over


def test_a_failed_job_says_why_unless_an_event_did() -> None:
    job = {
        "status": "failed",
        "created_at": 1,
        "finished_at": 9,
        "error": {"code": "invalid", "message": "Bad file."},
    }
    event = failure_event(job, [])
    assert event == {
        "object": "fine-tune-event",
        "created_at": 9,
        "level": "error",
        "message": "Bad file.",
    }
    check_legacy("FineTuneEvent", event)
    assert failure_event(job, ["The job failed: Bad file. Sorry"]) is None
    assert failure_event({**job, "status": "succeeded"}, []) is None
    assert failure_event({**job, "error": {"message": ""}}, []) is None
    assert failure_event({**job, "error": None}, []) is None
    assert (failure_event({**job, "finished_at": None}, []) or {})["created_at"] == 1


def test_polls_become_rarer_and_end() -> None:
    delays = list(poll_delays())
    assert delays[:3] == [FIRST_DELAY, 7.5, 11.25]
    assert max(delays) == delays[-1] == LONGEST_DELAY
    assert MAX_FOLLOWED - LONGEST_DELAY < sum(delays) <= MAX_FOLLOWED


def test_a_follower_gives_each_event_once() -> None:
    follower = EventFollower()
    assert messages(follower.take([job_event(2), job_event(1)])) == ["Step 1", "Step 2"]
    page = [job_event(3), job_event(2)]
    assert follower.reaches_back(page)
    assert not follower.reaches_back([job_event(3)])
    assert messages(follower.take(page)) == ["Step 3"]
    assert follower.take(page) == []


def test_events_without_ids_are_compared_by_time_and_message() -> None:
    follower = EventFollower()
    first, second = ({**job_event(n), "id": None} for n in (1, 2))
    assert messages(follower.take([first])) == ["Step 1"]
    assert messages(follower.take([second, first])) == ["Step 2"]


def test_a_follower_remembers_the_newest_thousand() -> None:
    follower = EventFollower()
    follower.take([job_event(n) for n in range(1500, 0, -1)])
    assert follower.reaches_back([job_event(1500)])
    assert not follower.reaches_back([job_event(1)])


def test_a_follower_closes_with_the_reason_it_has_not_given() -> None:
    job = {"status": "failed", "error": {"message": "Bad file 7"}}
    silent, informed = EventFollower(), EventFollower()
    informed.take([job_event(7, "Bad file")])
    assert messages(silent.closing(job)) == ["Bad file 7"]
    assert informed.closing(job) == []


@given(st.lists(st.lists(st.integers(0, 30), max_size=8), max_size=8))
def test_however_polls_overlap_every_event_comes_once(polls: list[list[int]]) -> None:
    follower = EventFollower()
    given_out = [
        message
        for poll in polls
        for message in messages(follower.take([job_event(n) for n in poll]))
    ]
    expected = {f"Step {number}" for poll in polls for number in poll}
    assert len(given_out) == len(set(given_out))
    assert set(given_out) == expected


EVENT = almost("id", "created_at", "level", "message", "error", inner=ANY_JSON | st.text())


@given(st.lists(ANY_JSON | EVENT), almost("status", "error", "finished_at", inner=ANY_JSON))
def test_any_upstream_json_makes_valid_events(entries: list[Any], job: dict[str, Any]) -> None:
    follower = EventFollower()
    follower.reaches_back(entries)
    closing = follower.closing({**job, "status": "failed"})
    for event in [*events_from_job_events(entries), *follower.take(entries), *closing]:
        check_legacy("FineTuneEvent", event)


def test_an_event_that_is_not_an_object_is_left_out() -> None:
    follower = EventFollower()
    assert not follower.reaches_back([None, "x"])
    assert messages(follower.take([None, job_event(1)])) == ["Step 1"]
