"""The SQLite file: whose it is, what is wrong with it, and what if it is locked or full."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.exchange.stored.responses import StoredResponse, StoreError
from gateway.stores import sqlite, sqlite_file
from gateway.stores.sqlite import SqliteStore
from gateway.stores.sqlite_file import UnusableStore
from tests.fakes import FakeClock
from tests.waiting import PATIENCE

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


def test_a_file_that_is_not_a_database_is_an_error_at_once(tmp_path: Path) -> None:
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


LAST_SCHEMA = (
    EARLIER_SCHEMA
    + """
CREATE TABLE items (
    owner TEXT NOT NULL,
    id TEXT NOT NULL,
    response TEXT NOT NULL,
    PRIMARY KEY (owner, id),
    FOREIGN KEY (owner, response) REFERENCES responses (owner, id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX by_response ON items (owner, response);
"""
)
"""The tables of the last release whose items had a foreign key."""


def test_responses_of_an_earlier_release_are_moved_once(tmp_path: Path) -> None:
    path = tmp_path / "responses.sqlite"
    body = b'{"response":{"id":"r","output":[]},"items":[{"id":"msg_1"}]}'
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript(LAST_SCHEMA)
        database.execute("INSERT INTO secret VALUES (1, ?)", (b"k" * 32,))
        row = ("alice", "resp_0", 1e12, len(body), body)
        database.execute("INSERT INTO responses VALUES (?, ?, ?, ?, ?)", row)
        database.execute("INSERT INTO items VALUES ('alice', 'msg_1', 'resp_0')")

    async def scenario() -> None:
        first = SqliteStore(path, 100, 2000, FakeClock())
        second = SqliteStore(path, 100, 2000, FakeClock())
        assert await second.items("alice", ["msg_1"]) == {"msg_1": {"id": "msg_1"}}
        assert await first.delete("alice", "resp_0")
        assert second._database.execute("SELECT count(*) FROM items").fetchone() == (0,)
        await first.aclose()
        await second.aclose()

    asyncio.run(scenario())
    with closing(sqlite3.connect(path)) as database:
        tables = dict(database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
    assert "ROWID" not in tables["responses"]
    assert "moved" not in tables


def test_a_process_that_was_slower_does_not_move_again(tmp_path: Path) -> None:
    """It has seen the earlier table before it gets the lock."""
    path = tmp_path / "responses.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript(LAST_SCHEMA)
        sqlite._move(database)
        before = database.execute("SELECT sql FROM sqlite_master").fetchall()
        sqlite._move(database)
        assert database.execute("SELECT sql FROM sqlite_master").fetchall() == before


def test_a_large_body_is_not_read_for_each_item_that_is_stored(tmp_path: Path) -> None:
    """Where comparing keys reads the body, a large one of 300 items is read 300 times."""

    def bytes_read(characters: int) -> int:
        file = tmp_path / f"{characters}.sqlite"
        store = SqliteStore(file, 100, 100_000_000, FakeClock())
        ids = [f"msg_{n}" for n in range(300)]
        whole = StoredResponse({"text": "x" * characters}, [], own_ids=ids)
        store._database.execute("PRAGMA cache_size = 10")
        before = read_so_far()
        store._write("alice", "resp_1", whole)
        store._write("alice", "resp_2", HELLO)
        return read_so_far() - before

    assert bytes_read(3_000_000) < 3_000_000 + bytes_read(1_000)


def read_so_far() -> int:
    """Return how many bytes this process has read by system calls so far."""
    text = Path("/proc/self/io").read_text("ascii")
    return int(text.partition("rchar: ")[2].partition("\n")[0])


@pytest.mark.parametrize(("limit", "value"), [("_FREED_AT_ONCE", 1000), ("_OLDEST", 2)])
def test_much_that_has_expired_goes_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    """All at once could take longer than a call may, and would then be tried forever."""
    monkeypatch.setattr(sqlite, limit, value)
    clock = FakeClock()

    async def scenario() -> None:
        store = SqliteStore(tmp_path / "responses.sqlite", 100, 100_000, clock)
        for number in range(20):
            ids = [f"msg_{number}_{n}" for n in range(2)]
            await store.put("alice", f"resp_{number}", StoredResponse({}, [], own_ids=ids))
        clock.advance(101)
        counts: list[int] = []
        while not counts or counts[-1] > len(counts):
            await store.put("alice", f"late_{len(counts)}", StoredResponse({}, []))
            rows = store._database.execute("SELECT count(*) FROM responses").fetchone()
            counts.append(rows[0])
            assert await store.get("alice", "resp_19") is None
        assert len(counts) > 5
        assert store._database.execute("SELECT count(*) FROM items").fetchone() == (0,)
        await store.aclose()

    asyncio.run(scenario())


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
    path = tmp_path / "responses.sqlite"

    async def scenario() -> None:
        store = SqliteStore(path, 100, 20_000, FakeClock())
        await store.put("alice", "resp_1", HELLO)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        with monkeypatch.context() as patch:
            patch.setattr(sqlite_file, "_PATIENCE", 1.0)
            async with asyncio.timeout(PATIENCE):
                ended = await asyncio.gather(
                    *(store.put("alice", f"resp_{n}", HELLO) for n in range(100, 200)),
                    return_exceptions=True,
                )
        assert all(isinstance(each, StoreError) for each in ended)
        locked, late = "database is locked", "SQLite did not answer within 1 seconds"
        assert {str(each) for each in ended} == {locked, late}
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
