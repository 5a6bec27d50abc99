"""Several processes on one port: real ones, seen from outside."""

import os
import signal
import subprocess
from pathlib import Path

import httpx2
import pytest

from gateway.server.workers import Workers, _ending
from tests.processes import GatewayProcess, gateway_process

pytestmark = pytest.mark.slow


def children(process: GatewayProcess) -> set[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process._process.pid)],
        check=True,
        capture_output=True,
        text=True,
    )
    return {int(pid) for pid in listed.stdout.split()}


def test_a_worker_that_dies_is_replaced_and_all_end_on_sigterm(tmp_path: Path) -> None:
    arguments = ("serve", "--port", "0", "--workers", "2")
    with gateway_process(*arguments, folder=tmp_path, GATEWAY_ADMIN__PORT="0") as process:
        url = process.line_with("gateway: ").removeprefix("gateway: ").removesuffix("/v1")
        process.line_with("admin: ")
        assert httpx2.get(f"{url}/healthz", trust_env=False).status_code == 200
        first = children(process)
        assert len(first) == 2
        os.kill(min(first), signal.SIGKILL)
        process.line_with("starting another")
        assert httpx2.get(f"{url}/healthz", trust_env=False).status_code == 200
        process.signal(signal.SIGTERM)
        assert process.ended() == 0


def test_work_that_fails_is_told_and_work_that_ends_while_stopping_is_not_restarted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gateway.server.workers.RESTART_PAUSE", 0.0)
    started = 0
    workers: Workers

    def fork() -> int:
        """Stand in for the fork: the third worker is the last."""
        nonlocal started
        started += 1
        if started == 3:
            workers._stopping = True
        return started

    endings = iter([(99, 0), (1, 256), (2, 9), (3, 0)])
    monkeypatch.setattr(os, "fork", fork)
    monkeypatch.setattr(os, "wait", lambda: next(endings))
    workers = Workers(2, lambda: None)
    assert workers.run() == 0
    assert started == 3
    assert "worker 1 ended (exit code 1); starting another" in caplog.text


def test_a_forked_worker_ends_where_its_work_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[int] = []

    class EndedError(Exception):
        """Stands in for the end of the process."""

    def end(code: int) -> None:
        codes.append(code)
        raise EndedError

    monkeypatch.setattr(os, "fork", lambda: 0)
    monkeypatch.setattr(os, "_exit", end)

    def fail() -> None:
        raise OSError("no port")

    for work in (lambda: None, fail):
        with pytest.raises(EndedError):
            Workers(1, work).run()
    assert codes == [0, 1]


def test_how_a_worker_ended_is_said_in_words() -> None:
    assert _ending(256) == "exit code 1"
    assert _ending(9) == "signal 9"


def test_a_signal_is_passed_on_and_a_worker_that_is_gone_already_is_no_trouble(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    killed: list[tuple[int, int]] = []

    def kill(process: int, number: int) -> None:
        killed.append((process, number))
        if process == 1:
            raise ProcessLookupError

    monkeypatch.setattr(os, "kill", kill)
    workers = Workers(2, lambda: None)
    workers._started = {1: 0.0, 2: 0.0}
    workers._stop(signal.SIGTERM, None)
    assert killed == [(1, signal.SIGTERM), (2, signal.SIGTERM)]
