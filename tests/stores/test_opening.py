"""Which store the settings open."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from gateway.config.settings import ResponsesSettings
from gateway.exchange.stored.responses import StoredResponse
from gateway.stores.memory import MemoryStore
from gateway.stores.opening import open_store
from gateway.stores.sqlite import SqliteStore

HELLO = StoredResponse({"id": "resp_1"}, [{"type": "message", "role": "user", "content": "Hi"}])


def test_nothing_is_kept_unless_a_store_is_named() -> None:
    assert open_store(ResponsesSettings()) is None


def test_memory_is_kept_by_this_process() -> None:
    store = open_store(ResponsesSettings("memory://"))
    assert isinstance(store, MemoryStore)
    asyncio.run(store.put("alice", "resp_1", HELLO))
    assert asyncio.run(store.get("alice", "resp_1")) == HELLO
    asyncio.run(store.aclose())


def test_a_file_outlives_the_process_and_keeps_its_secret(tmp_path: Path) -> None:
    file = tmp_path / "responses.sqlite"
    settings = ResponsesSettings(f"sqlite:///{file}")
    store = open_store(settings)
    assert isinstance(store, SqliteStore)
    secret = store.secret
    asyncio.run(store.put("alice", "resp_1", HELLO))
    asyncio.run(store.aclose())
    assert file.stat().st_mode & 0o077 == 0
    again = open_store(settings)
    assert again is not None
    assert again.secret == secret
    assert asyncio.run(again.get("alice", "resp_1")) == HELLO
    asyncio.run(again.aclose())


def test_a_relative_path_is_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store(ResponsesSettings("sqlite:///kept.sqlite"))
    assert store is not None
    asyncio.run(store.aclose())
    assert (tmp_path / "kept.sqlite").is_file()


def test_the_limits_are_those_of_the_settings() -> None:
    store = open_store(ResponsesSettings("memory://", max_bytes=10))
    assert store is not None
    asyncio.run(store.put("alice", "resp_1", HELLO))
    assert asyncio.run(store.get("alice", "resp_1")) is None


def test_a_file_that_is_no_database_is_an_error_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("This is no database. " * 100, "utf-8")
    with pytest.raises(sqlite3.Error):
        open_store(ResponsesSettings(f"sqlite:///{file}"))
    with pytest.raises(sqlite3.Error):
        open_store(ResponsesSettings(f"sqlite:///{tmp_path}/no/such/place.sqlite"))
