"""Both stores keep the same promises: per owner, bounded, expiring."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway.exchange.stored.responses import ResponseStore, StoredResponse, StoreError
from gateway.stores import sqlite
from gateway.stores.memory import MemoryStore
from gateway.stores.sqlite import SqliteStore, UnusableStore
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
        assert (kept.inputs, len(kept.given)) == (2, 2)

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


EARLIER_SCHEMA = """
CREATE TABLE responses (
    owner TEXT NOT NULL,
    id TEXT NOT NULL,
    expires REAL NOT NULL,
    size INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (owner, id)
) WITHOUT ROWID;
CREATE TABLE secret (one INTEGER PRIMARY KEY CHECK (one = 1), key BLOB NOT NULL);
CREATE INDEX by_expiry ON responses (expires);
"""
"""The tables of the first revision that had a store, whose responses had the upstream's ids."""


def test_a_file_of_an_earlier_revision_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "responses.sqlite"
    database = sqlite3.connect(path)
    database.executescript(EARLIER_SCHEMA)
    database.execute("INSERT INTO secret VALUES (1, ?)", (b"k" * 32,))
    body = b'{"response":{"id":"resp_417","output":[]},"items":[]}'
    database.execute(
        "INSERT INTO responses VALUES (?, ?, ?, ?, ?)", ("alice", "resp_417", 1e12, len(body), body)
    )
    database.commit()
    database.close()

    async def scenario() -> None:
        store = SqliteStore(path, 100, 2000, FakeClock())
        assert store.secret == b"k" * 32
        earlier = StoredResponse({"id": "resp_417", "output": []}, [])
        assert await store.get("alice", "resp_417") == earlier
        with pytest.raises(StoreError):
            await store.put("alice", "resp_417", HELLO)
        await store.put("alice", "resp_1", HELLO)
        assert await store.get("alice", "resp_1") == HELLO
        assert await store.delete("alice", "resp_417")
        await store.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize("key", [None, "a text, not bytes, of 32 or more", b"", b"short"])
def test_a_file_without_its_secret_is_an_error_at_once(tmp_path: Path, key: object) -> None:
    path = tmp_path / "responses.sqlite"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE secret (one INTEGER PRIMARY KEY, key BLOB)")
    database.execute("INSERT INTO secret VALUES (1, ?)", (key,))
    database.commit()
    database.close()
    with pytest.raises(UnusableStore, match="'secret' has no key"):
        SqliteStore(path, 100, 2000, FakeClock())


def test_a_file_that_stays_locked_fails_all_calls_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after another they would take as many seconds as there are calls."""
    monkeypatch.setattr(sqlite, "_BUSY_MILLISECONDS", 100)
    monkeypatch.setattr(sqlite, "_PATIENCE", 0.3)
    path = tmp_path / "responses.sqlite"

    async def scenario() -> None:
        store = SqliteStore(path, 100, 20_000, FakeClock())
        await store.put("alice", "resp_1", HELLO)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        async with asyncio.timeout(4):
            ended = await asyncio.gather(
                *(store.put("alice", f"resp_{n}", HELLO) for n in range(100, 200)),
                return_exceptions=True,
            )
        assert all(isinstance(each, StoreError) for each in ended)
        assert str(ended[0]) == "database is locked"
        assert "did not answer" in str(ended[-1])
        # Reading needs no lock.
        assert await store.get("alice", "resp_1") == HELLO
        other.execute("ROLLBACK")
        await store.put("alice", "resp_2", HELLO)
        assert await store.get("alice", "resp_2") == HELLO
        other.close()
        await store.aclose()

    asyncio.run(scenario())


def test_a_full_disk_is_a_store_error_and_leaves_what_was_kept(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = SqliteStore(tmp_path / "responses.sqlite", 100, 2_000_000, FakeClock())
        await store.put("alice", "resp_1", HELLO)
        store._database.execute("PRAGMA max_page_count = 8")
        with pytest.raises(StoreError, match="full"):
            await store.put("alice", "resp_2", StoredResponse({"text": "x" * 500_000}, []))
        assert await store.get("alice", "resp_1") == HELLO
        store._database.execute("PRAGMA max_page_count = 100000")
        await store.put("alice", "resp_3", HELLO)
        await store.aclose()

    asyncio.run(scenario())
