"""What a process runs on."""

import asyncio
from typing import Any

import pytest
import uvloop

from gateway import running
from gateway.config.settings import AdminSettings, ServerSettings, Settings, UpstreamSettings


def loop_of_a_run(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> type:
    """Run until serving would begin; return the kind of loop that it would be on."""
    seen: list[type] = []

    async def note(*_: Any) -> None:
        seen.append(type(asyncio.get_running_loop()))

    monkeypatch.setattr(running, "_serve", note)
    assert running.run(settings, lambda _: None) == 0  # type: ignore[arg-type, return-value]
    return seen[0]


def settings_at_any_port() -> Settings:
    return Settings(
        (UpstreamSettings("local", "http://127.0.0.1:1/v1"),),
        ServerSettings(port=0),
        admin=AdminSettings(enabled=False),
    )


def test_the_loop_is_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    assert loop_of_a_run(monkeypatch, settings_at_any_port()) is uvloop.Loop


def test_without_uvloop_it_is_asyncios_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(running, "import_module", missing)
    assert issubclass(loop_of_a_run(monkeypatch, settings_at_any_port()), asyncio.BaseEventLoop)
