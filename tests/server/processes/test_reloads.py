"""The parent's part of a reload, with workers that are played by the test."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.config.changes import ReloadResult
from gateway.config.reading.source import Source
from gateway.config.reading.watch import Watch
from gateway.server.processes import reloads
from gateway.server.processes.channel import Channel, pair
from gateway.server.processes.reloads import Reloads

GOOD = ("digest", ReloadResult(done=True, text="reloaded"))
BAD = ("", ReloadResult(done=False, text="refused"))


class Parent:
    """A parent with as many workers."""

    def __init__(self, *checks: tuple[str, ReloadResult], workers: int = 2) -> None:
        self.checks = list(checks)
        self.reports: list[ReloadResult] = []
        self.watch = Watch(Source(None, {}), on=False)
        self.during_check: Callable[[], None] = lambda: None
        """What happens during the first check."""
        self.reloads = Reloads(self._check, self.watch, self.reports.append)
        self.workers: dict[int, Channel] = {}
        self.ends: dict[int, Channel] = {}
        for process in range(1, workers + 1):
            self.ends[process], self.workers[process] = pair()
            self.reloads.add(process, self.ends[process])

    def _check(self) -> tuple[str, ReloadResult]:
        happens, self.during_check = self.during_check, lambda: None
        happens()
        return self.checks.pop(0)

    def says(self, process: int, **message: object) -> None:
        self.workers[process].send(**message)
        self.reloads.receive(self.ends[process])

    def close(self) -> None:
        self.reloads.close()
        for channel in self.workers.values():
            channel.close()


def ended(text: str, *, counts: bool, done: bool = True, answers: tuple[int, ...] = ()) -> object:
    return {"done": done, "text": text, "counts": counts, "answers": list(answers)}


def test_all_workers_reload_and_hear_how_it_ended_and_one_counts_it() -> None:
    parent = Parent(GOOD)
    parent.says(2, asks=7)
    assert parent.workers[1].receive() == parent.workers[2].receive() == [{"reload": "digest"}]
    parent.says(1, failure="")
    assert parent.reports == []
    parent.says(2, failure="")
    assert parent.reports == [GOOD[1]]
    assert parent.workers[1].receive() == [ended("reloaded", counts=True)]
    assert parent.workers[2].receive() == [ended("reloaded", counts=False, answers=(7,))]
    parent.close()


def test_what_the_parent_refuses_reaches_no_worker() -> None:
    parent = Parent(BAD)
    parent.reloads.begin()
    assert parent.workers[2].receive() == [ended("refused", counts=False, done=False)]
    assert parent.reports == [BAD[1]]
    parent.close()


def test_a_worker_that_fails_is_named() -> None:
    parent = Parent(GOOD)
    parent.reloads.begin()
    parent.says(1, failure="no memory")
    parent.says(2, failure="")
    text = "reloaded; but not in all workers:\nworker 1: no memory"
    assert parent.reports == [ReloadResult(done=False, text=text)]
    parent.close()


def test_a_worker_that_ends_is_not_waited_for() -> None:
    parent = Parent(GOOD)
    parent.reloads.begin()
    parent.says(1, failure="")
    parent.reloads.remove(2)
    assert parent.reports == [GOOD[1]]
    assert parent.reloads.channels == [parent.ends[1]]
    parent.close()


def test_a_worker_that_does_not_reply_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reloads, "PATIENCE", 0.0)
    parent = Parent(GOOD)
    parent.reloads.begin()
    assert parent.reloads.until_due() == 0
    parent.says(1, failure="")
    parent.reloads.look()
    (report,) = parent.reports
    assert report.text.endswith("worker 2: it has not replied within 0 s")
    assert parent.reloads.until_due() is None
    # Its late reply changes nothing.
    parent.says(2, failure="")
    assert len(parent.reports) == 1
    parent.close()


def test_who_asks_meanwhile_hears_how_the_next_reload_ends() -> None:
    parent = Parent(GOOD, BAD, workers=1)
    parent.says(1, asks=1)
    parent.says(1, asks=2)
    parent.says(1, failure="")
    assert parent.workers[1].receive() == [
        {"reload": "digest"},
        ended("reloaded", counts=True, answers=(1,)),
        ended("refused", counts=True, done=False, answers=(2,)),
    ]
    parent.close()


@pytest.mark.parametrize("signalled", [False, True])
def test_who_asks_meanwhile_hears_how_this_one_ends_if_watched_files_are_as_they_were_read(
    *, signalled: bool
) -> None:
    parent = Parent(GOOD, workers=1)
    parent.watch.on = True
    parent.says(1, asks=1)
    if signalled:
        parent.reloads.begin()
    parent.says(1, asks=2)
    parent.says(1, failure="")
    assert parent.workers[1].receive() == [
        {"reload": "digest"},
        ended("reloaded", counts=True, answers=(1, 2)),
    ]
    assert parent.reports == [GOOD[1]]
    parent.close()


@pytest.mark.parametrize("watched", [True, False])
def test_who_asks_while_the_parent_reads_wrong_files_hears_it_without_another_reading(
    *, watched: bool
) -> None:
    parent = Parent(BAD, BAD, workers=2)
    parent.watch.on = watched
    parent.during_check = lambda: parent.workers[2].send(asks=5)
    parent.says(1, asks=1)
    assert parent.workers[1].receive()[0] == ended("refused", counts=True, done=False, answers=(1,))
    heard = parent.workers[2].receive()
    assert [each["answers"] for each in heard] == ([[5]] if watched else [[], [5]])
    assert len(parent.reports) == (1 if watched else 2)
    parent.close()


def test_a_channel_without_messages_is_not_waited_for() -> None:
    parent = Parent(workers=1)
    parent.reloads.receive(parent.ends[1])
    assert not parent.ends[1].ended
    parent.close()


def test_without_workers_it_ends_at_once_and_the_next_have_it_anyway() -> None:
    parent = Parent(GOOD, workers=0)
    parent.reloads.begin()
    assert parent.reports == [GOOD[1]]
    parent.close()


def test_one_that_was_requested_before_there_were_workers_begins_with_the_next_look() -> None:
    parent = Parent(GOOD, workers=0)
    parent.reloads.begin_soon()
    assert parent.reports == []
    parent.reloads.look()
    parent.reloads.look()
    assert parent.reports == [GOOD[1]]
    parent.close()


def test_a_channel_of_a_worker_that_is_ending_is_not_waited_for() -> None:
    parent = Parent(workers=1)
    parent.workers[1].close()
    parent.reloads.receive(parent.ends[1])
    assert parent.reloads.channels == []
    parent.close()


def test_changed_files_are_looked_for_while_they_are_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reloads, "INTERVAL", 0.0)
    parent = Parent(BAD, workers=0)
    path = tmp_path / "gateway.yaml"
    path.write_text("log: {level: info}")
    source = Source(path, {})
    source.begin()()
    watch = Watch(source, on=True)
    parent.reloads = Reloads(lambda: parent.checks.pop(0), watch, parent.reports.append)
    assert parent.reloads.until_due() == 0
    parent.reloads.look()
    path.write_text("log: {level: debug}")
    parent.reloads.look()
    assert parent.reports == []
    parent.reloads.look()
    assert parent.reports == [BAD[1]]
    parent.close()


def test_all_workers_hear_that_another_program_has_taken_over() -> None:
    parent = Parent()
    parent.reloads.hand_over()
    for channel in parent.workers.values():
        assert channel.receive() == [{"handed_over": True}]
    parent.close()
