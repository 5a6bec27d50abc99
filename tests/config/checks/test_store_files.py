"""Whether SQLite files can be used: looked at, never opened or created."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.config.checks.store_files import unusable_files
from gateway.config.settings import Settings, UpstreamSettings
from gateway.config.store_settings import MemorySettings, ResponsesSettings

UPSTREAM = UpstreamSettings("openai", "http://127.0.0.1:1/v1")


def settings_with(memory: str, store: str | None) -> Settings:
    return Settings((UPSTREAM,), memory=MemorySettings(memory), responses=ResponsesSettings(store))


def of_file(path: Path) -> list[str]:
    found = unusable_files(settings_with("memory://", f"sqlite:///{path}"))
    return [fault.message for _, fault in found]


def test_a_file_that_is_not_there_yet_can_be_used_and_is_not_created(tmp_path: Path) -> None:
    assert of_file(tmp_path / "new.sqlite") == []
    assert list(tmp_path.iterdir()) == []


def test_a_database_and_an_empty_file_can_be_used(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    path.touch()
    assert of_file(path) == []
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (x)")
    assert of_file(path) == []
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_used_is_said_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("This is not a database.")
    (tmp_path / "folder").mkdir()
    settings = settings_with(f"sqlite:///{tmp_path}/text", f"sqlite:///{tmp_path}/folder")
    memory, responses = unusable_files(settings)
    assert [memory[0], responses[0]] == [("memory", "url"), ("responses", "store")]
    fault = "names an SQLite file that cannot be used: it is not a"
    assert [memory[1].message, responses[1].message] == [f"{fault} database", f"{fault} file"]
    (missing,) = of_file(tmp_path / "no" / "such.sqlite")
    assert f"its folder {tmp_path}/no cannot be written to" in missing


def test_a_file_of_another_user_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r.sqlite"
    path.touch()
    monkeypatch.setattr(os, "access", lambda given, _: given != path)
    (problem,) = of_file(path)
    assert "it cannot be read and written" in problem


def test_others_are_no_files() -> None:
    for settings in (settings_with("memory://", None), settings_with("redis://h", "redis://h")):
        assert list(unusable_files(settings)) == []
