"""The last requests: bounded, numbered, filtered."""

from time import time

import pytest

from gateway.errors import UpstreamError
from gateway.exchange.decision import Decision
from gateway.observe import recent as module
from gateway.observe.outcomes import Ending, Outcome
from gateway.observe.recent import RecentRequests, Wanted
from gateway.observe.record import FinishedRequest
from tests.observe.ended import finished_now

ALL = Wanted()


def record(asked: str = "m", outcome: Outcome = Outcome.SUCCESS, **more: str) -> FinishedRequest:
    decision = Decision("openai", model_asked=asked, **more)  # type: ignore[arg-type]
    return finished_now(decision, "chat", Ending(outcome), 200, 0.1)


def models(
    recent: RecentRequests, wanted: Wanted = ALL, after: int = 0, limit: int = 9
) -> list[str]:
    return [each.record.model_asked for each in recent.after(after, wanted, limit)]


def test_the_newest_come_first_and_as_many_as_asked() -> None:
    recent = RecentRequests()
    for name in "abc":
        recent.finished(record(name))
    assert models(recent) == ["c", "b", "a"]
    assert models(recent, limit=2) == ["c", "b"]


def test_only_what_is_new_is_returned() -> None:
    recent = RecentRequests()
    recent.finished(record("a"))
    (seen,) = recent.after(0, ALL, 9)
    assert models(recent, after=seen.number) == []
    recent.finished(record("b"))
    assert models(recent, after=seen.number) == ["b"]


def test_numbers_grow_beyond_those_of_an_earlier_process() -> None:
    recent = RecentRequests()
    recent.finished(record())
    recent.finished(record())
    newest, oldest = recent.after(0, ALL, 9)
    assert newest.number == oldest.number + 1
    assert abs(oldest.number / 1e6 - time()) < 60


def test_the_oldest_go_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_RECORDS", 2)
    recent = RecentRequests()
    for name in "abc":
        recent.finished(record(name))
    assert models(recent) == ["c", "b"]


@pytest.mark.parametrize("field", ["translation", "warning"])
def test_the_oldest_go_when_texts_are_too_long(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 100)
    recent = RecentRequests()
    for _ in range(3):
        decision = Decision("openai")
        setattr(decision, field, "x" * 40)
        recent.finished(finished_now(decision, "chat", Ending(Outcome.SUCCESS), 200, 0.1))
    assert len(models(recent)) == 2


def test_what_upstreams_have_said_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 100)
    recent = RecentRequests()
    for _ in range(3):
        decision = Decision("openai")
        decision.failed("openai", UpstreamError("x" * 40))
        recent.finished(finished_now(decision, "chat", Ending(Outcome.SUCCESS), 200, 0.1))
    assert len(models(recent)) == 2


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (ALL, ["llama", "GPT-4o"]),
        (Wanted(client="team"), ["llama", "GPT-4o"]),
        (Wanted(client="team-b"), ["llama"]),
        (Wanted(model="gpt"), ["GPT-4o"]),
        (Wanted(model="SENT"), ["llama"]),
        (Wanted(outcome="success"), ["GPT-4o"]),
        (Wanted("team-b", "llama", "rate_limited"), ["llama"]),
        (Wanted("team-b", "llama", "success"), []),
    ],
)
def test_requests_are_filtered(wanted: Wanted, found: list[str]) -> None:
    recent = RecentRequests()
    recent.finished(record("GPT-4o", client="team-a"))
    recent.finished(record("llama", Outcome.RATE_LIMITED, client="team-b", model_sent="as-sent"))
    assert models(recent, wanted) == found
