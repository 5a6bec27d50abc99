"""Cached look-ups: single-flight, served while they are renewed, bounded, expiring."""

import asyncio

from gateway.config.settings import MemorySettings
from gateway.resolve.lookup_cache import Found, LookupCache, LookupFailed
from tests.fakes import FakeClock

SETTINGS = MemorySettings(ttl=100, negative_ttl=10, max_entries=3)


class Source:
    """A slow source that answers when told to."""

    def __init__(self, *answers: str | LookupFailed) -> None:
        self.answers = list(answers)
        self.loads = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self) -> str | LookupFailed:
        self.loads += 1
        answer = self.answers[min(self.loads, len(self.answers)) - 1]
        await self.gate.wait()
        return answer


def cache(clock: FakeClock) -> LookupCache[str]:
    return LookupCache(SETTINGS, clock)


def test_many_that_ask_at_once_cause_one_load() -> None:
    async def scenario() -> None:
        source = Source("v")
        source.gate.clear()
        lookups = cache(FakeClock())
        asked = [asyncio.create_task(lookups.get("k", source.load, patience=9)) for _ in range(20)]
        await asyncio.sleep(0)
        source.gate.set()
        assert {found.value for found in await asyncio.gather(*asked)} == {"v"}
        assert source.loads == 1

    asyncio.run(scenario())


def test_a_fresh_value_is_served_without_a_load_and_with_its_age() -> None:
    async def scenario() -> None:
        clock, source = FakeClock(), Source("v")
        lookups = cache(clock)
        await lookups.get("k", source.load, patience=9)
        clock.advance(50)
        assert await lookups.get("k", source.load, patience=9) == Found("v", 50)
        assert lookups.peek("k") == Found("v", 50)
        assert source.loads == 1

    asyncio.run(scenario())


def test_a_stale_value_is_served_while_it_is_loaded_again() -> None:
    async def scenario() -> None:
        clock, source = FakeClock(), Source("old", "new")
        lookups = cache(clock)
        await lookups.get("k", source.load, patience=9)
        clock.advance(101)
        assert (await lookups.get("k", source.load, patience=9)).value == "old"
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert (await lookups.get("k", source.load, patience=9)).value == "new"
        assert source.loads == 2

    asyncio.run(scenario())


def test_whoever_needs_a_younger_value_waits_for_it() -> None:
    async def scenario() -> None:
        clock, source = FakeClock(), Source("old", "new")
        lookups = cache(clock)
        await lookups.get("k", source.load, patience=9)
        clock.advance(20)
        assert (await lookups.get("k", source.load, patience=9, max_age=10)).value == "new"

    asyncio.run(scenario())


def test_a_failure_is_remembered_for_a_short_time() -> None:
    async def scenario() -> None:
        clock = FakeClock()
        source = Source(LookupFailed("503"), "v")
        lookups = cache(clock)
        assert isinstance((await lookups.get("k", source.load, patience=9)).value, LookupFailed)
        clock.advance(9)
        assert isinstance((await lookups.get("k", source.load, patience=9)).value, LookupFailed)
        assert source.loads == 1
        clock.advance(2)
        assert (await lookups.get("k", source.load, patience=9)).value == "v"

    asyncio.run(scenario())


def test_a_failed_revalidation_keeps_the_value_that_is_known() -> None:
    async def scenario() -> None:
        clock = FakeClock()
        source = Source("v", LookupFailed("503"))
        lookups = cache(clock)
        await lookups.get("k", source.load, patience=9)
        clock.advance(20)
        assert (await lookups.get("k", source.load, patience=9, max_age=10)).value == "v"

    asyncio.run(scenario())


def test_a_slow_source_fails_for_the_impatient_and_fills_the_cache_all_the_same() -> None:
    async def scenario() -> None:
        source = Source("v")
        source.gate.clear()
        lookups = cache(FakeClock())
        found = await lookups.get("k", source.load, patience=0)
        assert isinstance(found.value, LookupFailed)
        source.gate.set()
        assert (await lookups.get("k", source.load, patience=9)).value == "v"
        assert source.loads == 1

    asyncio.run(scenario())


def test_patience_counts_from_the_earlier_of_the_beginnings() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        source = Source("v")
        source.gate.clear()
        lookups = cache(FakeClock())
        long_ago = loop.time() - 60
        begun = loop.time()
        # The request has waited for something else already, then the look-up has been waited for.
        for since in (long_ago, None):
            patience = 60 if since is not None else 0.01
            found = await lookups.get("k", source.load, patience=patience, since=since)
            assert isinstance(found.value, LookupFailed)
        await lookups.get("k", source.load, patience=0.01, since=begun + 60)
        assert loop.time() - begun < 30
        assert source.loads == 1
        await lookups.aclose()

    asyncio.run(scenario())


def test_an_impatient_caller_gets_the_old_value_rather_than_none() -> None:
    async def scenario() -> None:
        clock, source = FakeClock(), Source("old", "new")
        lookups = cache(clock)
        await lookups.get("k", source.load, patience=9)
        clock.advance(20)
        source.gate.clear()
        found = await lookups.get("k", source.load, patience=0, max_age=10)
        assert found.value == "old"
        await lookups.aclose()

    asyncio.run(scenario())


def test_a_waiter_that_is_cancelled_does_not_stop_the_load_of_others() -> None:
    async def scenario() -> None:
        source = Source("v")
        source.gate.clear()
        lookups = cache(FakeClock())
        first = asyncio.create_task(lookups.get("k", source.load, patience=9))
        second = asyncio.create_task(lookups.get("k", source.load, patience=9))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        source.gate.set()
        assert (await second).value == "v"

    asyncio.run(scenario())


def test_values_are_bounded_by_their_weight() -> None:
    async def scenario() -> None:
        lookups: LookupCache[str] = LookupCache(SETTINGS, FakeClock(), weigh=len)
        for key, value in (("a", "xx"), ("b", "y"), ("c", "zzzzzzzz")):
            await lookups.get(key, Source(value).load, patience=9)
        assert lookups.peek("a") is None
        assert lookups.peek("b") is None
        assert lookups.peek("c") is not None

    asyncio.run(scenario())
