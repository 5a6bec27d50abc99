"""What a process runs on."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import uvloop

from gateway import app, running
from gateway.config.settings import AdminSettings, ServerSettings, Settings, UpstreamSettings
from gateway.server.serving import bind
from gateway.server.signals import Stop
from tests.processes import script_process

BUILDING = """
import os, signal, sys
from gateway import app, running
from gateway.config.settings import AdminSettings, ServerSettings, Settings, UpstreamSettings

parent = os.getpid()

class Built:
    async def aclose(self):
        pass

def build(settings):
    if {passes} and os.getpid() == parent:
        return Built()
    print("building", flush=True)
    while True:
        signal.pause()

settings = Settings(
    (UpstreamSettings("local", "http://127.0.0.1:1/v1"),),
    ServerSettings(port=0, workers={workers}),
    admin=AdminSettings(enabled=False),
)
sys.exit(running.run(settings, build))
"""
"""A start that never ends; `passes`: in the parent it does, but not in its workers."""


@pytest.mark.parametrize(
    ("workers", "passes"), [(1, False), (2, False), (2, True)], ids=["one", "parent", "workers"]
)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_signal_ends_a_start_in_progress_with_success(
    tmp_path: Path, number: signal.Signals, workers: int, *, passes: bool
) -> None:
    script = BUILDING.format(workers=workers, passes=passes)
    with script_process(script, folder=tmp_path) as process:
        process.line_with("building")
        # These do not end it.
        process.signal(signal.SIGHUP)
        process.signal(signal.SIGUSR1)
        process.signal(number)
        # Its output ends with the last of its processes.
        assert process.ended() == 0
        assert not any("Traceback" in line for line in process.lines)


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


async def serve_until_it_stops(stop: Stop, parent_gone: int | None) -> None:
    application = app.build(settings_at_any_port())
    with bind("127.0.0.1", 0) as listening:
        listening.listen()
        async with asyncio.timeout(30):
            await running._serve(application, [listening], stop, parent_gone)


def test_a_signal_whose_exception_got_lost_is_heeded() -> None:
    stop = Stop()
    with pytest.raises(SystemExit):
        stop.ask()
    asyncio.run(serve_until_it_stops(stop, None))


def test_a_process_drains_once_its_parent_is_gone(caplog: pytest.LogCaptureFixture) -> None:
    parent_gone, parent_lives = os.pipe()
    os.close(parent_lives)
    try:
        asyncio.run(serve_until_it_stops(Stop(), parent_gone))
    finally:
        os.close(parent_gone)
    assert caplog.messages == ["the parent process is gone: draining"]
