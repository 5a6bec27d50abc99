"""An SQLite file that is used with care."""

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from gateway.exchange.stored.responses import StoreError
from gateway.stores import sqlite_file
from gateway.stores.sqlite_file import SqliteFile, UnusableStore

SCHEMA = "CREATE TABLE IF NOT EXISTS t (x INTEGER);"


def test_calls_run_in_a_thread_and_their_errors_are_the_stores(tmp_path: Path) -> None:
    async def scenario() -> None:
        file = SqliteFile(tmp_path / "f.sqlite", "memory.url", SCHEMA)
        assert await file.run(threading.get_ident) != threading.get_ident()
        for what in ("reading", "writing"):
            with pytest.raises(StoreError, match="no such table"):
                await file.run(lambda: file.database.execute("SELECT 1 FROM nowhere"), what)
        assert file.failing == {"reading", "writing"}
        await file.run(lambda: file.database.execute("SELECT 1 FROM t"))
        assert file.failing == {"writing"}
        await file.aclose()

    asyncio.run(scenario())


def test_a_call_that_hangs_is_given_up_and_does_not_delay_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "_PATIENCE", 0.05)
    let_go = threading.Event()

    async def scenario() -> None:
        file = SqliteFile(tmp_path / "f.sqlite", "memory.url", SCHEMA)
        with pytest.raises(StoreError, match="did not answer"):
            await file.run(let_go.wait)
        await file.aclose()
        let_go.set()

    asyncio.run(scenario())


def test_what_cannot_be_used_names_its_setting(tmp_path: Path) -> None:
    with pytest.raises(
        UnusableStore, match=r"memory\.url: its SQLite file /\S+ cannot be used: unable to open"
    ):
        SqliteFile(tmp_path / "no" / "such.sqlite", "memory.url", SCHEMA)

    def refuse(_: sqlite3.Connection) -> None:
        raise sqlite3.DatabaseError("it is not ours")

    with pytest.raises(
        UnusableStore, match=r"memory\.url: its SQLite file /\S+ cannot be used: it is not ours"
    ):
        SqliteFile(tmp_path / "f.sqlite", "memory.url", SCHEMA, refuse)
