"""Responses kept in an SQLite file: they outlive the process and are shared by its workers."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gateway.exchange.stored_responses import StoredResponse
from gateway.stores.memory import decode, encode

Result = TypeVar("Result")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS responses (
    owner TEXT NOT NULL,
    id TEXT NOT NULL,
    expires REAL NOT NULL,
    size INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (owner, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS secret (one INTEGER PRIMARY KEY CHECK (one = 1), key BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS by_expiry ON responses (expires);
"""
_BUSY_SECONDS = 5.0


class UnusableStore(sqlite3.DatabaseError, ValueError):
    """The file of `responses.store` is none; a `ValueError`, as for any setting that is no good.

    So whoever builds the gateway need not know SQLite, which takes memory that few have use for.
    """

    def __init__(self, reason: sqlite3.Error) -> None:
        super().__init__(f"responses.store cannot be used: {reason}")


class SqliteStore:
    """At most `max_bytes` of responses, each for `ttl` seconds; those that expire first go first.

    `clock` gives Unix time: it must mean the same to every process that shares the file. Calls run
    in a thread, one at a time, because SQLite blocks. Raises `UnusableStore`.
    """

    def __init__(self, path: Path, ttl: float, max_bytes: int, clock: Callable[[], float]) -> None:
        self._ttl = ttl
        self._max_bytes = max_bytes
        self._clock = clock
        self._lock = threading.Lock()
        try:
            self._database = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise UnusableStore(error) from error
        try:
            self.secret = self._open(path)
        except sqlite3.Error as error:
            self._database.close()
            raise UnusableStore(error) from error

    def _open(self, path: Path) -> bytes:
        """Make the tables where there are none; return the secret that came with them."""
        path.chmod(0o600)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.executescript(_SCHEMA)
        self._database.execute("INSERT OR IGNORE INTO secret VALUES (1, ?)", (os.urandom(32),))
        (key,) = self._database.execute("SELECT key FROM secret").fetchone()
        return bytes(key)

    async def get(self, owner: str, response_id: str) -> StoredResponse | None:
        """Return what is kept under that id, unless it has expired."""
        query = "SELECT body FROM responses WHERE owner = ? AND id = ? AND expires > ?"
        row = await self._run(
            lambda: self._database.execute(query, (owner, response_id, self._clock())).fetchone()
        )
        return None if row is None else decode(row[0])

    async def put(self, owner: str, response_id: str, stored: StoredResponse) -> None:
        """Keep a response; one that alone passes the limit is not kept."""
        body = encode(stored)
        if len(body) <= self._max_bytes:
            await self._run(lambda: self._insert(owner, response_id, body))

    async def delete(self, owner: str, response_id: str) -> bool:
        """Forget a response; return whether there was one."""
        statement = "DELETE FROM responses WHERE owner = ? AND id = ?"
        deleted = await self._run(
            lambda: self._database.execute(statement, (owner, response_id)).rowcount
        )
        return deleted > 0

    async def aclose(self) -> None:
        """Close the file."""
        await self._run(self._database.close)

    def _insert(self, owner: str, response_id: str, body: bytes) -> None:
        now = self._clock()
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute("DELETE FROM responses WHERE expires <= ?", (now,))
            self._database.execute(
                "INSERT OR REPLACE INTO responses VALUES (?, ?, ?, ?, ?)",
                (owner, response_id, now + self._ttl, len(body), body),
            )
            self._make_room()

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

    async def _run(self, work: Callable[[], Result]) -> Result:
        def locked() -> Result:
            with self._lock:
                return work()

        return await asyncio.to_thread(locked)
