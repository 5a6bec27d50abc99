"""Findings are written behind and adopted, whatever the store does."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence

import pytest

from gateway.config.store_settings import MemorySettings
from gateway.exchange.stored.responses import StoreError
from gateway.resolve.memory import CacheScope, Learned
from gateway.shapes import Shape
from gateway.stores import sharing
from gateway.stores.findings import EndpointFinding, Finding, encoded
from tests.stores.processes import ALICE, DROP, NONE, Replica, until

SETTINGS = MemorySettings()


class ScriptedStore:
    """A store in memory whose writing waits for `open`, and raises what is in `failures`."""

    def __init__(self, *stored: bytes) -> None:
        self.stored = stored
        self.written: list[Finding] = []
        self.failures: list[Exception] = []
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()
        self.followed = 0
        self.news: asyncio.Queue[bytes | Exception] = asyncio.Queue()
        self.is_closed = False

    async def follow(
        self, adopt: Callable[[Iterable[bytes]], None], caught_up: Callable[[], None]
    ) -> None:
        self.followed += 1
        adopt(self.stored)
        caught_up()
        while True:
            news = await self.news.get()
            if isinstance(news, Exception):
                raise news
            adopt((news,))

    async def write(self, findings: Sequence[Finding]) -> None:
        self.asked.set()
        await self.open.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.written += findings

    async def aclose(self) -> None:
        self.is_closed = True


def endpoint(shape: Shape | None, at: float, model: str = "m") -> bytes:
    learned = Learned(shape, 0) if shape is not None else None
    return encoded(EndpointFinding.of((ALICE, model, None), learned, at))


def test_learning_waits_for_nothing_and_the_end_writes_what_is_left() -> None:
    async def scenario() -> None:
        store = ScriptedStore()
        store.open.clear()
        async with Replica(SETTINGS, store=store) as one:
            one.learn("m", Shape.CHAT)
            one.fixes.add(ALICE, "m", Shape.CHAT, DROP)
            await store.asked.wait()
            one.learn("m", Shape.RESPONSES)
            assert one.recall("m") is Shape.RESPONSES
            assert store.written == []
            store.open.set()
        assert {type(each).__name__ for each in store.written} == {
            "EndpointFinding",
            "FixesFinding",
        }
        last = [each for each in store.written if isinstance(each, EndpointFinding)][-1]
        assert last.shape is Shape.RESPONSES
        assert store.is_closed

    asyncio.run(scenario())


def test_what_changes_while_it_is_written_is_written_again() -> None:
    async def scenario() -> None:
        store = ScriptedStore()
        store.open.clear()
        async with Replica(SETTINGS, store=store) as one:
            one.learn("m", Shape.CHAT)
            await store.asked.wait()
            one.learn("m", Shape.RESPONSES)
            store.open.set()
            await until(lambda: len(store.written) == 2)
            await until(lambda: not one.shared._pending)
        shapes = [each.shape for each in store.written if isinstance(each, EndpointFinding)]
        assert shapes == [Shape.CHAT, Shape.RESPONSES]

    asyncio.run(scenario())


def test_what_a_store_has_lost_is_written_again() -> None:
    async def scenario() -> None:
        store = ScriptedStore()
        async with Replica(SETTINGS, store=store) as one:
            one.learn("m", Shape.CHAT)
            one.fixes.add(ALICE, "m", Shape.CHAT, DROP)
            await until(lambda: len(store.written) == 2)
            store.stored = (endpoint(Shape.CHAT, 0.0),)
            store.news.put_nowait(StoreError("restarted"))
            await until(lambda: len(store.written) == 3)
        assert [type(each).__name__ for each in store.written[2:]] == ["FixesFinding"]

    asyncio.run(scenario())


def test_a_store_that_hangs_does_not_delay_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "_FAREWELL", 0.01)

    async def scenario() -> None:
        store = ScriptedStore()
        async with Replica(SETTINGS, store=store) as one:
            store.open.clear()
            one.learn("m", Shape.CHAT)
        assert store.is_closed

    asyncio.run(scenario())


class SwallowingStore(ScriptedStore):
    """A store whose writing ends as if nothing had happened when it is cancelled, as redis-py's."""

    async def write(self, findings: Sequence[Finding]) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await super().write(findings)


@pytest.mark.timeout(20)
def test_a_cancellation_that_is_lost_does_not_delay_the_end() -> None:
    async def scenario() -> None:
        store = SwallowingStore()
        async with Replica(SETTINGS, store=store) as one:
            store.open.clear()
            one.learn("m", Shape.CHAT)
            await store.asked.wait()
        assert store.is_closed

    asyncio.run(scenario())


def test_what_never_began_is_closed_all_the_same() -> None:
    async def scenario() -> None:
        store = ScriptedStore()
        await Replica(SETTINGS, store=store).shared.aclose()
        assert store.is_closed

    asyncio.run(scenario())


def test_nothing_grows_while_the_store_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "MAX_PENDING", 3)

    one = Replica(SETTINGS, store=ScriptedStore())
    for number in range(5):
        one.learn(f"m{number}", Shape.CHAT)
    one.learn("m2", Shape.RESPONSES)
    assert [each.model for each in one.shared._pending.values()] == ["m3", "m4", "m2"]


def test_failures_of_writing_and_reading_are_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        store = ScriptedStore()
        store.failures = [StoreError("busy"), RuntimeError("a bug")]
        async with Replica(SETTINGS, store=store) as one:
            one.learn("m", Shape.CHAT)
            await until(lambda: len(store.written) == 1)
            for failure in (StoreError("gone"), RuntimeError("another bug")):
                store.news.put_nowait(failure)
            await until(lambda: store.followed == 3)
            await until(lambda: one.state.is_up)

    asyncio.run(scenario())
    assert "memory.url: busy" in caplog.text
    assert "findings could not be shared" in caplog.text
    assert "findings of other processes could not be adopted" in caplog.text


def test_what_is_newer_wins_also_before_it_is_written() -> None:
    async def scenario() -> None:
        now = 1000.0
        store = ScriptedStore()
        store.open.clear()
        async with Replica(SETTINGS, store=store, wall_clock=lambda: now) as one:
            one.learn("m", Shape.CHAT)
            await store.asked.wait()
            store.news.put_nowait(endpoint(Shape.COMPLETIONS, 900.0))
            store.news.put_nowait(b"no finding")
            store.news.put_nowait(endpoint(Shape.RESPONSES, 900.0, "n"))
            await until(lambda: one.recall("n") is Shape.RESPONSES)
            assert one.recall("m") is Shape.CHAT
            store.news.put_nowait(endpoint(Shape.RESPONSES, 1001.0))
            await until(lambda: one.recall("m") is Shape.RESPONSES)
            version = one.endpoints.version
            store.news.put_nowait(endpoint(Shape.RESPONSES, 1002.0))
            store.news.put_nowait(endpoint(None, 1003.0))
            store.news.put_nowait(endpoint(None, 1003.0))
            await until(lambda: one.recall("m") is None)
            await until(store.news.empty)
            assert one.endpoints.version == version + 1
            store.open.set()

    asyncio.run(scenario())


def test_what_others_have_learned_is_as_old_as_it_is() -> None:
    async def scenario() -> None:
        store = ScriptedStore(endpoint(Shape.RESPONSES, 900.0))
        async with Replica(
            SETTINGS, store=store, wall_clock=lambda: 1000.0, clock=lambda: 5000.0
        ) as one:
            known = one.endpoints.recall(ALICE, "m", NONE)
            assert known is not None
            assert one.endpoints.age(known) == 100
            assert store.written == []
            assert one.endpoints.recall(CacheScope("openai", "b"), "m", NONE) is None

    asyncio.run(scenario())
