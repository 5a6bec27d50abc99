"""Responses kept in an SQLite file: they survive restarts, and workers share them."""

import os
import sqlite3
from collections.abc import Callable, Collection
from pathlib import Path

from gateway.exchange.stored.responses import StoredResponse, StoreError
from gateway.shapes import Json
from gateway.stores.memory import ID_TAKEN, decode, encode, named_items, too_large
from gateway.stores.sqlite_file import SqliteFile

_SCHEMA = """
CREATE TABLE IF NOT EXISTS responses (
    owner TEXT NOT NULL,
    id TEXT NOT NULL,
    expires REAL NOT NULL,
    size INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (owner, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS items (
    owner TEXT NOT NULL,
    id TEXT NOT NULL,
    response TEXT NOT NULL,
    PRIMARY KEY (owner, id),
    FOREIGN KEY (owner, response) REFERENCES responses (owner, id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_response ON items (owner, response);
CREATE TABLE IF NOT EXISTS secret (one INTEGER PRIMARY KEY CHECK (one = 1), key BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS by_expiry ON responses (expires);
"""
_KEY_BYTES = 32
_BYTES_OF_AN_ID = 256
"""What an item's id adds to the size of its response: its row, and its index entry."""


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
        self._file = SqliteFile(path, "responses.store", _SCHEMA, self._read_secret)
        self._database = self._file.database

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
        query = "SELECT body FROM responses WHERE owner = ? AND id = ? AND expires > ?"
        row = await self._file.run(
            lambda: self._database.execute(query, (owner, response_id, self._clock())).fetchone()
        )
        return None if row is None else decode(row[0])

    async def items(self, owner: str, ids: Collection[str]) -> dict[str, Json]:
        """Return the items that are kept under these ids, as far as there are any."""
        found: dict[str, Json] = {}
        for body, inside in await self._file.run(lambda: self._bodies_with(owner, ids)):
            found |= named_items(decode(body), inside)
        return found

    async def put(self, owner: str, response_id: str, stored: StoredResponse) -> None:
        """Keep a response.

        Raises `StoreError` where it alone passes the limit, or the owner has that id already.
        """
        body = encode(stored)
        if len(body) > self._max_bytes:
            raise too_large(len(body), self._max_bytes)
        if not await self._file.run(
            lambda: self._insert(owner, response_id, body, stored.own_ids), "writing"
        ):
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

    def _bodies_with(self, owner: str, ids: Collection[str]) -> list[tuple[bytes, set[str]]]:
        """Return the responses that have items of these ids, each with the ids that it has."""
        wanted: dict[str, set[str]] = {}
        place = "SELECT response FROM items WHERE owner = ? AND id = ?"
        for item_id in ids:
            row = self._database.execute(place, (owner, item_id)).fetchone()
            if row is not None:
                wanted.setdefault(row[0], set()).add(item_id)
        query = "SELECT body FROM responses WHERE owner = ? AND id = ? AND expires > ?"
        now = self._clock()
        rows = (
            (self._database.execute(query, (owner, response_id, now)).fetchone(), inside)
            for response_id, inside in wanted.items()
        )
        return [(row[0], inside) for row, inside in rows if row is not None]

    def _insert(self, owner: str, response_id: str, body: bytes, item_ids: Collection[str]) -> bool:
        """Insert unless the id is taken; return whether it was free."""
        now = self._clock()
        size = len(body) + _BYTES_OF_AN_ID * len(item_ids)
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute("DELETE FROM responses WHERE expires <= ?", (now,))
            inserted = self._database.execute(
                "INSERT INTO responses VALUES (?, ?, ?, ?, ?) ON CONFLICT (owner, id) DO NOTHING",
                (owner, response_id, now + self._ttl, size, body),
            )
            if inserted.rowcount == 1:
                self._database.executemany(
                    "INSERT OR REPLACE INTO items VALUES (?, ?, ?)",
                    [(owner, item_id, response_id) for item_id in item_ids],
                )
            self._make_room()
        return inserted.rowcount == 1

    def _make_room(self) -> None:
        (held,) = self._database.execute("SELECT total(size) FROM responses").fetchone()
        if held <= self._max_bytes:
            return
        oldest = self._database.execute("SELECT owner, id, size FROM responses ORDER BY expires")
        rows = iter(oldest.fetchall())
        while held > self._max_bytes:
            owner, response_id, size = next(rows)
            self._database.execute(
                "DELETE FROM responses WHERE owner = ? AND id = ?", (owner, response_id)
            )
            held -= size
