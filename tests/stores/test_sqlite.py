"""The SQLite file: whose it is, what is wrong with it, and what if it is locked or full."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from gateway.exchange.stored.responses import StoredResponse, StoreError
from gateway.stores import sqlite_file
from gateway.stores.sqlite import SqliteStore
from gateway.stores.sqlite_file import UnusableStore
from tests.fakes import FakeClock

HELLO = StoredResponse(
    {"id": "resp_1", "output": []}, [{"type": "message", "role": "user", "content": "Hallö"}]
)


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
    monkeypatch.setattr(sqlite_file, "_BUSY_MILLISECONDS", 100)
    monkeypatch.setattr(sqlite_file, "_PATIENCE", 0.3)
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
