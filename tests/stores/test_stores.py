"""Both stores keep the same promises: per owner, bounded, expiring."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway.exchange.stored_responses import ResponseStore, StoredResponse
from gateway.stores.memory import MemoryStore
from gateway.stores.sqlite import SqliteStore
from tests.fakes import FakeClock

Scenario = Callable[[ResponseStore, FakeClock], Awaitable[None]]
HELLO = StoredResponse(
    {"id": "resp_1", "output": []}, [{"type": "message", "role": "user", "content": "Hallö"}]
)


@pytest.fixture(params=["memory", "sqlite"])
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Scenario], None]:
    """Play a scenario with a store that holds 2,000 bytes for 100 seconds."""

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
        await store.put("alice", "resp_2", StoredResponse({"text": "x" * 5000}, []))
        assert await store.get("alice", "resp_2") is None
        assert await store.get("alice", "resp_1") == HELLO

    play(scenario)


def test_a_file_outlives_its_process_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "responses.sqlite"

    async def scenario() -> None:
        first = SqliteStore(path, 100, 2000, FakeClock())
        await first.put("alice", "resp_1", HELLO)
        await first.aclose()
        second = SqliteStore(path, 100, 2000, FakeClock())
        assert second.secret == first.secret
        assert await second.get("alice", "resp_1") == HELLO
        await second.aclose()

    asyncio.run(scenario())
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_no_database_is_an_error_at_once(tmp_path: Path) -> None:
    path = tmp_path / "responses.sqlite"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        SqliteStore(path, 100, 2000, FakeClock())
