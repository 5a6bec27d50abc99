"""Translations are loaded beside the event loop, with the first request that needs them."""

import asyncio
import threading
from dataclasses import replace

import pytest

from gateway.config.settings import PerformanceSettings, Settings
from gateway.exchange.attempt import Attempts
from gateway.exchange.lazy_parts import LazyParts
from gateway.fast import paths
from gateway.request import GenerationRequest
from gateway.shapes import Shape
from gateway.translate import plan
from gateway.translate.composed import Translate
from tests.exchange.test_attempt import BODY, OPENAI, ROUTE

SETTINGS = Settings((OPENAI,))


@pytest.fixture(name="threads", autouse=True)
def _threads(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """Have nothing loaded; note which threads load."""
    threads: list[threading.Thread] = []
    load = plan._load

    def noted(client: Shape, home: Shape) -> Translate:
        threads.append(threading.current_thread())
        return load(client, home)

    monkeypatch.setattr(plan, "_loaded", {})
    monkeypatch.setattr(plan, "_load", noted)
    return threads


def test_requests_wait_for_their_pair_and_for_no_other(threads: list[threading.Thread]) -> None:
    made = Attempts(SETTINGS, lambda: 1_795_000_000.5)
    call = GenerationRequest.at(Shape.CHAT, BODY.replace(b"5", b"50"))

    async def sent_to(home: Shape) -> list[str]:
        route = replace(ROUTE, shape=home)
        attempts = [made.build_apart(call, route, home, ()) for _ in range(3)]
        return [attempt.calls[0].path for attempt in await asyncio.gather(*attempts)]

    assert asyncio.run(sent_to(Shape.MESSAGES)) == ["/messages"] * 3
    assert asyncio.run(sent_to(Shape.MESSAGES)) == ["/messages"] * 3
    assert [*plan._loaded] == [(Shape.CHAT, Shape.MESSAGES)]
    assert asyncio.run(sent_to(Shape.CHAT)) == ["/chat/completions"] * 3
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


@pytest.mark.parametrize("fast_paths", [True, False])
def test_before_a_fork_all_is_loaded_that_can_be_needed(
    monkeypatch: pytest.MonkeyPatch, threads: list[threading.Thread], *, fast_paths: bool
) -> None:
    loaded: list[bool] = []
    monkeypatch.setattr(paths, "load", lambda: loaded.append(True))
    performance = PerformanceSettings(fast_paths=fast_paths)
    lazy = LazyParts(replace(SETTINGS, performance=performance))
    lazy.all()
    lazy.all()
    assert all(plan.is_loaded(client, home) for client in Shape for home in Shape)
    assert loaded == [True] * 2 * fast_paths
    assert {*threads} == {threading.current_thread()}
    assert len(threads) == len(Shape) * (len(Shape) - 1)
