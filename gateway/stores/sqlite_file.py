"""An SQLite file that several processes use: opened with care, called in a thread of its own."""

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gateway.exchange.stored.responses import StoreError
from gateway.stores.sqlite_calls import SqliteCalls

Result = TypeVar("Result")

_BUSY_SECONDS_AT_START = 5.0
_BUSY_MILLISECONDS = 2000
"""How long SQLite waits where another process has locked the file."""
_PATIENCE = 3.0
"""Seconds for a call in total, with its wait for the calls before it."""


class UnusableStore(sqlite3.DatabaseError, ValueError):
    """The file of a setting cannot be used; a `ValueError`, as for any unusable setting.

    So callers need not import SQLite, whose memory most gateways do without.
    """

    def __init__(self, setting: str, path: Path, reason: Exception) -> None:
        super().__init__(
            f"{setting}: its SQLite file {path} cannot be used: {str(reason).rstrip('.')}; name "
            "another one, in a folder that exists and can be written to"
        )


class SqliteFile:
    """An open file with its tables; `setting` is the key of the configuration that names it.

    Calls run in a thread of the file's own, one at a time, because SQLite blocks. A call that takes
    too long is interrupted. The time for a call includes its wait for those before it, so that a
    file which stays locked does not delay one call after another. `prepare` is called with the
    connection, once the tables of `schema` are there. Raises `UnusableStore`.
    """

    def __init__(
        self,
        path: Path,
        setting: str,
        schema: str,
        prepare: Callable[[sqlite3.Connection], None] = lambda _: None,
    ) -> None:
        self.failing: set[str] = set()
        """What has failed the last time: `reading`, `writing`."""
        try:
            self.database = sqlite3.connect(
                path, timeout=_BUSY_SECONDS_AT_START, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise UnusableStore(setting, path, error) from error
        try:
            path.chmod(0o600)
            self.database.execute("PRAGMA journal_mode = WAL")
            self.database.executescript(schema)
            prepare(self.database)
            self.database.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
        except (OSError, sqlite3.Error) as error:
            self.database.close()
            raise UnusableStore(setting, path, error) from error
        self._calls = SqliteCalls(self.database)

    async def run(self, work: Callable[[], Result], what: str = "reading") -> Result:
        """Run in the file's thread; raises `StoreError` for whatever SQLite raises.

        `what` is the kind of work, `reading` or `writing`.
        """
        try:
            done = await self._calls.run(work, _PATIENCE)
        except TimeoutError:
            self.failing.add(what)
            raise StoreError(f"SQLite did not answer within {_PATIENCE:.0f} seconds") from None
        except sqlite3.Error as error:
            self.failing.add(what)
            raise StoreError(str(error)) from None
        self.failing.discard(what)
        return done

    async def aclose(self) -> None:
        """Close the file."""
        with contextlib.suppress(StoreError):
            await self.run(self.database.close)
        self._calls.stop()
