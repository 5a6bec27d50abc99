"""Cached look-ups: single-flight, served while they are renewed, bounded, expiring."""

import asyncio

import pytest

from gateway.config.store_settings import MemorySettings
from gateway.resolve.metadata.cache import (
    IN_PROGRESS,
    NO_WAIT,
    Found,
    LookupCache,
    LookupFailed,
    Partial,
    Wait,
)
from tests.fakes import FakeClock
from tests.upstream.scripted import until

SETTINGS = MemorySettings(ttl=100, negative_ttl=10, max_entries=3)


FOR_EVER = 1e9
"""Who waits so long for a source that hangs does not come back: the test would never end."""


def after(older: str) -> str:
    return f"{older}+"


class Source:
    """A slow source that answers once its barrier is open."""

    def __init__(self, *answers: str | Partial[str] | LookupFailed) -> None:
        self.answers = list(answers)
        self.loads = 0
        self.barrier = asyncio.Event()
        self.barrier.set()

    async def load(self) -> str | Partial[str] | LookupFailed:
        self.loads += 1
        answer = self.answers[min(self.loads, len(self.answers)) - 1]
        await self.barrier.wait()
        return answer


def cache(clock: FakeClock) -> LookupCache[str]:
    return LookupCache(SETTINGS, clock)


async def landed(lookups: LookupCache[str]) -> None:
    """Wait until no look-up is in progress."""
    await until(lambda: not lookups._flights)


def test_many_that_ask_at_once_cause_one_load() -> None:
    async def scenario() -> None:
        source = Source("v")
        source.barrier.clear()
        lookups = cache(FakeClock())
        asked = [asyncio.create_task(lookups.get("k", source.load, patience=9)) for _ in range(20)]
        await asyncio.sleep(0)
        source.barrier.set()
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


def test_a_failed_renewal_keeps_the_value_its_age_and_the_time_until_the_next_try() -> None:
    async def scenario() -> None:
        clock = FakeClock()
        source = Source("v", LookupFailed("429"), "new")
        lookups = cache(clock)
        await lookups.get("k", source.load, patience=9)
        clock.advance(100)
        assert await lookups.get("k", source.load, patience=9) == Found("v", 100)
        await landed(lookups)
        clock.advance(9)
        assert await lookups.get("k", source.load, patience=9) == Found("v", 109)
        assert source.loads == 2
        clock.advance(1)
        assert await lookups.get("k", source.load, patience=9) == Found("v", 110)
        await landed(lookups)
        assert await lookups.get("k", source.load, patience=9) == Found("new", 0)

    asyncio.run(scenario())


def test_a_failed_renewal_gives_who_lacks_something_the_value_that_is_known() -> None:
    async def scenario() -> None:
        clock = FakeClock()
        source = Source("v", LookupFailed("503"))
        lookups = cache(clock)
        await lookups.get("k", source.load, patience=9)
        clock.advance(20)
        assert await lookups.get("k", source.load, patience=9, max_age=10) == Found("v", 20)
        clock.advance(9)
        await lookups.get("k", source.load, patience=9, max_age=10)
        assert source.loads == 2
        clock.advance(1)
        await lookups.get("k", source.load, patience=9, max_age=10)
        assert source.loads == 3

    asyncio.run(scenario())


def test_what_could_be_read_of_a_value_is_used_and_read_again_soon() -> None:
    async def scenario() -> None:
        clock = FakeClock()
        source = Source(Partial("part", after), "whole", Partial("part", after))
        lookups = cache(clock)
        assert await lookups.get("k", source.load, patience=9) == Found("part", 0)
        clock.advance(10)
        assert (await lookups.get("k", source.load, patience=9)).value == "part"
        await landed(lookups)
        clock.advance(100)
        assert await lookups.get("k", source.load, patience=9) == Found("whole", 100)
        await landed(lookups)
        clock.advance(9)
        assert await lookups.get("k", source.load, patience=9) == Found("whole+", 109)
        assert source.loads == 3

    asyncio.run(scenario())


def test_a_part_comes_in_the_place_of_a_failure() -> None:
    async def scenario() -> None:
        clock = FakeClock()
        source = Source(LookupFailed("503"), Partial("part", after))
        lookups = cache(clock)
        await lookups.get("k", source.load, patience=9)
        clock.advance(10)
        assert await lookups.get("k", source.load, patience=9) == Found("part", 0)

    asyncio.run(scenario())


def test_nobody_waits_again_for_a_look_up_that_ran_over_and_its_late_result_is_used() -> None:
    async def scenario() -> None:
        clock, source = FakeClock(), Source("v")
        source.barrier.clear()
        lookups = cache(clock)
        found = await lookups.get("k", source.load, patience=0)
        assert isinstance(found.value, LookupFailed)
        assert "no answer within 0 s" in found.value.reason
        for _ in range(3):
            assert await lookups.get("k", source.load, patience=FOR_EVER) == found
        # It is older than a failure lives, and still in progress.
        clock.advance(11)
        again = await lookups.get("k", source.load, patience=FOR_EVER)
        assert again.value == found.value
        source.barrier.set()
        await landed(lookups)
        assert await lookups.get("k", source.load, patience=FOR_EVER) == Found("v", 0)
        assert source.loads == 1

    asyncio.run(scenario())


@pytest.mark.parametrize("max_age", [None, 10])
def test_once_in_a_while_one_request_finds_out_whether_a_source_still_hangs(
    max_age: float | None,
) -> None:
    async def scenario() -> None:
        clock, source = FakeClock(), Source(LookupFailed("given up"), "v")
        source.barrier.clear()
        lookups = cache(clock)
        await lookups.get("k", source.load, patience=0, max_age=max_age)
        source.barrier.set()
        await landed(lookups)
        source.barrier.clear()
        clock.advance(10)
        waits = asyncio.create_task(
            lookups.get("k", source.load, patience=FOR_EVER, max_age=max_age)
        )
        await asyncio.sleep(0)
        others = await lookups.get("k", source.load, patience=FOR_EVER, max_age=max_age)
        assert others.value == LookupFailed("given up")
        source.barrier.set()
        assert (await waits).value == "v"
        assert source.loads == 2

    asyncio.run(scenario())


def test_who_lacks_something_gets_what_is_known_from_a_source_that_hangs() -> None:
    async def scenario() -> None:
        clock = FakeClock()
        source = Source("old", LookupFailed("given up"), "new")
        lookups = cache(clock)
        await lookups.get("k", source.load, patience=9)
        clock.advance(10)
        source.barrier.clear()
        assert await lookups.get("k", source.load, patience=0, max_age=10) == Found("old", 10)
        found = await lookups.get("k", source.load, patience=FOR_EVER, max_age=10)
        assert found == Found("old", 10)
        source.barrier.set()
        await landed(lookups)
        source.barrier.clear()
        clock.advance(10)
        found = await lookups.get("k", source.load, patience=FOR_EVER, max_age=10)
        assert found == Found("old", 20)
        source.barrier.set()
        await landed(lookups)
        assert source.loads == 3
        assert await lookups.get("k", source.load, patience=FOR_EVER, max_age=10) == Found("new", 0)

    asyncio.run(scenario())


def test_a_renewal_that_took_too_long_counts_though_nobody_has_waited_for_it() -> None:
    async def scenario() -> None:
        clock, source = FakeClock(), Source("old", LookupFailed("given up"))
        lookups = cache(clock)
        await lookups.get("k", source.load, patience=9)
        clock.advance(100)
        await lookups.get("k", source.load, patience=-1)
        await landed(lookups)
        clock.advance(10)
        source.barrier.clear()
        assert (await lookups.get("k", source.load, patience=FOR_EVER, max_age=10)).value == "old"
        await lookups.aclose()

    asyncio.run(scenario())


def test_a_source_that_hangs_is_not_waited_for_when_there_is_no_room_to_remember_it() -> None:
    async def scenario() -> None:
        source = Source("v")
        source.barrier.clear()
        lookups = cache(FakeClock())
        await lookups.get("k", source.load, patience=0)
        for key in "abc":
            await lookups.get(key, Source("x").load, patience=9)
        assert lookups.peek("k") is None
        found = await lookups.get("k", source.load, patience=FOR_EVER)
        assert found == Found(IN_PROGRESS, 0)
        await lookups.aclose()

    asyncio.run(scenario())


def test_a_result_that_comes_in_the_last_moment_counts() -> None:
    async def scenario() -> None:
        lookups = cache(FakeClock())
        assert await lookups.get("k", Source("v").load, patience=0) == Found("v", 0)

    asyncio.run(scenario())


def test_who_does_not_wait_gets_what_is_there_and_it_is_renewed_behind() -> None:
    async def scenario() -> None:
        clock, source = FakeClock(), Source("old", "new", LookupFailed("503"))
        lookups = cache(clock)
        first = await lookups.get("k", source.load, patience=FOR_EVER, wait=NO_WAIT)
        assert first == Found(IN_PROGRESS, 0)
        assert lookups.peek("k") is None
        await landed(lookups)
        clock.advance(10)
        for max_age, loads in ((None, 1), (10, 2)):
            found = await lookups.get(
                "k", source.load, patience=FOR_EVER, max_age=max_age, wait=NO_WAIT
            )
            assert found == Found("old", 10)
            await landed(lookups)
            assert source.loads == loads
        assert await lookups.get("k", source.load, patience=9, wait=NO_WAIT) == Found("new", 0)

    asyncio.run(scenario())


def test_what_somebody_wants_renewed_is_served_meanwhile_and_not_renewed_all_the_time() -> None:
    async def scenario() -> None:
        clock, source = FakeClock(), Source("1", "2", "3")
        lookups = cache(clock)
        lookups.renew("k")
        await lookups.get("k", source.load, patience=9)
        for wait, value in ((0, "1"), (0, "2"), (9, "2"), (1, "2"), (0, "3")):
            clock.advance(wait)
            lookups.renew("k")
            assert (await lookups.get("k", source.load, patience=9)).value == value
            await landed(lookups)
        assert source.loads == 3

    asyncio.run(scenario())


def test_only_look_ups_that_bring_something_are_reported() -> None:
    async def scenario() -> None:
        clock, filled = FakeClock(), list[str]()
        lookups = cache(clock)
        lookups.on_filled = lambda: filled.append("")
        source = Source(LookupFailed("503"), "v", LookupFailed("503"), Partial("p", after))
        for count in (0, 1, 1, 2):
            await lookups.get("k", source.load, patience=9, max_age=10)
            assert len(filled) == count
            clock.advance(10)

    asyncio.run(scenario())


def test_patience_counts_from_the_earlier_of_the_beginnings() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        source = Source("v")
        source.barrier.clear()
        lookups = cache(FakeClock())
        long_ago = loop.time() - 60
        begun = loop.time()
        # The request has waited for something else already, then the look-up has been waited for.
        for since in (long_ago, None):
            patience = 60 if since is not None else 0.01
            key = str(since)
            found = await lookups.get(key, source.load, patience=patience, wait=Wait(since))
            assert isinstance(found.value, LookupFailed)
        await lookups.get("later", source.load, patience=0.01, wait=Wait(begun + 60))
        assert loop.time() - begun < 30
        await lookups.aclose()

    asyncio.run(scenario())


def test_a_waiter_that_is_cancelled_does_not_stop_the_load_of_others() -> None:
    async def scenario() -> None:
        source = Source("v")
        source.barrier.clear()
        lookups = cache(FakeClock())
        first = asyncio.create_task(lookups.get("k", source.load, patience=9))
        second = asyncio.create_task(lookups.get("k", source.load, patience=9))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        source.barrier.set()
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
