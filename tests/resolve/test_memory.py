"""Learned endpoints and cached look-ups: keyed by owner, bounded, expiring, single-flight."""

import asyncio

from gateway.config.settings import MemorySettings
from gateway.resolve.memory import Found, LearnedEndpoints, LookupCache, LookupFailed, Owner
from gateway.shapes import Shape
from tests.fakes import FakeClock

SETTINGS = MemorySettings(ttl=100, negative_ttl=10, max_entries=3)
ALICE = Owner("openai", "alice")
BOB = Owner("openai", "bob")
NONE: frozenset[str] = frozenset()
TOOLS = frozenset({"tools"})


def test_what_one_credential_learned_serves_no_other() -> None:
    learned = LearnedEndpoints(SETTINGS, FakeClock())
    learned.learn(ALICE, "m", None, Shape.CHAT)
    assert learned.recall(ALICE, "m", NONE)
    assert learned.recall(BOB, "m", NONE) is None
    assert learned.recall(Owner("other", "alice"), "m", NONE) is None


def test_what_depended_on_the_request_is_recalled_for_such_requests_only() -> None:
    learned = LearnedEndpoints(SETTINGS, FakeClock())
    learned.learn(ALICE, "m", None, Shape.CHAT)
    learned.learn(ALICE, "m", TOOLS, Shape.RESPONSES)
    with_tools = learned.recall(ALICE, "m", TOOLS)
    plain = learned.recall(ALICE, "m", NONE)
    assert with_tools is not None
    assert with_tools.shape is Shape.RESPONSES
    assert plain is not None
    assert plain.shape is Shape.CHAT


def test_learned_endpoints_expire_and_know_their_age() -> None:
    clock = FakeClock()
    learned = LearnedEndpoints(SETTINGS, clock)
    learned.learn(ALICE, "m", None, Shape.CHAT)
    clock.advance(99)
    known = learned.recall(ALICE, "m", NONE)
    assert known is not None
    assert learned.age(known) == 99
    clock.advance(1)
    assert learned.recall(ALICE, "m", NONE) is None


def test_a_refusal_drops_what_was_learned_about_that_endpoint_only() -> None:
    learned = LearnedEndpoints(SETTINGS, FakeClock())
    learned.learn(ALICE, "m", None, Shape.CHAT)
    learned.forget(ALICE, "m", NONE, Shape.RESPONSES)
    assert learned.recall(ALICE, "m", NONE)
    learned.forget(ALICE, "m", NONE, Shape.CHAT)
    assert learned.recall(ALICE, "m", NONE) is None


def test_learned_endpoints_are_bounded() -> None:
    learned = LearnedEndpoints(SETTINGS, FakeClock())
    for number in range(10):
        learned.learn(ALICE, f"m{number}", None, Shape.CHAT)
    kept = [n for n in range(10) if learned.recall(ALICE, f"m{n}", NONE)]
    assert kept == [7, 8, 9]


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


def test_what_depended_on_the_endpoint_called_is_recalled_for_its_clients_only() -> None:
    learned = LearnedEndpoints(MemorySettings(), FakeClock())
    learned.learn(ALICE, "m", Shape.RESPONSES, Shape.CHAT)
    known = learned.recall(ALICE, "m", TOOLS, Shape.RESPONSES)
    assert known is not None
    assert known.shape is Shape.CHAT
    assert learned.recall(ALICE, "m", NONE, Shape.COMPLETIONS) is None
    assert learned.recall(ALICE, "m", NONE) is None
    learned.forget(ALICE, "m", NONE, Shape.CHAT)
    assert learned.recall(ALICE, "m", NONE, Shape.RESPONSES) is None


def test_what_holds_for_all_requests_comes_before_what_depended_on_the_endpoint() -> None:
    learned = LearnedEndpoints(MemorySettings(), FakeClock())
    learned.learn(ALICE, "m", Shape.RESPONSES, Shape.CHAT)
    learned.learn(ALICE, "m", None, Shape.COMPLETIONS)
    known = learned.recall(ALICE, "m", NONE, Shape.RESPONSES)
    assert known is not None
    assert known.shape is Shape.COMPLETIONS
