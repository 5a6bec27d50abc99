"""Findings in an SQLite file: they survive restarts, and the workers of a machine share them."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from gateway.config.secret import Secret
from gateway.config.store_settings import MemorySettings
from gateway.resolve.memory import Clock
from gateway.stores.findings import Finding, encoded, name_of, space_of
from gateway.stores.sqlite_file import SqliteFile

POLL_INTERVAL = 0.25
"""Seconds between two looks for what other processes have written."""

# AUTOINCREMENT: a revision is never used again, so none is missed after the last rows are deleted.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS findings (
    revision INTEGER PRIMARY KEY AUTOINCREMENT,
    space TEXT NOT NULL,
    name TEXT NOT NULL,
    at REAL NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (space, name)
);
CREATE INDEX IF NOT EXISTS findings_by_age ON findings (at);
"""


class SqliteFindings:
    """Shares findings in a file with processes that have the same secret.

    What is forgotten stays as a row that says so until it expires. Raises `UnusableStore`.
    """

    def __init__(
        self, path: Path, settings: MemorySettings, secret: Secret, wall_clock: Clock
    ) -> None:
        self._settings = settings
        self._space = space_of(secret)
        self._wall_clock = wall_clock
        self._file = SqliteFile(path, "memory.url", _SCHEMA)
        self._database = self._file.database

    async def follow(
        self, adopt: Callable[[Iterable[bytes]], None], caught_up: Callable[[], None]
    ) -> None:
        """Hand over what is stored, and each change; see `FindingsStore`."""
        revision, version = 0, -1
        while True:
            found, revision, version = await self._file.run(
                lambda since=revision, seen=version: self._changes(since, seen)  # type: ignore[misc]
            )
            adopt(found)
            caught_up()
            await asyncio.sleep(POLL_INTERVAL)

    async def write(self, findings: Sequence[Finding]) -> None:
        """Store findings, and drop the oldest ones beyond the limit; see `FindingsStore`."""
        rows = [(self._space, name_of(each), each.at, encoded(each)) for each in findings]
        await self._file.run(lambda: self._replace(rows))

    async def aclose(self) -> None:
        """Close the file."""
        await self._file.aclose()

    def _changes(self, since: int, seen: int) -> tuple[list[bytes], int, int]:
        """Return what was written after a revision, the last revision, and the file's version."""
        (version,) = self._database.execute("PRAGMA data_version").fetchone()
        if version == seen:
            return [], since, version
        rows = self._database.execute(
            "SELECT revision, body FROM findings WHERE space = ? AND revision > ? "
            "ORDER BY revision",
            (self._space, since),
        ).fetchall()
        return [body for _, body in rows], rows[-1][0] if rows else since, version

    def _replace(self, rows: Sequence[tuple[str, str, float, bytes]]) -> None:
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany(
                "INSERT OR REPLACE INTO findings (space, name, at, body) VALUES (?, ?, ?, ?)", rows
            )
            expired = self._wall_clock() - self._settings.ttl
            self._database.execute("DELETE FROM findings WHERE at <= ?", (expired,))
            self._database.execute(
                "DELETE FROM findings WHERE revision <= (SELECT revision FROM findings "
                "ORDER BY revision DESC LIMIT 1 OFFSET ?)",
                (self._settings.max_entries,),
            )
