"""What is settled before the gateway's processes part."""

import logging
import os
import re
import signal
import sys
from types import SimpleNamespace
from typing import Any, Literal, cast

import pytest

from gateway.app import Application
from gateway.config.operator_settings import LogSettings
from gateway.config.reading.source import Source
from gateway.config.secret import Secret
from gateway.config.settings import ServerSettings, Settings, UpstreamSettings
from gateway.lifecycle import running
from gateway.lifecycle.reloading import Build
from gateway.lifecycle.running import run
from gateway.server.processes.peers import Peers


@pytest.mark.parametrize("workers", [1, 2])
def test_all_processes_have_the_same_secret(workers: int) -> None:
    upstream = UpstreamSettings("up", "http://127.0.0.1:1/v1")
    seen: list[Secret | None] = []

    def build(settings: Settings, _: Peers, __: Application | None) -> Application:
        seen.append(settings.secret)
        raise ValueError("seen")

    settings = Settings((upstream,), ServerSettings(port=0, workers=workers))
    configured = Settings((upstream,), settings.server, secret=Secret("s" * 32))
    for each in (settings, configured):
        with pytest.raises(ValueError, match="seen"):
            run(Source(None, {}), each, build)
    drawn, kept = seen
    assert drawn is not None
    assert len(drawn.reveal()) == 64
    assert kept == Secret("s" * 32)


def served_by(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Have processes note the application that they are to serve, and end at once."""
    served: list[object] = []

    async def serve(*arguments: object) -> None:
        served.append(arguments[0])

    monkeypatch.setattr(running, "Process", lambda *_: SimpleNamespace(serve=serve))
    return served


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_people_read_the_addresses_and_machines_find_them_in_the_log(
    log_format: Literal["text", "json"],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    served = served_by(monkeypatch)
    application = SimpleNamespace()
    settings = Settings(
        (UpstreamSettings("up", "http://127.0.0.1:1/v1"),),
        ServerSettings(port=0, host="::1"),
        log=LogSettings(format=log_format),
    )
    build = cast("Build", lambda *_: application)
    assert run(Source(None, {}), settings, build) == 0
    assert served == [application]
    printed = capsys.readouterr().out
    if log_format == "text":
        assert re.fullmatch(r"gateway: http://\[::1\]:\d+/v1\nadmin: http://\S+:\d+\n", printed)
    else:
        assert printed == ""
        assert re.search(r"http://\[::1\]:\d+/v1", caplog.text)


def test_a_gateway_whose_output_cannot_be_written_serves_all_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    served = served_by(monkeypatch)
    read, written = os.pipe()
    os.close(read)
    settings = Settings((UpstreamSettings("up", "http://127.0.0.1:1/v1"),), ServerSettings(port=0))
    build = cast("Build", lambda *_: SimpleNamespace())
    with open(written, "w", encoding="utf-8") as nobody_reads:
        monkeypatch.setattr(sys, "stdout", nobody_reads)
        assert run(Source(None, {}), settings, build) == 0
        nobody_reads.flush()  # as at exit, where a failure would change the exit code
    assert served
    assert "has started" in caplog.text


@pytest.mark.parametrize("signalled", [True, False])
def test_a_reload_that_is_requested_during_the_start_follows_it(
    monkeypatch: pytest.MonkeyPatch, *, signalled: bool
) -> None:
    begun: list[bool] = []

    class Parent:
        def __init__(self, *arguments: Any) -> None:
            self._reloads = arguments[3]

        def run(self) -> int:
            begun.append(self._reloads._again)
            return 0

    async def aclose() -> None:
        if signalled:
            signal.raise_signal(signal.SIGHUP)

    monkeypatch.setattr(running, "_workers", lambda: Parent)
    settings = Settings(
        (UpstreamSettings("up", "http://127.0.0.1:1/v1"),), ServerSettings(port=0, workers=2)
    )
    loaded: list[str] = []
    lazy = SimpleNamespace(all=lambda: loaded.append("before the workers are forked"))
    attempts = SimpleNamespace(lazy=lazy)
    build = cast("Build", lambda *_: SimpleNamespace(aclose=aclose, attempts=attempts))
    assert run(Source(None, {}), settings, build) == 0
    assert begun == [signalled]
    assert loaded == ["before the workers are forked"]
