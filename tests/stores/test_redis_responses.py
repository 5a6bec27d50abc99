"""Responses in a real Redis server: per owner, expiring, bounded, and what if it fails."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.config.secret import Secret
from gateway.config.store_settings import MemorySettings
from gateway.exchange.stored.responses import StoredResponse, StoreError, TooLarge
from gateway.shapes import Shape
from gateway.stores import redis_responses as responses_module
from gateway.stores import redis_server as module
from gateway.stores.availability import Availability
from gateway.stores.redis_responses import RedisResponses
from gateway.stores.redis_server import NotWritable, RedisServer, Transaction
from tests.documents import ROOT
from tests.redis_server import RedisProcess, needs_redis, redis_server
from tests.stores.processes import ALONE, SECRET, Replica, until
from tests.waiting import PATIENCE

pytestmark = needs_redis

OPERATIONS = ROOT / "docs" / "operations.md"

HELLO = StoredResponse(
    {"id": "resp_1", "output": []}, [{"type": "message", "role": "user", "content": "Hallö"}]
)


def named(text: str, *ids: str) -> StoredResponse:
    items = [{"type": "message", "id": each, "content": text} for each in (*ids, "theirs")]
    return StoredResponse({"id": text}, list(items), len(items), ids)


@asynccontextmanager
async def opened(
    redis: RedisProcess, secret: Secret = SECRET, ttl: float = 100, max_bytes: int = 2000
) -> AsyncIterator[RedisResponses]:
    state = Availability("responses.store", ALONE, time.monotonic)
    server = RedisServer(redis.url, None)
    store = RedisResponses(server, ttl, max_bytes, secret, state)
    store.start()
    await until(lambda: state.is_up)
    try:
        yield store
    finally:
        await store.aclose()


def test_what_one_process_stores_another_finds_by_its_owner_only(redis: RedisProcess) -> None:
    async def scenario() -> None:
        async with opened(redis) as one, opened(redis) as other:
            assert one.secret == other.secret
            await one.put("alice", "resp_1", HELLO)
            assert await other.get("alice", "resp_1") == HELLO
            assert await other.get("bob", "resp_1") is None
            assert await other.get("alice", "resp_2") is None
            with pytest.raises(StoreError, match="taken"):
                await other.put("alice", "resp_1", named("other"))
            assert not await other.delete("bob", "resp_1")
            assert await other.delete("alice", "resp_1")
            assert not await other.delete("alice", "resp_1")
            assert await one.get("alice", "resp_1") is None

    asyncio.run(scenario())


def test_another_secret_finds_nothing(redis: RedisProcess) -> None:
    async def scenario() -> None:
        async with opened(redis) as one, opened(redis, Secret("t" * 32)) as stranger:
            await one.put("alice", "resp_1", named("one", "a"))
            assert stranger.secret != one.secret
            assert await stranger.get("alice", "resp_1") is None
            assert await stranger.items("alice", ["a"]) == {}
            assert not await stranger.delete("alice", "resp_1")

    asyncio.run(scenario())


def test_items_are_found_in_the_last_response_that_names_them(redis: RedisProcess) -> None:
    async def scenario() -> None:
        async with opened(redis) as store:
            await store.put("alice", "resp_1", named("one", "a", "b"))
            await store.put("alice", "resp_2", named("two", "b", "c"))
            found = await store.items("alice", ["a", "b", "c", "d", "theirs"])
            contents = {key: item["content"] for key, item in found.items()}
            assert contents == {"a": "one", "b": "two", "c": "two"}
            assert await store.items("bob", ["a", "b"]) == {}
            assert await store.items("alice", []) == {}
            await store.delete("alice", "resp_2")
            assert list(await store.items("alice", ["a", "b", "c"])) == ["a"]

    asyncio.run(scenario())


class Turns:
    """Measures the longest turn of the event loop in pieces: what one turn sends at most."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.most = 0
        perform = RedisServer.perform

        async def counted(server: RedisServer, work: Awaitable[Any]) -> Any:
            given = getattr(getattr(work, "cr_frame", None), "f_locals", {})
            self.most = max(self.most, len(given.get("commands", ())))
            return await perform(server, work)

        monkeypatch.setattr(RedisServer, "perform", counted)


def test_many_items_are_written_and_found_in_pieces(
    redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All at once, they would hold up everything else for a second."""
    ids = [f"msg_{number}" for number in range(3 * responses_module._PIECE + 1)]
    turns = Turns(monkeypatch)

    async def scenario() -> None:
        async with opened(redis, max_bytes=10_000_000) as store:
            await store.put("alice", "resp_1", named("many", *ids))
            assert list(await store.items("alice", ids)) == ids
            with pytest.raises(StoreError, match="taken"):
                await store.put("alice", "resp_1", named("other", *ids))
            for number in range(2 * responses_module._BODIES):
                await store.put("alice", f"resp_x{number}", named("one", f"x{number}"))
            asked = [f"x{number}" for number in range(2 * responses_module._BODIES)]
            assert list(await store.items("alice", asked)) == asked

    asyncio.run(scenario())
    assert turns.most == responses_module._PIECE


@pytest.mark.parametrize("is_left", [False, True])
@pytest.mark.parametrize("at", range(4))
def test_a_write_that_fails_in_any_piece_changes_nothing(
    redis: RedisProcess, monkeypatch: pytest.MonkeyPatch, at: int, is_left: bool
) -> None:
    """Its names would hide those of earlier responses: they were missed from then on."""
    ids = [f"msg_{number}" for number in range(2 * responses_module._PIECE + 50)]
    step, steps = ("queue", at) if at < 3 else ("execute", 0)
    perform, count = getattr(Transaction, step), iter(range(9))

    async def failing(transaction: Transaction, *given: Any) -> Any:
        if next(count) == steps:
            raise asyncio.CancelledError if is_left else OSError("gone")
        return await perform(transaction, *given)

    async def scenario() -> None:
        async with opened(redis, max_bytes=10_000_000) as store:
            await store.put("alice", "resp_1", named("one", *ids[::2]))
            monkeypatch.setattr(Transaction, step, failing)
            with pytest.raises(asyncio.CancelledError if is_left else StoreError):
                await store.put("alice", "resp_2", named("two", *ids))
            monkeypatch.undo()
            await until(lambda: not store.is_failing)
            assert await store.get("alice", "resp_2") is None
            found = await store.items("alice", ids)
            assert {item["content"] for item in found.values()} == {"one"}
            assert list(found) == ids[::2]
            await store.put("alice", "resp_2", named("two", *ids))
            assert list(await store.items("alice", ids)) == ids

    asyncio.run(scenario())


def test_everything_expires(redis: RedisProcess) -> None:
    async def scenario() -> None:
        async with opened(redis, ttl=100) as store:
            await store.put("alice", "resp_1", named("one", "a"))
        for name in redis.do("KEYS", "*"):
            assert 90_000 < redis.do("PTTL", name) <= 100_000
        async with opened(redis, ttl=0.0001) as store:
            await store.put("alice", "resp_2", HELLO)
            while await store.get("alice", "resp_2") is not None:
                pass

    asyncio.run(scenario())


def test_what_is_too_large_is_refused(redis: RedisProcess) -> None:
    async def scenario() -> None:
        async with opened(redis, max_bytes=50) as store:
            with pytest.raises(TooLarge, match="allows 50"):
                await store.put("alice", "resp_1", HELLO)
            assert not store.is_failing
            assert await store.get("alice", "resp_1") is None

    asyncio.run(scenario())


def test_a_server_that_is_down_fails_at_once_and_comes_back_by_itself(
    redis: RedisProcess, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with opened(redis) as store:
            redis.kill()
            for _ in range(3):
                with pytest.raises(StoreError, match="cannot be reached"):
                    await store.get("alice", "resp_1")
            assert store.is_failing
            redis.start()
            await until(lambda: not store.is_failing)
            await store.put("alice", "resp_1", HELLO)
            assert await store.get("alice", "resp_1") == HELLO

    asyncio.run(scenario())
    assert "responses.store: Redis at 127.0.0.1" in caplog.text
    assert "works again" in caplog.text


def test_one_request_waits_for_a_server_that_answers_nothing_and_the_next_do_not(
    redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.1)

    async def scenario() -> None:
        async with opened(redis) as store:
            redis.freeze()
            with pytest.raises(StoreError, match="did not answer"):
                await store.put("alice", "resp_1", HELLO)
            monkeypatch.setattr(module, "PATIENCE", 60.0)
            asked = asyncio.create_task(store.get("alice", "resp_1"))
            with pytest.raises(StoreError, match="did not answer"):
                await asked
            redis.thaw()
            await until(lambda: not store.is_failing)
            assert await store.get("alice", "resp_2") is None

    asyncio.run(scenario())


def test_who_leaves_while_the_server_is_slow_leaves_no_answer_to_the_next(
    redis: RedisProcess,
) -> None:
    """A connection with an answer that nobody waits for must not be used again (CVE-2023-28858)."""

    async def scenario() -> None:
        async with opened(redis) as store:
            for name in ("alice", "bob"):
                await store.put(name, "resp_1", named(name))
            for _ in range(5):
                redis.freeze()
                asked = [asyncio.create_task(store.get("alice", "resp_1")) for _ in range(3)]
                await asyncio.sleep(0.01)
                for task in asked:
                    task.cancel()
                await asyncio.wait(asked)
                redis.thaw()
                found = await asyncio.gather(*(store.get("bob", "resp_1") for _ in range(3)))
                assert [each and each.response["id"] for each in found] == ["bob"] * 3
            assert not store.is_failing

    asyncio.run(scenario())


def test_a_full_server_is_read_and_is_tried_again(redis: RedisProcess) -> None:
    async def scenario() -> None:
        async with opened(redis) as store:
            await store.put("alice", "resp_1", HELLO)
            redis.do("CONFIG", "SET", "maxmemory", 1)
            with pytest.raises(NotWritable, match="full"):
                await store.put("alice", "resp_2", HELLO)
            assert store.is_failing
            assert await store.get("alice", "resp_1") == HELLO
            redis.do("CONFIG", "SET", "maxmemory", 0)
            await store.put("alice", "resp_2", HELLO)
            assert not store.is_failing

    asyncio.run(scenario())


def test_the_permissions_that_the_manual_names_are_enough(tmp_path: Path) -> None:
    (line,) = re.findall(r"the commands of `([^`]+)`", OPERATIONS.read_text("utf-8"))
    rules = [*line.split(), "~endpoint-gateway:*", "&endpoint-gateway:*"]

    async def scenario(redis: RedisProcess) -> None:
        redis.do("ACL", "SETUSER", "gateway", "on", ">p", *rules)
        state = Availability("responses.store", ALONE, time.monotonic)
        server = RedisServer(redis.url, Secret("gateway:p"))
        store = RedisResponses(server, 100, 2000, SECRET, state)
        store.start()
        await until(lambda: state.is_up)
        await store.put("alice", "resp_1", named("one", "a"))
        assert await store.items("alice", ["a"])
        assert await store.delete("alice", "resp_1")
        await store.aclose()
        settings = MemorySettings(redis.url, credentials=Secret("gateway:p"))
        async with Replica(settings) as one, Replica(settings) as other:
            one.learn("m", Shape.CHAT)
            await until(lambda: other.recall("m") is Shape.CHAT)
            assert one.state.is_up

    with redis_server(tmp_path) as redis:
        asyncio.run(scenario(redis))


class ScriptedServer(RedisServer):
    """A server that fails as often as it is told to."""

    def __init__(self, failures: int) -> None:
        super().__init__("redis://h", None)
        self.failures_left = failures

    async def perform(self, work: Awaitable[Any]) -> Any:
        work.close()  # type: ignore[attr-defined]
        if self.failures_left:
            self.failures_left -= 1
            raise StoreError("it is down")
        return b"PONG"


def scripted(failures: int) -> RedisResponses:
    state = Availability("responses.store", ALONE, time.monotonic)
    return RedisResponses(ScriptedServer(failures), 100, 2000, SECRET, state)


def test_it_asks_until_the_server_answers() -> None:
    async def scenario() -> None:
        store = scripted(failures=2)
        store.start()
        store.start()
        await until(lambda: store.state.is_up)
        await store.aclose()

    asyncio.run(scenario())


def test_asking_ends_with_the_store() -> None:
    async def scenario() -> None:
        store = scripted(failures=1_000_000)
        store.start()
        await until(lambda: store.is_failing)
        with pytest.raises(StoreError, match="it is down"):
            await store.get("alice", "resp_1")
        await store.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize("how", ["kill", "freeze"])
def test_a_server_that_goes_is_noticed_without_a_request(
    redis: RedisProcess, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    async def scenario() -> None:
        async with opened(redis) as store:
            getattr(redis, how)()
            monkeypatch.setattr(responses_module, "_INTERVAL", 0.05)
            monkeypatch.setattr(module, "PATIENCE", 0.1)
            store._noticed.set()  # it would ask in two seconds
            await until(lambda: not store.state.is_up)
            monkeypatch.setattr(module, "PATIENCE", PATIENCE)
            if how == "freeze":
                redis.thaw()
            else:
                redis.start()
            await until(lambda: store.state.is_up)

    asyncio.run(scenario())
    assert caplog.text.count("responses.store: Redis at 127.0.0.1") == 1
    assert caplog.text.count("responses.store: works again") == 1


def test_a_server_that_takes_no_writes_answers(
    redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responses_module, "_INTERVAL", 0.01)
    asked = 0

    async def refuse(work: Awaitable[Any]) -> None:
        nonlocal asked
        asked += 1
        await work
        raise NotWritable("Redis cannot save its data (MISCONF)")

    async def scenario() -> None:
        async with opened(redis) as store:
            monkeypatch.setattr(store._server, "perform", refuse)
            await until(lambda: asked > 1)
            assert store.state.is_up

    asyncio.run(scenario())


def test_a_lost_cancellation_keeps_nobody_waiting(
    redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    async def swallow(work: Awaitable[Any]) -> None:
        await work
        asked.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    async def scenario() -> None:
        async with opened(redis) as store:
            monkeypatch.setattr(store._server, "perform", swallow)
            store._noticed.set()
            await asked.wait()

    asyncio.run(scenario())


def test_a_closed_store_asks_no_more_even_if_no_cancellation_arrives() -> None:
    async def scenario() -> None:
        store = scripted(failures=0)
        asking = asyncio.create_task(store._keep_asking())
        await until(lambda: store.state.is_up)
        store._is_closed = True
        store._noticed.set()
        await asking
        await store.aclose()

    asyncio.run(scenario())


def test_a_store_that_was_never_used_can_be_closed(redis: RedisProcess) -> None:
    async def scenario() -> None:
        state = Availability("responses.store", ALONE, time.monotonic)
        store = RedisResponses(RedisServer(redis.url, None), 100, 2000, SECRET, state)
        await store.aclose()

    asyncio.run(scenario())
