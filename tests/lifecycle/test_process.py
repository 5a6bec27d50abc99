"""A process that serves; more are in tests/server/processes/test_workers.py and tests/changing."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace

import pytest

from gateway import app
from gateway.config.reading.source import Source
from gateway.config.settings import ServerSettings, Settings, UpstreamSettings
from gateway.lifecycle import process as processes
from gateway.lifecycle.process import (
    Process,
    Start,
    _drain_without,
    _settle_allocator,
    _settle_descriptors,
)
from gateway.lifecycle.reloading import Configuration
from gateway.server.processes.hand_over import VARIABLE, HandOver, Inherited
from gateway.server.processes.signals import ALL, Stop
from gateway.server.serving import bind
from tests.waiting import PATIENCE

SETTINGS = Settings((UpstreamSettings("up", "http://127.0.0.1:9/v1"),), ServerSettings(port=0))
SUCCESSOR = f"import json, os; handed = json.loads(os.environ[{VARIABLE!r}])\n"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """An event loop leaves the default handlers."""
    handlers = {number: signal.getsignal(number) for number in ALL}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


class Serving:
    """A process that serves in this one; it has said so."""

    def __init__(self, task: "asyncio.Task[None]", port: int) -> None:
        self.task = task
        self._port = port

    async def is_alive(self) -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
        reply = await reader.read()
        writer.close()
        await writer.wait_closed()
        return reply.startswith(b"HTTP/1.1 200")


class Said(logging.Handler):
    """Waits, while it is entered, until the log says something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text
        self.event = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if self._text in record.getMessage():
            self.event.set()

    def __enter__(self) -> None:
        processes.log.addHandler(self)

    def __exit__(self, *_: object) -> None:
        processes.log.removeHandler(self)


async def became_readable(descriptor: int) -> None:
    loop, readable = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, readable.set)
    await asyncio.wait_for(readable.wait(), PATIENCE)
    loop.remove_reader(descriptor)


def process_with(inherited: Inherited, hand_over: HandOver) -> Process:
    start = Start(os.getpid(), inherited, hand_over)
    source = Source(None, {"GATEWAY_SERVER__PORT": "0"})
    return Process(Configuration(source, SETTINGS), app.build, start, None)


def run(scenario: Callable[[Serving], Awaitable[None]]) -> None:
    async def staged() -> None:
        reading, writing = os.pipe()
        with bind("127.0.0.1", 0) as own, bind("127.0.0.1", 0) as admin:
            for each in (own, admin):
                each.listen()
            hand_over = HandOver([("gateway", "127.0.0.1", 0)], [own])
            process = process_with(Inherited({}, writing), hand_over)
            bound = [own, admin]
            task = asyncio.create_task(process.serve(app.build(SETTINGS), bound, Stop()))
            await became_readable(reading)
            await scenario(Serving(task, own.getsockname()[1]))
            await asyncio.wait_for(task, PATIENCE)
        os.close(reading)
        os.close(writing)

    asyncio.run(staged())


def test_a_signal_ends_it() -> None:
    async def scenario(serving: Serving) -> None:
        assert await serving.is_alive()
        os.kill(os.getpid(), signal.SIGTERM)

    run(scenario)


def test_a_signal_reloads_the_configuration(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    said = Said("the configuration was reloaded")

    async def scenario(serving: Serving) -> None:
        with said:
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.wait_for(said.event.wait(), PATIENCE)
        assert await serving.is_alive()
        os.kill(os.getpid(), signal.SIGTERM)

    run(scenario)


def test_a_signal_from_before_the_event_loop_ends_it_at_once() -> None:
    stop = Stop()
    with pytest.raises(SystemExit):
        stop.request()

    async def scenario() -> None:
        process = process_with(Inherited({}, None), HandOver((), ()))
        with bind("127.0.0.1", 0) as own, bind("127.0.0.1", 0) as admin:
            serving = process.serve(app.build(SETTINGS), [own, admin], stop)
            await asyncio.wait_for(serving, PATIENCE)

    asyncio.run(scenario())


def test_a_reload_from_before_the_event_loop_follows_the_start(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    early, said = Stop(), Said("the configuration was reloaded")
    early.request_reload()

    async def scenario() -> None:
        process = process_with(Inherited({}, None), HandOver((), ()))
        with bind("127.0.0.1", 0) as own, bind("127.0.0.1", 0) as admin, said:
            serving = asyncio.create_task(process.serve(app.build(SETTINGS), [own, admin], early))
            await asyncio.wait_for(said.event.wait(), PATIENCE)
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(serving, PATIENCE)

    asyncio.run(scenario())


def test_a_program_that_serves_replaces_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sys, "orig_argv", ["python", "-c", SUCCESSOR + "os.write(handed['pipe'], b'1')"]
    )

    async def scenario(serving: Serving) -> None:
        os.kill(os.getpid(), signal.SIGUSR2)
        await asyncio.wait_for(serving.task, PATIENCE)

    run(scenario)
    os.wait()


@pytest.mark.parametrize(
    ("program", "said"),
    [(None, "could not be started"), ("raise SystemExit(1)", "the new program has exited")],
)
def test_a_program_that_does_not_serve_changes_nothing(
    program: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Said(said)
    if program is None:
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
    else:
        monkeypatch.setattr(sys, "orig_argv", ["python", "-c", program])

    async def scenario(serving: Serving) -> None:
        with heard:
            os.kill(os.getpid(), signal.SIGUSR2)
            await asyncio.wait_for(heard.event.wait(), PATIENCE)
        assert await serving.is_alive()
        os.kill(os.getpid(), signal.SIGTERM)

    run(scenario)


@pytest.mark.parametrize("stopping", [False, True])
def test_a_parent_that_is_gone_ends_a_worker_unless_it_ends_anyway(
    stopping: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        stop = asyncio.Event()
        gone, lives = socket.socketpair()
        _drain_without(gone.fileno(), stop)
        if stopping:
            stop.set()
        lives.close()
        loop = asyncio.get_running_loop()
        noted = asyncio.Event()
        # It is called after the first one, in the same turn of the loop or a later one.
        copy = os.dup(gone.fileno())
        loop.add_reader(copy, noted.set)
        await asyncio.wait_for(noted.wait(), PATIENCE)
        loop.remove_reader(copy)
        await asyncio.wait_for(stop.wait(), PATIENCE)
        assert not loop.remove_reader(gone.fileno())
        os.close(copy)
        gone.close()

    asyncio.run(scenario())
    assert ("the parent process is gone" in caplog.text) is not stopping


def test_large_blocks_go_back_to_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    options: list[tuple[int, int]] = []
    libc = SimpleNamespace(mallopt=lambda option, value: options.append((option, value)))
    ctypes = SimpleNamespace(CDLL=lambda _: libc)
    monkeypatch.setattr(processes, "import_module", lambda _: ctypes)
    _settle_allocator()
    # M_MMAP_THRESHOLD and M_TRIM_THRESHOLD of malloc.h
    assert options == [(-3, 256 * 1024), (-1, 8 * 1024 * 1024)]


def test_a_platform_whose_allocator_has_no_options_serves_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ctypes = SimpleNamespace(CDLL=lambda _: object())
    monkeypatch.setattr(processes, "import_module", lambda _: ctypes)
    _settle_allocator()
    assert "no mallopt" in caplog.text


@pytest.mark.parametrize("is_raised", [True, False])
def test_a_limit_of_open_files_that_cannot_be_raised_is_noted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, is_raised: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(processes, "raise_open_files_limit", lambda: is_raised)
    _settle_descriptors()
    assert ("limit of open files" in caplog.text) != is_raised
