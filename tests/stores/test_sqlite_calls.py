"""Calls of an SQLite connection, one at a time, and none beyond its time."""

import asyncio
import contextlib
import gc
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator

import pytest

from gateway.stores import sqlite_calls
from gateway.stores.sqlite_calls import SqliteCalls
from tests.waiting import PATIENCE

LONG = "WITH RECURSIVE n(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
"""It never ends."""


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with contextlib.closing(
        sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    ) as opened:
        opened.execute("CREATE TABLE t (x INTEGER)")
        yield opened


def test_a_statement_is_interrupted_when_its_time_is_over(database: sqlite3.Connection) -> None:
    async def scenario() -> None:
        calls = SqliteCalls(database)
        with pytest.raises(TimeoutError):
            await calls.run(lambda: database.execute(LONG).fetchone(), 0.05)
        assert await calls.run(lambda: database.execute("SELECT 1").fetchone(), 10) == (1,)
        calls.stop()

    asyncio.run(scenario())


def test_many_short_statements_are_interrupted_and_rolled_back(
    database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupt between two of them has no effect by itself."""
    monkeypatch.setattr(sqlite_calls, "_STEPS", 100)
    over = threading.Event()
    written = 0

    def rows() -> Iterator[tuple[int]]:
        nonlocal written
        yield (0,)
        assert over.wait(PATIENCE)
        for written in range(10_000_000):
            yield (written,)

    def work() -> None:
        with database:
            database.execute("BEGIN")
            database.executemany("INSERT INTO t VALUES (?)", rows())

    async def scenario() -> None:
        calls = SqliteCalls(database)
        with pytest.raises(TimeoutError):
            await calls.run(work, 0.05)
        over.set()
        count = "SELECT count(*) FROM t"
        assert await calls.run(lambda: database.execute(count).fetchone(), 10) == (0,)
        calls.stop()

    asyncio.run(scenario())
    assert written < 1000


def test_those_that_wait_are_not_interrupted_but_given_up(database: sqlite3.Connection) -> None:
    async def scenario() -> None:
        calls = SqliteCalls(database)
        let_go = threading.Event()
        begun: list[str] = []
        first = asyncio.ensure_future(calls.run(let_go.wait, 60))
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError):
            await calls.run(lambda: begun.append("late"), 0.05)
        cancelled = asyncio.ensure_future(calls.run(lambda: begun.append("cancelled"), 60))
        await asyncio.sleep(0)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        let_go.set()
        assert await first
        await calls.run(lambda: begun.append("next"), 60)
        assert begun == ["next"]
        calls.stop()

    asyncio.run(scenario())


def test_a_call_that_has_begun_ends_though_its_caller_is_cancelled(
    database: sqlite3.Connection,
) -> None:
    async def scenario() -> None:
        calls = SqliteCalls(database)
        begun, let_go = threading.Event(), threading.Event()

        def work() -> None:
            begun.set()
            let_go.wait()
            database.execute("INSERT INTO t VALUES (1)")

        caller = asyncio.ensure_future(calls.run(work, 60))
        await asyncio.to_thread(begun.wait)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        let_go.set()
        count = "SELECT count(*) FROM t"
        assert await calls.run(lambda: database.execute(count).fetchone(), 60) == (1,)
        calls.stop()

    asyncio.run(scenario())


def logged_in(scenario: Callable[[], Coroutine[None, None, None]]) -> list[object]:
    """Run it; return what asyncio would have logged."""
    told: list[object] = []

    async def listening() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        await scenario()

    asyncio.run(listening())
    gc.collect()
    return told


def test_a_call_that_fails_after_its_caller_is_cancelled_is_not_an_error_to_log(
    database: sqlite3.Connection,
) -> None:
    async def scenario() -> None:
        calls = SqliteCalls(database)
        begun, let_go = threading.Event(), threading.Event()

        def work() -> None:
            begun.set()
            let_go.wait()
            raise sqlite3.OperationalError("disk I/O error")

        caller = asyncio.ensure_future(calls.run(work, 60))
        await asyncio.to_thread(begun.wait)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        let_go.set()
        await calls.run(lambda: None, 60)
        calls.stop()

    assert logged_in(scenario) == []


def test_nor_is_one_that_was_cancelled_before_it_began(database: sqlite3.Connection) -> None:
    async def scenario() -> None:
        calls = SqliteCalls(database)
        let_go = threading.Event()
        first = asyncio.ensure_future(calls.run(let_go.wait, 60))
        cancelled = asyncio.ensure_future(calls.run(lambda: None, 0.01))
        await asyncio.sleep(0)
        cancelled.cancel()
        with pytest.raises(TimeoutError):  # later than that of the cancelled one
            await calls.run(lambda: None, 0.02)
        let_go.set()
        await first
        calls.stop()

    assert logged_in(scenario) == []


def test_errors_are_raised_and_a_closed_file_says_so(database: sqlite3.Connection) -> None:
    async def scenario() -> None:
        calls = SqliteCalls(database)
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            await calls.run(lambda: database.execute("SELECT 1 FROM nowhere"), 60)
        calls.stop()
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            await calls.run(lambda: None, 60)

    asyncio.run(scenario())


def test_giving_up_what_closes_the_file_is_harmless(database: sqlite3.Connection) -> None:
    let_go = threading.Event()

    def close() -> None:
        database.close()
        let_go.wait()

    async def scenario() -> None:
        calls = SqliteCalls(database)
        with pytest.raises(TimeoutError):
            await calls.run(close, 0.05)
        calls.stop()
        let_go.set()

    asyncio.run(scenario())


HANGING = """
import asyncio, sqlite3, threading
from gateway.stores.sqlite_calls import SqliteCalls

async def main():
    calls = SqliteCalls(sqlite3.connect(":memory:", check_same_thread=False))
    try:
        await calls.run(threading.Event().wait, 0.05)
    except TimeoutError:
        print("given up")

asyncio.run(main())
"""


def test_a_call_that_hangs_does_not_hold_up_the_end_of_the_process() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout == "given up\n"
