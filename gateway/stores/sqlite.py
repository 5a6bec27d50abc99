"""Responses kept in an SQLite file: they survive restarts, and workers share them."""

import os
import sqlite3
from collections.abc import Callable, Collection
from pathlib import Path

from gateway.exchange.stored.responses import StoredResponse, StoreError
from gateway.shapes import Json
from gateway.stores.memory import BYTES_OF_AN_ID, ID_TAKEN, decode, encode, named_items, too_large
from gateway.stores.sqlite_file import SqliteFile

# A rowid table: without rowids, each comparison of keys reads the whole body as well.
_RESPONSES = """(
    owner TEXT NOT NULL,
    id TEXT NOT NULL,
    expires REAL NOT NULL,
    size INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (owner, id)
)"""
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS responses {_RESPONSES};
CREATE TABLE IF NOT EXISTS items (
    owner TEXT NOT NULL,
    id TEXT NOT NULL,
    response TEXT NOT NULL,
    PRIMARY KEY (owner, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_response ON items (owner, response);
CREATE TABLE IF NOT EXISTS secret (one INTEGER PRIMARY KEY CHECK (one = 1), key BLOB NOT NULL);
"""
_INDEX = "CREATE INDEX IF NOT EXISTS by_age ON responses (expires, size)"
# A foreign key would do it, too, but checking one takes longer than inserting an item.
_FORGET_ITEMS = """
CREATE TRIGGER IF NOT EXISTS forget_items AFTER DELETE ON responses BEGIN
    DELETE FROM items WHERE owner = old.owner AND response = old.id;
END
"""
_IS_EARLIER = (
    "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'responses' "
    "AND sql LIKE '%WITHOUT ROWID%'"
)
_MOVE = (
    f"CREATE TABLE moved {_RESPONSES}",
    "INSERT INTO moved SELECT owner, id, expires, size, body FROM responses",
    "DROP TABLE responses",
    "ALTER TABLE moved RENAME TO responses",
)
_BUSY_MILLISECONDS_OF_A_MOVE = 60_000
"""How long a process waits for another one that moves the responses of an earlier release."""
_KEY_BYTES = 32
_FREED_AT_ONCE = 16 * 1024 * 1024
"""Bytes to delete for one response, or as many as it has: the rest goes with the next ones."""
_OLDEST = 10_000
"""How many responses may make room for one."""


class SqliteStore:
    """At most `max_bytes` of responses, each for `ttl` seconds; those that expire first go first.

    `clock` gives Unix time: it must mean the same to every process that shares the file. Raises
    `UnusableStore`.
    """

    def __init__(self, path: Path, ttl: float, max_bytes: int, clock: Callable[[], float]) -> None:
        self._ttl = ttl
        self._max_bytes = max_bytes
        self._clock = clock
        self.is_failing = False
        """Unknown before an attempt: a file that was locked may be free."""
        self.secret = b""
        self._file = SqliteFile(path, "responses.store", _SCHEMA, self._prepare)
        self._database = self._file.database

    def _prepare(self, database: sqlite3.Connection) -> None:
        if database.execute(_IS_EARLIER).fetchone() is not None:
            _move(database)
        database.execute(_INDEX)
        database.execute(_FORGET_ITEMS)
        self._read_secret(database)

    def _read_secret(self, database: sqlite3.Connection) -> None:
        """Read the secret that is stored with the responses; a new file gets one."""
        fresh = os.urandom(_KEY_BYTES)
        database.execute("INSERT OR IGNORE INTO secret VALUES (1, ?)", (fresh,))
        row = database.execute("SELECT key FROM secret").fetchone()
        key = row[0] if row else None
        if not isinstance(key, bytes) or len(key) < _KEY_BYTES:
            raise sqlite3.DatabaseError(
                "the table 'secret' has no key of 32 bytes. Without it, no response can be "
                "found: remove the file, or name another one."
            )
        self.secret = key

    @property
    def is_up(self) -> bool:
        """Whether the last attempts to read and to write have worked."""
        return not self._file.failing

    async def get(self, owner: str, response_id: str) -> StoredResponse | None:
        """Return what is kept under that id, unless it has expired."""
        return await self._file.run(lambda: self._read(owner, response_id))

    async def items(self, owner: str, ids: Collection[str]) -> dict[str, Json]:
        """Return the items that are kept under these ids, as far as there are any."""
        return await self._file.run(lambda: self._read_items(owner, ids))

    async def put(self, owner: str, response_id: str, stored: StoredResponse) -> None:
        """Keep a response.

        Raises `StoreError` where it alone passes the limit, or the owner has that id already.
        """
        if not await self._file.run(lambda: self._write(owner, response_id, stored), "writing"):
            raise StoreError(ID_TAKEN)

    async def delete(self, owner: str, response_id: str) -> bool:
        """Forget a response; return whether there was one."""
        statement = "DELETE FROM responses WHERE owner = ? AND id = ?"
        deleted = await self._file.run(
            lambda: self._database.execute(statement, (owner, response_id)).rowcount, "writing"
        )
        return deleted > 0

    async def aclose(self) -> None:
        """Close the file."""
        await self._file.aclose()

    def _read(self, owner: str, response_id: str) -> StoredResponse | None:
        query = "SELECT body FROM responses WHERE owner = ? AND id = ? AND expires > ?"
        row = self._database.execute(query, (owner, response_id, self._clock())).fetchone()
        return None if row is None else decode(row[0])

    def _read_items(self, owner: str, ids: Collection[str]) -> dict[str, Json]:
        wanted: dict[str, set[str]] = {}
        place = "SELECT response FROM items WHERE owner = ? AND id = ?"
        for item_id in ids:
            row = self._database.execute(place, (owner, item_id)).fetchone()
            if row is not None:
                wanted.setdefault(row[0], set()).add(item_id)
        found: dict[str, Json] = {}
        for response_id, inside in wanted.items():
            stored = self._read(owner, response_id)
            if stored is not None:
                found |= named_items(stored, inside)
        return found

    def _write(self, owner: str, response_id: str, stored: StoredResponse) -> bool:
        """Insert unless the id is taken; return whether it was free."""
        body = encode(stored)
        size = len(body) + BYTES_OF_AN_ID * len(stored.own_ids)
        if size > self._max_bytes:
            raise too_large(size, self._max_bytes)
        now = self._clock()
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute(
                "DELETE FROM responses WHERE owner = ? AND id = ? AND expires <= ?",
                (owner, response_id, now),
            )
            inserted = self._database.execute(
                "INSERT INTO responses VALUES (?, ?, ?, ?, ?) ON CONFLICT (owner, id) DO NOTHING",
                (owner, response_id, now + self._ttl, size, body),
            )
            if inserted.rowcount == 1:
                self._database.executemany(
                    "INSERT OR REPLACE INTO items VALUES (?, ?, ?)",
                    [(owner, item_id, response_id) for item_id in stored.own_ids],
                )
            self._make_room(now, max(size, _FREED_AT_ONCE))
        return inserted.rowcount == 1

    def _make_room(self, now: float, most: int) -> None:
        """Delete what has expired, and the oldest beyond the limit: about `most` bytes of it."""
        (held,) = self._database.execute("SELECT total(size) FROM responses").fetchone()
        oldest = self._database.execute(
            "SELECT rowid, expires, size FROM responses ORDER BY expires LIMIT ?", (_OLDEST,)
        )
        freed = 0
        for rowid, expires, size in oldest.fetchall():
            if freed >= most or (expires > now and held - freed <= self._max_bytes):
                return
            self._database.execute("DELETE FROM responses WHERE rowid = ?", (rowid,))
            freed += size


def _move(database: sqlite3.Connection) -> None:
    """Move the responses of an earlier release into a table that is checked quickly."""
    database.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS_OF_A_MOVE}")
    with database:
        database.execute("BEGIN IMMEDIATE")
        if (
            database.execute(_IS_EARLIER).fetchone() is not None
        ):  # unless another process has done it
            for statement in _MOVE:
                database.execute(statement)
