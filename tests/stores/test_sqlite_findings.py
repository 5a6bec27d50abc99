"""Findings in an SQLite file: shared by workers, there after a restart."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.config.secret import Secret
from gateway.config.store_settings import MemorySettings
from gateway.shapes import Shape
from gateway.stores import sqlite_file
from gateway.stores.sqlite_file import UnusableStore
from tests.stores.processes import ALICE, DROP, NONE, RENAME, TOOLS, Replica, until


@pytest.fixture
def settings(tmp_path: Path) -> MemorySettings:
    return MemorySettings(f"sqlite:///{tmp_path}/memory.sqlite")


def rows(settings: MemorySettings) -> int:
    with closing(sqlite3.connect(settings.url.removeprefix("sqlite:///"))) as database:
        count: int = database.execute("SELECT count(*) FROM findings").fetchone()[0]
        return count


def test_what_one_worker_has_learned_another_uses(settings: MemorySettings) -> None:
    async def scenario() -> None:
        async with Replica(settings) as one, Replica(settings) as other:
            one.learn("m", Shape.RESPONSES)
            one.learn("m", Shape.COMPLETIONS, TOOLS)
            one.fixes.add(ALICE, "m", Shape.CHAT, DROP)
            one.fixes.add(ALICE, "m", Shape.CHAT, RENAME)
            await until(lambda: other.fixed("m") == (DROP, RENAME))
            assert other.recall("m") is Shape.RESPONSES
            assert other.recall("m", TOOLS) is Shape.COMPLETIONS
            other.endpoints.forget(ALICE, "m", NONE, Shape.RESPONSES)
            other.fixes.forget(ALICE, "m", Shape.CHAT)
            await until(lambda: one.fixed("m") == ())
            assert one.recall("m") is None

    asyncio.run(scenario())


def test_it_is_known_after_a_restart_also_what_was_learned_last(settings: MemorySettings) -> None:
    async def scenario() -> None:
        async with Replica(settings) as before:
            before.learn("m", Shape.RESPONSES)
        async with Replica(settings) as after:
            assert after.recall("m") is Shape.RESPONSES
        async with Replica(settings, Secret("t" * 32)) as stranger:
            assert stranger.recall("m") is None

    asyncio.run(scenario())
    assert Path(settings.url.removeprefix("sqlite:///")).stat().st_mode & 0o777 == 0o600


def test_it_expires_and_is_bounded(settings: MemorySettings) -> None:
    small = replace(settings, ttl=100, max_entries=5)

    async def scenario() -> None:
        async with Replica(small, wall_clock=lambda: 1000.0) as one:
            for number in range(20):
                one.learn(f"m{number}", Shape.CHAT)
        assert rows(settings) <= 6
        async with Replica(small, wall_clock=lambda: 1099.0) as younger:
            assert younger.recall("m19") is Shape.CHAT
        async with Replica(small, wall_clock=lambda: 1100.0) as later:
            assert later.recall("m19") is None

    asyncio.run(scenario())


def test_a_locked_file_costs_nothing_and_is_written_later(
    settings: MemorySettings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sqlite_file, "_BUSY_MILLISECONDS", 50)

    async def scenario() -> None:
        async with Replica(settings) as one, Replica(settings) as other:
            path = settings.url.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path, isolation_level=None)) as third:
                third.execute("BEGIN IMMEDIATE")
                one.learn("m", Shape.RESPONSES)
                await until(lambda: not one.state.is_up)
                assert one.recall("m") is Shape.RESPONSES
            await until(lambda: other.recall("m") is Shape.RESPONSES)
            await until(lambda: one.state.is_up)

    asyncio.run(scenario())
    assert "memory.url: database is locked; others hear nothing" in caplog.text


def test_a_file_can_have_responses_too(settings: MemorySettings) -> None:
    from gateway.stores.sqlite import SqliteStore

    path = Path(settings.url.removeprefix("sqlite:///"))

    async def scenario() -> None:
        store = SqliteStore(path, 100, 2000, lambda: 0.0)
        async with Replica(settings) as one:
            one.learn("m", Shape.RESPONSES)
        await store.aclose()

    asyncio.run(scenario())
    assert rows(settings) == 1


def test_an_unusable_file_is_an_error_at_once(settings: MemorySettings) -> None:
    Path(settings.url.removeprefix("sqlite:///")).write_bytes(b"not a database" * 100)
    with pytest.raises(
        UnusableStore,
        match=r"memory\.url: its SQLite file /\S+ cannot be used: file is not a database",
    ):
        Replica(settings)
