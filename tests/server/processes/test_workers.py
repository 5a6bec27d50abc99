"""Several processes on one port: real ones, seen from outside."""

import errno
import itertools
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from gateway.config.changes import ReloadResult
from gateway.config.reading.source import Source
from gateway.config.reading.watch import Watch
from gateway.server.processes.hand_over import VARIABLE, HandOver
from gateway.server.processes.reloads import Reloads
from gateway.server.processes.workers import Workers, _ending
from tests.held_upstream import HeldUpstream, PendingRequest, held_upstream
from tests.processes import GatewayProcess, gateway_process, script_process
from tests.server.reloading import no_reloads
from tests.waiting import wait_until

ONE_AND_TWO = pytest.mark.parametrize("workers", [1, 2])
WITHOUT_MEANING = [signal.SIGUSR1]


class Running:
    """A gateway that has said where it listens."""

    def __init__(self, process: GatewayProcess) -> None:
        self.process = process
        self.base_url = process.line_with("gateway: ").removeprefix("gateway: ")
        self.admin_url = process.line_with("admin: ").removeprefix("admin: ")
        self.port = urlsplit(self.base_url).port or 0
        self.admin_port = urlsplit(self.admin_url).port or 0

    def health(self) -> int:
        url = self.base_url.removesuffix("/v1") + "/healthz"
        return httpx2.get(url, trust_env=False).status_code

    def workers(self) -> set[int]:
        return self.process.children()

    def all_workers(self) -> set[int]:
        """Wait until both workers serve; return them.

        The first one serves before there is a second one, which may take no signals yet.
        """
        wait_until(lambda: len(self._scraped("process_open_fds")) == 2)
        return self.workers()

    def _scraped(self, name: str) -> list[str]:
        """Return a metric's samples: one of each worker that serves, if it is of a process."""
        text = httpx2.get(f"{self.admin_url}/metrics", trust_env=False).text
        return [line for line in text.splitlines() if line.startswith(name)]

    def refuses(self) -> bool:
        """Whether nothing listens at either port; connections that come too early are closed."""
        for port in (self.port, self.admin_port):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return False
        return True

    def wait_until_it_refuses(self) -> None:
        while not self.refuses():
            pass


@contextmanager
def running(
    folder: Path, workers: int, upstream: HeldUpstream | None = None, port: int = 0, admin: int = 0
) -> Iterator[Running]:
    arguments = ["serve", "--port", str(port), "--workers", str(workers)]
    if upstream is not None:
        arguments += ["--upstream", upstream.base_url]
    with gateway_process(*arguments, folder=folder, GATEWAY_ADMIN__PORT=str(admin)) as process:
        yield Running(process)


@contextmanager
def running_with_a_request(
    folder: Path, workers: int
) -> Iterator[tuple[Running, HeldUpstream, PendingRequest]]:
    """A gateway in which a request waits for its upstream."""
    with held_upstream() as upstream, running(folder, workers, upstream) as gateway:
        request = PendingRequest(gateway.base_url)
        upstream.wait_for_request()
        yield gateway, upstream, request


@pytest.mark.slow
def test_a_worker_that_dies_is_replaced_and_all_end_on_sigterm(tmp_path: Path) -> None:
    with running(tmp_path, 2) as gateway:
        os.kill(min(gateway.all_workers()), signal.SIGKILL)
        gateway.process.line_with("starting another")
        assert gateway.health() == 200
        gateway.process.signal(signal.SIGTERM)
        assert gateway.process.ended() == 0


@pytest.mark.slow
@ONE_AND_TWO
def test_signals_without_meaning_cost_no_request(tmp_path: Path, workers: int) -> None:
    with running_with_a_request(tmp_path, workers) as (gateway, upstream, request):
        for number in WITHOUT_MEANING:
            gateway.process.signal(number)
            gateway.process.line_with(number.name)
            for worker in gateway.all_workers() if workers == 2 else ():
                os.kill(worker, number)
                gateway.process.line_with(number.name)
        upstream.go.set()
        assert request.outcome() == 200
        assert gateway.health() == 200
        gateway.process.signal(signal.SIGTERM)
        assert gateway.process.ended() == 0


@pytest.mark.slow
@ONE_AND_TWO
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_signal_to_stop_frees_the_ports_at_once_and_drains(
    tmp_path: Path, number: signal.Signals, workers: int
) -> None:
    with running_with_a_request(tmp_path, workers) as (gateway, upstream, request):
        gateway.process.signal(number)
        gateway.wait_until_it_refuses()
        # A second one, and one that means nothing, change nothing.
        gateway.process.signal(number)
        gateway.process.signal(signal.SIGUSR1)
        gateway.process.line_with("SIGUSR1")
        upstream.go.set()
        assert request.outcome() == 200
        assert gateway.process.ended() == 0


@pytest.mark.slow
def test_sigquit_to_a_worker_drains_it(tmp_path: Path) -> None:
    with running_with_a_request(tmp_path, 2) as (gateway, upstream, request):
        for worker in gateway.all_workers():
            os.kill(worker, signal.SIGQUIT)
        upstream.go.set()
        assert request.outcome() == 200
        for _ in range(2):
            assert "(exit code 0)" in gateway.process.line_with("starting another")
        assert gateway.health() == 200
        gateway.process.signal(signal.SIGTERM)
        assert gateway.process.ended() == 0


@pytest.mark.slow
def test_workers_end_with_a_parent_that_is_killed_and_a_restart_has_the_port_at_once(
    tmp_path: Path,
) -> None:
    with running_with_a_request(tmp_path, 2) as (gateway, upstream, request):
        gateway.process.signal(signal.SIGKILL)
        with running(tmp_path, 2, upstream, gateway.port, gateway.admin_port) as following:
            assert (following.port, following.admin_port) == (gateway.port, gateway.admin_port)
            assert following.health() == 200
            url = f"{following.admin_url}/metrics"
            assert httpx2.get(url, trust_env=False).status_code == 200
            upstream.go.set()
            # That of the old gateway's worker, which nobody has cut off.
            assert request.outcome() == 200
            # Its output ends with the last process that has it open.
            assert gateway.process.ended() == -signal.SIGKILL
            assert following.health() == 200
            following.process.signal(signal.SIGTERM)
            assert following.process.ended() == 0


@pytest.mark.slow
def test_workers_without_requests_end_with_their_parent(tmp_path: Path) -> None:
    with running(tmp_path, 2) as gateway:
        assert gateway.health() == 200
        gateway.process.signal(signal.SIGKILL)
        assert gateway.process.ended() == -signal.SIGKILL
        assert gateway.refuses()


@pytest.mark.slow
def test_sigterm_while_workers_are_started_ends_all_of_them(tmp_path: Path) -> None:
    with running(tmp_path, 24) as gateway:
        gateway.process.signal(signal.SIGTERM)
        assert gateway.process.ended() == 0
        assert gateway.refuses()


@pytest.mark.parametrize(
    ("ending", "logged"),
    [
        ("os._exit(3)", "exit code 3"),
        ("raise OSError('no luck')", "exit code 1"),
        ("raise SystemExit('no luck')", "exit code 1"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "signal 9"),
    ],
)
def test_workers_that_die_at_once_are_started_again_after_a_pause_that_a_signal_ends(
    tmp_path: Path, ending: str, logged: str
) -> None:
    """The pause is an hour here: a process that sleeps through it does not end in time."""
    script = f"""
import logging, os, signal, sys
from gateway.server.processes import workers
from gateway.config.changes import ReloadResult
from gateway.config.reading.source import Source
from gateway.config.reading.watch import Watch
from gateway.server.processes.hand_over import VARIABLE, HandOver
from gateway.server.processes.reloads import Reloads
from tests.server.reloading import no_reloads
logging.basicConfig()
def work(ties):
    {ending}
workers.RESTART_PAUSE = 3600
release = lambda: print("released", flush=True)
sys.exit(workers.Workers(2, work, release, no_reloads(), HandOver((), ())).run())
"""
    with script_process(script, folder=tmp_path) as process:
        for _ in range(2):
            assert logged in process.line_with("starting another")
        process.signal(signal.SIGTERM)
        process.line_with("released")
        assert process.ended() == 0


def test_a_process_that_cannot_be_started_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gateway.server.processes.workers.RESTART_PAUSE", 0.0)
    before = signal.getsignal(signal.SIGTERM)
    tries: list[int] = []
    released: list[bool] = []

    def fork() -> int:
        tries.append(len(tries))
        if len(tries) == 3:
            # Not to the process: it may have other threads, which do not block the signal.
            signal.raise_signal(signal.SIGTERM)
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", fork)
    assert (
        Workers(
            1, lambda *_: None, lambda: released.append(True), no_reloads(), HandOver((), ())
        ).run()
        == 0
    )
    assert len(tries) == 3
    assert released == [True]
    assert "a worker could not be started (Resource temporarily unavailable)" in caplog.text
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.fixture(name="without_forks")
def _without_forks(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], None]], None]:
    """Have something done at each try to fork, which fails; it is told how many there were."""
    monkeypatch.setattr("gateway.server.processes.workers.RESTART_PAUSE", 0.0)

    def at_each(act: Callable[[int], None]) -> None:
        counted = itertools.count()

        def fork() -> int:
            act(next(counted))
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

        monkeypatch.setattr(os, "fork", fork)

    return at_each


def test_a_parent_reloads_at_its_signal(
    without_forks: Callable[[Callable[[int], None]], None],
) -> None:
    reloaded: list[int] = []
    reported: list[str] = []
    signals = [signal.SIGHUP, signal.SIGTERM]
    without_forks(lambda tries: signal.raise_signal(signals[tries]))

    def check() -> tuple[str, ReloadResult]:
        reloaded.append(len(reloaded))
        return "", ReloadResult(done=False, text="it is wrong")

    watch = Watch(Source(None, {}), on=False)
    reloads = Reloads(check, watch, lambda result: reported.append(result.text))
    assert Workers(1, lambda *_: None, lambda: None, reloads, HandOver((), ())).run() == 0
    assert reloaded == [0]
    assert reported == ["it is wrong"]


@pytest.mark.parametrize("serves", [True, False])
def test_a_parent_is_replaced_by_a_program_that_serves(
    *,
    serves: bool,
    without_forks: Callable[[Callable[[int], None]], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ending = "os.write(handed['pipe'], b'1')" if serves else "raise SystemExit(1)"
    program = f"import json, os; handed = json.loads(os.environ[{VARIABLE!r}]); {ending}"
    monkeypatch.setattr(sys, "orig_argv", ["python", "-c", program])
    released: list[bool] = []

    def act(tries: int) -> None:
        if tries == 0:
            signal.raise_signal(signal.SIGUSR2)
        elif "the new program has exited" in caplog.text:
            signal.raise_signal(signal.SIGTERM)

    without_forks(act)
    workers = Workers(
        1, lambda *_: None, lambda: released.append(True), no_reloads(), HandOver((), ())
    )
    assert workers.run() == 0
    assert released == [True]
    assert ("the new program has exited" in caplog.text) is not serves
    if serves:
        os.wait()


def test_how_a_worker_ended_is_said_in_words() -> None:
    assert _ending(256) == "exit code 1"
    assert _ending(9) == "signal 9"
