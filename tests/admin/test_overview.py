"""What the page shows of all workers; here they are tasks of one process."""

import asyncio
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.admin import overview as module
from gateway.admin.counters.metrics import Figures
from gateway.admin.overview import AddressState, Overview
from gateway.config.settings import Settings, UpstreamSettings
from gateway.config.store_settings import MemorySettings
from gateway.errors import Reason
from gateway.exchange.decision import Decision
from gateway.observe.outcomes import Ending, Outcome
from gateway.observe.recent import RecentRequests, Wanted
from gateway.observe.sockets import SocketCounts
from gateway.resolve.memory import CacheScope, LearnedEndpoints
from gateway.server.processes.peers import Peers, private_folder
from gateway.shapes import Shape
from gateway.upstream.health import AddressHealth
from gateway.upstream.slots import UpstreamStats
from tests.exchange.scene import OPENAI
from tests.observe.ended import finished_now

ALL = Wanted()
TWO = replace(OPENAI, further_urls=("http://b/v1",))


class Upstreams:
    """The figures of the upstreams at one worker."""

    def __init__(self, *settings: UpstreamSettings) -> None:
        self.now = {each.name: UpstreamStats(2, 1, 3) for each in settings}
        self.addresses = {
            each.name: [AddressHealth(url, True, 1, 1, 0, None, 0.0) for url in each.base_urls]
            for each in settings
        }

    def stats(self) -> Mapping[str, Figures]:
        return self.now

    def health(self) -> Mapping[str, Sequence[AddressState]]:
        return self.addresses


class Worker:
    def __init__(self, folder: Path, number: int, count: int, *settings: UpstreamSettings) -> None:
        self.peers = Peers(folder, number, count)
        self.recent = RecentRequests()
        self.upstreams = Upstreams(*settings)
        self.learned = LearnedEndpoints(MemorySettings(), lambda: 0.0)
        self.sockets = SocketCounts()
        self.settings = Settings(settings)
        self.overview = self.build()

    def build(self) -> Overview:
        return Overview(
            self.settings, self.peers, self.recent, self.upstreams, self.learned, self.sockets
        )

    def served(self, model: str, outcome: Outcome = Outcome.SUCCESS, reason: str = "") -> None:
        decision = Decision("openai", model_asked=model)
        self.recent.finished(finished_now(decision, "chat", Ending(outcome, reason), 200, 0.1))


@pytest.fixture(name="folder")
def _folder() -> Iterator[Path]:
    with private_folder() as folder:
        yield folder


def workers(folder: Path, count: int = 2, settings: UpstreamSettings = OPENAI) -> list[Worker]:
    return [Worker(folder, number, count, settings) for number in range(count)]


def answered(question: Awaitable[Any], *living: Worker) -> Any:
    """Return the answer to a question while these workers live."""

    async def scenario() -> Any:
        async with AsyncExitStack() as serving:
            for worker in living:
                await serving.enter_async_context(worker.peers.serving())
            return await question

    return asyncio.run(scenario())


def test_the_requests_of_all_workers_are_shown_newest_first(folder: Path) -> None:
    a, b = workers(folder)
    for number, worker in enumerate((a, b, a)):
        worker.served(f"m{number}")
    for asked in (a, b):
        seen = answered(asked.overview.look({}, ALL), a, b)
        shown = [(each["model_asked"], each["worker"]) for each in seen["requests"]]
        assert shown == [("m2", 0), ("m1", 1), ("m0", 0)]
        assert seen["workers"] == {"answering": 2, "of": 2}
        newest = {each["worker"]: each["number"] for each in reversed(seen["requests"])}
        assert answered(asked.overview.look(newest, ALL), a, b)["requests"] == []
    wanted = answered(a.overview.look({}, Wanted(model="m1")), a, b)
    assert [each["model_asked"] for each in wanted["requests"]] == ["m1"]


def test_workers_that_are_gone_are_missing(folder: Path) -> None:
    a, b = workers(folder)
    b.served("m")
    seen = answered(a.overview.look({}, ALL), a)
    assert (seen["requests"], seen["workers"]) == ([], {"answering": 1, "of": 2})


def test_no_more_than_can_be_shown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHOWN", 3)
    a, b = workers(folder)
    for _ in range(4):
        a.served("a")
        b.served("b")
    assert len(answered(a.overview.look({}, ALL), a, b)["requests"]) == 3


def test_open_sockets_are_added(folder: Path) -> None:
    a, b = workers(folder)
    assert answered(a.overview.look({}, ALL), a, b)["sockets"] == {}
    for worker, kind in ((a, "responses"), (b, "responses"), (b, "realtime"), (b, "realtime")):
        worker.sockets.opened(kind)
    a.sockets.opened("gone")
    a.sockets.ended("gone", 1000)
    shown = answered(a.overview.look({}, ALL), a, b)["sockets"]
    assert shown == {"responses": 2, "realtime": 2}


def test_figures_of_upstreams_are_added(folder: Path) -> None:
    a, b = workers(folder, settings=TWO)
    a.upstreams.addresses["openai"][1] = AddressHealth(
        "http://b/v1", False, 0, 0, 5, Reason.REFUSED, 3.0
    )
    (shown,) = answered(b.overview.look({}, ALL), a, b)["upstreams"]
    assert (shown["in_flight"], shown["queued"], shown["idle"]) == (4, 6, 2)
    assert shown["max_connections"] == 256 * 2 * 2
    first, second = shown["addresses"]
    assert (first["up"], first["workers"], first["failures"], first["reason"]) == (2, 2, 0, None)
    assert (second["address"], second["up"]) == ("http://b/v1", 1)
    assert (second["failures"], second["reason"], second["in_flight"]) == (5, "refused", 1)


def test_figures_that_are_unknown_stay_unknown(folder: Path) -> None:
    a, b = workers(folder)
    for worker in (a, b):
        worker.upstreams.now["openai"] = UpstreamStats(0, None, 0)
    (shown,) = answered(a.overview.look({}, ALL), a, b)["upstreams"]
    assert shown["idle"] is None


def test_upstreams_are_judged_by_recent_requests(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = workers(folder)
    a.served("m")
    a.served("m", Outcome.CLIENT_ERROR, "model_not_allowed")
    a.served("m", Outcome.UPSTREAM_ERROR, "refused")
    b.served("m", Outcome.UPSTREAM_ERROR, "refused")
    b.served("m", Outcome.RATE_LIMITED, "rate_limited")
    (shown,) = answered(a.overview.look({}, ALL), a, b)["upstreams"]
    assert (shown["requests"], shown["failed"]) == (5, 3)
    assert shown["reasons"] == {"refused": 2, "rate_limited": 1}
    monkeypatch.setattr(module, "LATELY", -1.0)
    (shown,) = answered(a.overview.look({}, ALL), a)["upstreams"]
    assert (shown["requests"], shown["failed"], shown["reasons"]) == (0, 0, {})


def test_an_upstream_that_a_worker_does_not_know_yet_has_no_figures_there(folder: Path) -> None:
    a = Worker(folder, 0, 2, OPENAI, replace(OPENAI, name="new"))
    b = Worker(folder, 1, 2, OPENAI)
    _, shown = answered(a.overview.look({}, ALL), a, b)["upstreams"]
    assert (shown["name"], shown["in_flight"], len(shown["addresses"])) == ("new", 2, 1)


def test_what_was_learned_is_shown_once_and_forgotten_everywhere(folder: Path) -> None:
    a, b = workers(folder)
    alice, bob = CacheScope("openai", "alice"), CacheScope("openai", "bob")
    for worker in (a, b):
        worker.learned.learn(alice, "both", None, Shape.RESPONSES)
    a.learned.learn(bob, "tools", frozenset({"tools", "reasoning"}), Shape.RESPONSES)
    b.learned.learn(bob, "chat", Shape.CHAT, Shape.COMPLETIONS)
    shown = {each["model"]: each for each in answered(a.overview.learned(), a, b)}
    assert (shown["both"]["workers"], shown["both"]["holds_for"]) == (2, "every request")
    assert shown["tools"]["holds_for"] == "requests with reasoning and tools"
    assert (shown["chat"]["holds_for"], shown["chat"]["endpoint"]) == (
        "chat clients",
        "/v1/completions",
    )
    assert "alice" not in str(shown)
    before = answered(a.overview.look({}, ALL), a, b)["learned"]
    assert answered(b.overview.forget("openai", "both"), a, b) == 2
    assert {each["model"] for each in answered(a.overview.learned(), a, b)} == {"tools", "chat"}
    assert answered(a.overview.look({}, ALL), a, b)["learned"] != before


def test_an_overview_is_replaced_by_a_later_one(folder: Path) -> None:
    (worker,) = workers(folder, 1)
    assert not worker.overview.replaced
    later = worker.build()
    assert (worker.overview.replaced, later.replaced) == (True, False)
