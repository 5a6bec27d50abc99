"""Which store the settings open, and what both stores promise: per owner, bounded, expiring."""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from gateway.config.secret import Secret
from gateway.config.settings import Settings, UpstreamSettings
from gateway.config.store_settings import MemorySettings, ResponsesSettings
from gateway.exchange.params.known_fixes import KnownFixes
from gateway.exchange.stored.responses import (
    ResponseStore,
    StoredResponse,
    StoreError,
    TooLarge,
)
from gateway.resolve.memory import LearnedEndpoints
from gateway.stores.memory import MemoryStore
from gateway.stores.opening import open_store, open_stores
from gateway.stores.redis_responses import RedisResponses
from gateway.stores.sharing import Caches
from gateway.stores.sqlite import SqliteStore
from tests.fakes import FakeClock
from tests.redis_server import RedisProcess, needs_redis
from tests.stores.processes import SECRET, until

Scenario = Callable[[ResponseStore, FakeClock], Awaitable[None]]
HELLO = StoredResponse(
    {"id": "resp_1", "output": []}, [{"type": "message", "role": "user", "content": "Hallö"}]
)


@pytest.fixture(params=["memory", "sqlite"])
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Scenario], None]:
    """Play a scenario with a store of this machine that holds 2,000 bytes for 100 seconds."""

    def run(scenario: Scenario) -> None:
        async def main() -> None:
            clock = FakeClock()
            store: ResponseStore
            if request.param == "memory":
                store = MemoryStore(100, 2000, clock)
            else:
                store = SqliteStore(tmp_path / "responses.sqlite", 100, 2000, clock)
            try:
                await scenario(store, clock)
            finally:
                await store.aclose()

        asyncio.run(main())

    return run


def test_nothing_is_kept_unless_a_store_is_named() -> None:
    assert open_store(ResponsesSettings()) is None


def test_memory_is_kept_by_this_process() -> None:
    store = open_store(ResponsesSettings("memory://"))
    assert isinstance(store, MemoryStore)
    asyncio.run(store.put("alice", "resp_1", HELLO))
    assert asyncio.run(store.get("alice", "resp_1")) == HELLO
    asyncio.run(store.aclose())


def test_a_file_outlives_the_process_and_keeps_its_secret(tmp_path: Path) -> None:
    file = tmp_path / "responses.sqlite"
    settings = ResponsesSettings(f"sqlite:///{file}")
    store = open_store(settings)
    assert isinstance(store, SqliteStore)
    secret = store.secret
    asyncio.run(store.put("alice", "resp_1", HELLO))
    asyncio.run(store.aclose())
    assert file.stat().st_mode & 0o077 == 0
    again = open_store(settings)
    assert again is not None
    assert again.secret == secret
    assert asyncio.run(again.get("alice", "resp_1")) == HELLO
    asyncio.run(again.aclose())


def test_a_relative_path_is_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store(ResponsesSettings("sqlite:///kept.sqlite"))
    assert store is not None
    asyncio.run(store.aclose())
    assert (tmp_path / "kept.sqlite").is_file()


def test_the_limits_are_those_of_the_settings() -> None:
    store = open_store(ResponsesSettings("memory://", max_bytes=10))
    assert store is not None
    with pytest.raises(TooLarge, match="allows 10"):
        asyncio.run(store.put("alice", "resp_1", HELLO))
    assert asyncio.run(store.get("alice", "resp_1")) is None


def test_a_file_that_is_not_a_database_is_an_error_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("This is not a database. " * 100, "utf-8")
    with pytest.raises(sqlite3.Error):
        open_store(ResponsesSettings(f"sqlite:///{file}"))
    with pytest.raises(sqlite3.Error):
        open_store(ResponsesSettings(f"sqlite:///{tmp_path}/no/such/place.sqlite"))


# --- what processes share


def caches(settings: Settings) -> Caches:
    endpoints = LearnedEndpoints(settings.memory, time.monotonic)
    fixes = KnownFixes(settings.memory, time.monotonic)
    return Caches(endpoints, fixes, time.monotonic, settings.memory.ttl)


def settings_with(memory: str, store: str | None, secret: Secret | None) -> Settings:
    upstream = UpstreamSettings("openai", "http://127.0.0.1:1/v1")
    return Settings(
        (upstream,),
        memory=MemorySettings(memory),
        responses=ResponsesSettings(store),
        secret=secret,
    )


def test_by_default_nothing_is_shared() -> None:
    settings = settings_with("memory://", "memory://", None)
    known = caches(settings)

    async def scenario() -> None:
        stores = open_stores(settings, known)
        stores.start()
        assert stores.up() == {}
        assert known.endpoints.journal is None
        assert known.fixes.journal is None
        await stores.aclose()

    asyncio.run(scenario())


def test_a_file_is_shared_by_those_who_know_the_secret(tmp_path: Path) -> None:
    settings = settings_with(f"sqlite:///{tmp_path}/m.sqlite", None, SECRET)
    known = caches(settings)

    async def scenario() -> None:
        stores = open_stores(settings, known)
        assert stores.up() == {"memory": False}
        assert known.endpoints.journal is stores.findings
        assert known.fixes.journal is stores.findings
        stores.start()
        await until(lambda: stores.up() == {"memory": True})
        await stores.aclose()

    asyncio.run(scenario())


def test_a_file_of_responses_is_up_while_it_works(tmp_path: Path) -> None:
    file = tmp_path / "r.sqlite"
    settings = settings_with("memory://", f"sqlite:///{file}", None)

    async def scenario() -> None:
        stores = open_stores(settings, caches(settings))
        stores.start()
        store = stores.responses
        assert isinstance(store, SqliteStore)
        assert stores.up() == {"responses": True}
        with closing(sqlite3.connect(file)) as other:
            other.execute("ALTER TABLE responses RENAME TO gone")
        with pytest.raises(StoreError):
            await store.put("alice", "resp_1", HELLO)
        assert stores.up() == {"responses": False}
        with closing(sqlite3.connect(file)) as other:
            other.execute("ALTER TABLE gone RENAME TO responses")
        await store.put("alice", "resp_1", HELLO)
        assert stores.up() == {"responses": True}
        await store.aclose()
        await stores.aclose()

    asyncio.run(scenario())


@needs_redis
def test_a_redis_server_is_shared_for_both(redis: RedisProcess) -> None:
    settings = settings_with(redis.url, redis.url, SECRET)

    async def scenario() -> None:
        stores = open_stores(settings, caches(settings))
        assert stores.up() == {"memory": False, "responses": False}
        stores.start()
        await until(lambda: stores.up() == {"memory": True, "responses": True})
        assert isinstance(stores.responses, RedisResponses)
        await stores.responses.aclose()
        await stores.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("memory", "store", "setting"),
    [
        ("redis://h", None, "memory.url"),
        ("sqlite:///none", None, "memory.url"),
        ("memory://", "redis://h", "responses.store"),
    ],
)
def test_nothing_is_shared_without_a_secret(memory: str, store: str | None, setting: str) -> None:
    settings = settings_with(memory, store, None)
    with pytest.raises(ValueError, match=f"{setting} needs a secret"):
        open_stores(settings, caches(settings))


# --- what both promise


def test_what_is_put_can_be_got_by_its_owner_only(play: Callable[[Scenario], None]) -> None:
    async def scenario(store: ResponseStore, _: FakeClock) -> None:
        await store.put("alice", "resp_1", HELLO)
        assert await store.get("alice", "resp_1") == HELLO
        assert await store.get("bob", "resp_1") is None
        assert await store.get("alice", "resp_2") is None

    play(scenario)


def test_what_is_deleted_is_gone_and_nobody_deletes_anothers(
    play: Callable[[Scenario], None],
) -> None:
    async def scenario(store: ResponseStore, _: FakeClock) -> None:
        await store.put("alice", "resp_1", HELLO)
        assert not await store.delete("bob", "resp_1")
        assert await store.delete("alice", "resp_1")
        assert not await store.delete("alice", "resp_1")
        assert await store.get("alice", "resp_1") is None

    play(scenario)


def test_what_is_kept_is_never_replaced(play: Callable[[Scenario], None]) -> None:
    other = StoredResponse({"id": "resp_1", "output": ["other"]}, [])

    async def scenario(store: ResponseStore, clock: FakeClock) -> None:
        await store.put("alice", "resp_1", HELLO)
        with pytest.raises(StoreError, match="taken"):
            await store.put("alice", "resp_1", other)
        await store.put("bob", "resp_1", other)
        assert await store.get("alice", "resp_1") == HELLO
        assert await store.get("bob", "resp_1") == other
        clock.advance(101)
        # What has expired is not there.
        await store.put("alice", "resp_1", other)
        assert await store.get("alice", "resp_1") == other

    play(scenario)


def test_of_many_at_once_one_is_kept(play: Callable[[Scenario], None]) -> None:
    async def scenario(store: ResponseStore, _: FakeClock) -> None:
        versions = [StoredResponse({"id": "resp_1", "number": n}, []) for n in range(20)]
        ended = await asyncio.gather(
            *(store.put("alice", "resp_1", each) for each in versions), return_exceptions=True
        )
        assert [each for each in ended if each is None] == [None]
        kept = await store.get("alice", "resp_1")
        assert kept == versions[ended.index(None)]

    play(scenario)


def named(text: str, *ids: str) -> StoredResponse:
    """A response with items of these ids, and one that references do not find."""
    items = [{"type": "message", "id": each, "content": text} for each in (*ids, "theirs")]
    return StoredResponse({"id": text}, list(items), len(items), ids)


def test_items_are_found_by_their_owner_in_the_last_response_that_names_them(
    play: Callable[[Scenario], None],
) -> None:
    async def scenario(store: ResponseStore, clock: FakeClock) -> None:
        await store.put("alice", "resp_1", named("one", "a", "b"))
        await store.put("alice", "resp_2", named("two", "b", "c"))
        found = await store.items("alice", ["a", "b", "c", "d", "theirs"])
        assert {key: item["content"] for key, item in found.items()} == {
            "a": "one",
            "b": "two",
            "c": "two",
        }
        assert await store.items("bob", ["a", "b"]) == {}
        assert await store.items("alice", []) == {}
        assert await store.delete("alice", "resp_2")
        assert list(await store.items("alice", ["a", "b", "c"])) == ["a"]
        clock.advance(101)
        assert await store.items("alice", ["a"]) == {}

    play(scenario)


def test_items_make_room_with_their_responses(play: Callable[[Scenario], None]) -> None:
    async def scenario(store: ResponseStore, clock: FakeClock) -> None:
        for number in range(12):
            clock.advance(1)
            await store.put("alice", f"resp_{number}", named("x" * 100, f"msg_{number}"))
        ids = [f"msg_{number}" for number in range(12)]
        found = await store.items("alice", ids)
        assert 0 < len(found) < 12
        for item_id in found:
            assert await store.get("alice", f"resp_{item_id[4:]}") is not None

    play(scenario)


def test_how_much_was_input_is_kept(play: Callable[[Scenario], None]) -> None:
    async def scenario(store: ResponseStore, _: FakeClock) -> None:
        await store.put("alice", "resp_1", named("one", "a"))
        kept = await store.get("alice", "resp_1")
        assert kept is not None
        assert (kept.inputs, len(kept.items_before_output)) == (2, 2)

    play(scenario)


def test_it_expires(play: Callable[[Scenario], None]) -> None:
    async def scenario(store: ResponseStore, clock: FakeClock) -> None:
        await store.put("alice", "resp_1", HELLO)
        clock.advance(101)
        assert await store.get("alice", "resp_1") is None
        await store.put("alice", "resp_2", HELLO)
        assert await store.get("alice", "resp_2") == HELLO

    play(scenario)


def test_the_oldest_make_room(play: Callable[[Scenario], None]) -> None:
    async def scenario(store: ResponseStore, clock: FakeClock) -> None:
        large = StoredResponse({"text": "x" * 500}, [])
        for number in range(6):
            clock.advance(1)
            await store.put("alice", f"resp_{number}", large)
        kept = [n for n in range(6) if await store.get("alice", f"resp_{n}")]
        assert kept == [3, 4, 5]

    play(scenario)


def test_what_is_larger_than_the_whole_store_is_not_kept(
    play: Callable[[Scenario], None],
) -> None:
    async def scenario(store: ResponseStore, _: FakeClock) -> None:
        await store.put("alice", "resp_1", HELLO)
        with pytest.raises(TooLarge, match="allows 2,000"):
            await store.put("alice", "resp_2", StoredResponse({"text": "x" * 5000}, []))
        assert await store.get("alice", "resp_2") is None
        assert await store.get("alice", "resp_1") == HELLO

    play(scenario)
