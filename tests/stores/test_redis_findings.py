"""Findings in a real Redis server: shared within a second, in any weather."""

import asyncio
import logging
from dataclasses import replace

import pytest

from gateway.config.secret import Secret
from gateway.config.store_settings import MemorySettings
from gateway.exchange.stored.responses import StoreError
from gateway.shapes import Shape
from gateway.stores import redis_findings
from gateway.stores.redis_findings import RedisFindings
from gateway.stores.redis_server import RedisServer
from tests.redis_server import RedisProcess, needs_redis
from tests.stores.processes import (
    ALICE,
    DROP,
    NONE,
    RENAME,
    SECRET,
    TOOLS,
    Replica,
    until,
)
from tests.waiting import PATIENCE

pytestmark = needs_redis


def test_what_one_has_learned_another_uses(redis: RedisProcess) -> None:
    settings = MemorySettings(redis.url)

    async def scenario() -> None:
        async with Replica(settings) as one, Replica(settings) as other:
            one.learn("m", Shape.RESPONSES)
            one.learn("m", Shape.COMPLETIONS, TOOLS)
            one.fixes.add(ALICE, "m", Shape.CHAT, DROP)
            one.fixes.add(ALICE, "m", Shape.CHAT, RENAME)
            await until(lambda: other.fixed("m") == (DROP, RENAME))
            assert other.recall("m") is Shape.RESPONSES
            assert other.recall("m", TOOLS) is Shape.COMPLETIONS
            async with Replica(settings) as late:
                assert late.recall("m") is Shape.RESPONSES
                assert late.fixed("m") == (DROP, RENAME)
            other.endpoints.forget(ALICE, "m", NONE, Shape.RESPONSES)
            other.fixes.forget(ALICE, "m", Shape.CHAT)
            await until(lambda: one.fixed("m") == ())
            assert one.recall("m") is None
            assert one.recall("m", TOOLS) is Shape.COMPLETIONS

    asyncio.run(scenario())


def test_another_secret_shares_nothing(redis: RedisProcess) -> None:
    settings = MemorySettings(redis.url)

    async def scenario() -> None:
        async with Replica(settings) as one, Replica(settings, Secret("t" * 32)) as stranger:
            one.learn("m", Shape.RESPONSES)
            stranger.learn("n", Shape.CHAT)
            async with Replica(settings) as late:
                await until(lambda: late.recall("m") is Shape.RESPONSES)
                assert late.recall("n") is None
            assert stranger.recall("m") is None
            assert one.recall("n") is None

    asyncio.run(scenario())


def test_no_key_and_no_secret_is_in_the_server(redis: RedisProcess) -> None:
    async def scenario() -> None:
        async with Replica(MemorySettings(redis.url)) as one:
            one.learn("m", Shape.RESPONSES)
            await until(lambda: len(redis.do("KEYS", "*")) == 1)
        (name,) = redis.do("KEYS", "*")
        assert b"s" * 32 not in name + b"".join(redis.do("HVALS", name))
        assert 3_500_000 < redis.do("PTTL", name) <= 3_600_000

    asyncio.run(scenario())


def test_a_server_that_is_killed_costs_nothing_and_is_filled_again(
    redis: RedisProcess, caplog: pytest.LogCaptureFixture
) -> None:
    settings = MemorySettings(redis.url)

    async def scenario() -> None:
        async with Replica(settings) as one, Replica(settings) as other:
            one.learn("before", Shape.RESPONSES)
            one.fixes.add(ALICE, "before", Shape.CHAT, DROP)
            await until(lambda: other.fixed("before") == (DROP,))
            redis.kill()
            await until(lambda: not one.state.is_up and not other.state.is_up)
            one.learn("meanwhile", Shape.CHAT)
            assert one.recall("before") is other.recall("before") is Shape.RESPONSES
            redis.start()
            await until(lambda: other.recall("meanwhile") is Shape.CHAT)
            await until(lambda: one.state.is_up and other.state.is_up)
            async with Replica(settings) as late:
                await until(lambda: late.fixed("before") == (DROP,))
                assert late.recall("before") is Shape.RESPONSES

    with caplog.at_level(logging.INFO, "gateway"):
        asyncio.run(scenario())
    assert "memory.url: Redis at 127.0.0.1" in caplog.text
    assert "cannot be reached" in caplog.text
    assert "works again" in caplog.text


def test_a_server_that_answers_nothing_is_noticed(
    redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_findings, "_SILENCE", 0.1)
    monkeypatch.setattr(redis_findings, "PATIENCE", PATIENCE / 3)
    settings = MemorySettings(redis.url)

    def asked() -> int:
        used = redis.do("INFO", "commandstats").get("cmdstat_ping", {"calls": 0})
        return int(used["calls"])

    async def scenario() -> None:
        async with Replica(settings) as one:
            # A quiet server answers when it is asked.
            before = asked()
            await until(lambda: asked() > before + 2)
            assert one.state.is_up
            # A question that is under way has the time that it began with.
            monkeypatch.setattr(redis_findings, "PATIENCE", 0.1)
            redis.freeze()
            await until(lambda: not one.state.is_up)
            assert "did not answer" in (one.state.trouble("reading") or "")
            monkeypatch.setattr(redis_findings, "PATIENCE", PATIENCE)
            redis.thaw()
            await until(lambda: one.state.is_up)

    asyncio.run(scenario())


class Subscription:
    """A subscription that gets what is scripted."""

    def __init__(self, *messages: dict[str, str] | None) -> None:
        self._messages = list(messages)
        self.pings = 0

    async def get_message(self, **_: float) -> dict[str, str] | None:
        return self._messages.pop(0)

    async def ping(self) -> None:
        self.pings += 1


def test_a_quiet_server_is_asked_and_one_that_does_not_answer_is_down() -> None:
    server = RedisServer("redis://h", None)
    findings = RedisFindings(server, MemorySettings(), SECRET, lambda: 0.0)

    async def scenario() -> None:
        loud, quiet, silent = Subscription({}), Subscription(None, {}), Subscription(None, None)
        await findings._next(loud)
        await findings._next(quiet)
        with pytest.raises(StoreError, match="Redis at h:6379 did not answer"):
            await findings._next(silent)
        assert [each.pings for each in (loud, quiet, silent)] == [0, 1, 1]
        await findings.aclose()

    asyncio.run(scenario())


def test_many_findings_are_read_in_parts(
    redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_findings, "_CHUNK", 10)
    settings = MemorySettings(redis.url)

    async def scenario() -> None:
        async with Replica(settings) as one, Replica(settings) as other:
            for number in range(1000):
                one.learn(f"m{number}", Shape.CHAT)
            await until(lambda: other.recall("m999") is Shape.CHAT)
            async with Replica(settings) as late:
                known = [late.recall(f"m{number}") for number in range(1000)]
                assert known == [Shape.CHAT] * 1000

    asyncio.run(scenario())


def test_a_slow_server_gets_everything_later(redis: RedisProcess) -> None:
    settings = MemorySettings(redis.url)

    async def scenario() -> None:
        async with Replica(settings) as one, Replica(settings) as other:
            redis.do("CLIENT", "PAUSE", 300)
            one.learn("m", Shape.RESPONSES)
            assert one.recall("m") is Shape.RESPONSES
            await until(lambda: other.recall("m") is Shape.RESPONSES)

    asyncio.run(scenario())


def test_a_full_server_announces_what_it_cannot_keep_and_keeps_it_later(
    redis: RedisProcess, caplog: pytest.LogCaptureFixture
) -> None:
    settings = MemorySettings(redis.url)
    redis.do("CONFIG", "SET", "maxmemory-policy", "noeviction")

    async def scenario() -> None:
        async with Replica(settings) as one, Replica(settings) as other:
            redis.do("CONFIG", "SET", "maxmemory", 1)
            one.learn("m", Shape.RESPONSES)
            await until(lambda: other.recall("m") is Shape.RESPONSES)
            await until(lambda: not one.state.is_up)
            redis.do("CONFIG", "SET", "maxmemory", 0)
            await until(lambda: one.state.is_up)
            async with Replica(settings) as late:
                assert late.recall("m") is Shape.RESPONSES

    asyncio.run(scenario())
    assert "is full (maxmemory)" in caplog.text


def test_what_is_older_than_its_time_is_not_adopted(redis: RedisProcess) -> None:
    settings = MemorySettings(redis.url, ttl=100)

    async def scenario() -> None:
        async with Replica(settings, wall_clock=lambda: 1000.0) as one:
            one.learn("m", Shape.RESPONSES)
            one.fixes.add(ALICE, "m", Shape.CHAT, DROP)
            await until(lambda: len(redis.do("KEYS", "*")) == 1)
        async with Replica(settings, wall_clock=lambda: 1099.0) as younger:
            assert younger.recall("m") is Shape.RESPONSES
        async with Replica(settings, wall_clock=lambda: 1100.0) as later:
            assert later.recall("m") is None
            assert later.fixed("m") == ()

    asyncio.run(scenario())


def test_the_server_holds_no_more_than_the_limit(redis: RedisProcess) -> None:
    settings = MemorySettings(redis.url, max_entries=10)

    async def scenario() -> None:
        async with Replica(replace(settings, max_entries=100)) as one:
            async with Replica(settings) as small:
                for number in range(8):
                    one.learn(f"m{number}", Shape.CHAT)
                await until(lambda: small.recall("m7") is Shape.CHAT)
                (name,) = redis.do("KEYS", "*")
                redis.do("HSET", name, "nonsense", "of another release")
                for number in range(8, 12):
                    small.learn(f"m{number}", Shape.CHAT)
                await until(lambda: redis.do("HLEN", name) == 9)
            assert redis.do("HEXISTS", name, "nonsense") == 0
        async with Replica(settings) as late:
            assert [late.recall(f"m{number}") for number in (0, 11)] == [None, Shape.CHAT]

    asyncio.run(scenario())


def test_room_that_others_have_made_is_not_made_again(redis: RedisProcess) -> None:
    findings = RedisFindings(RedisServer(redis.url, None), MemorySettings(), SECRET, lambda: 0.0)

    async def scenario() -> None:
        await findings._make_room()
        await findings.aclose()

    asyncio.run(scenario())


def test_a_name_beyond_all_measure_stays_with_its_process(redis: RedisProcess) -> None:
    settings = MemorySettings(redis.url)

    async def scenario() -> None:
        async with Replica(settings) as one, Replica(settings) as other:
            one.learn("x" * 10_000, Shape.CHAT)
            one.learn("m", Shape.CHAT)
            await until(lambda: other.recall("m") is Shape.CHAT)
            assert other.recall("x" * 10_000) is None

    asyncio.run(scenario())
