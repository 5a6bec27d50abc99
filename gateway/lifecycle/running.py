"""Runs the built gateway: its listeners, on the fast event loop, in one process or several."""

import asyncio
import contextlib
import errno
import logging
import os
import socket
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.app import Application
from gateway.config.reading.source import Source
from gateway.config.settings import Settings
from gateway.lifecycle.process import Process, Start
from gateway.lifecycle.reloading import Build, Configuration, report
from gateway.observe.start import log_start
from gateway.server.processes.hand_over import HandOver, inherited
from gateway.server.processes.peers import Peers, private_folder
from gateway.server.processes.signals import Stop, ends_on_signals
from gateway.server.serving import bind
from gateway.system.event_loop import loop_factory

if TYPE_CHECKING:
    from gateway.server.processes.reloads import Reloads
    from gateway.server.processes.workers import Ties, Workers

_NAMES = ("gateway", "admin")
log = logging.getLogger("gateway")

_HOST_KEYS = {"gateway": "server.host (--host)", "admin": "admin.host"}
_PORT_KEYS = {
    "gateway": "choose another server.port (--port).",
    "admin": "choose another admin.port, or do without the admin listener: admin.enabled: false.",
}


def run(source: Source, settings: Settings, build: Build) -> int:
    """Serve until a signal stops it (`server/processes/signals.py`); return the exit code.

    `settings` were read from `source`. Each process builds its own application. Raises `OSError`
    if an address cannot be bound, `ValueError` if the application cannot be built, and
    `SystemExit` with code 0 for a signal before serving has begun.
    """
    configuration = Configuration(source, settings)
    with ends_on_signals() as stop, contextlib.ExitStack() as sockets:
        build_once_to_find_problems = settings.server.workers > 1
        if build_once_to_find_problems:
            asyncio.run(_tried(build(configuration.used(settings), Peers(), None)))
        bound, start = _begun(settings, sockets)

        def work(application: Application, ties: "Ties | None") -> None:
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                one = Process(configuration, build, start, ties)
                runner.run(one.serve(application, bound, stop))
            log.info("process %d has ended", os.getpid())

        def built(peers: Peers) -> Application:
            return build(configuration.used(configuration.settings), peers, None)

        count = settings.server.workers
        if count == 1:
            application = built(Peers())
            _announce(settings, bound)
            work(application, None)
            return 0
        _announce(settings, bound)
        reloads = _reloads(configuration, build, stop)
        with private_folder() as folder:
            return _workers()(
                count,
                lambda ties: work(built(Peers(folder, ties.number, count)), ties),
                sockets.close,
                reloads,
                start.hand_over,
            ).run()


async def _tried(application: Application) -> None:
    """Close an application that was built to find problems; load what all workers then share."""
    application.attempts.lazy.all()
    await application.aclose()


def _reloads(configuration: Configuration, build: Build, early: Stop) -> "Reloads":
    # Who serves alone has no use for the memory that this module takes, nor for that of workers.
    from gateway.server.processes.reloads import Reloads

    reloads = Reloads(lambda: configuration.check(build), configuration.watch, report)
    if early.take_reload():
        reloads.begin_soon()
    return reloads


def _workers() -> "type[Workers]":
    from gateway.server.processes.workers import Workers

    return Workers


def _begun(settings: Settings, sockets: contextlib.ExitStack) -> tuple[list[socket.socket], Start]:
    """Take over the sockets of the program before this one, and bind those that it did not have."""
    earlier = inherited(os.environ)
    for each in earlier.sockets.values():
        sockets.enter_context(each)
    wanted = [(name, *at) for name, at in zip(_NAMES, _addresses(settings), strict=False)]
    bound = [
        earlier.sockets.get((name, host, port)) or sockets.enter_context(_bound(name, host, port))
        for name, host, port in wanted
    ]
    for listener, each in earlier.sockets.items():
        if listener not in wanted:
            each.close()
    return bound, Start(os.getpid(), earlier, HandOver(wanted, bound))


def _addresses(settings: Settings) -> list[tuple[str, int]]:
    addresses = [(settings.server.host, settings.server.port)]
    if settings.admin.enabled:
        addresses.append((settings.admin.host, settings.admin.port))
    return addresses


def _bound(name: str, host: str, port: int) -> socket.socket:
    try:
        return bind(host, port)
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror}. {_remedy(name, error.errno or 0)}") from None


def _remedy(name: str, number: int) -> str:
    if number < 0 or number in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):  # below 0: no such name
        return f"{_HOST_KEYS[name]} has to be an address of this machine; 0.0.0.0 and :: are all."
    if number == errno.EACCES:
        return f"Ports below 1024 are for root and CAP_NET_BIND_SERVICE: {_PORT_KEYS[name]}"
    return f"End the program that listens there, or {_PORT_KEYS[name]}"


def _announce(settings: Settings, bound: Sequence[socket.socket]) -> None:
    """Show the addresses: from here on the sockets queue connections, even before the start.

    They are printed for people. With `log.format: json`, which is for programs, only the log has
    them.
    """
    urls: dict[str, str] = {}
    for name, (host, _), listening in zip(_NAMES, _addresses(settings), bound, strict=False):
        listening.listen(2048)
        place = f"[{host}]" if ":" in host else host
        path = "/v1" if name == "gateway" else ""
        has_tls = settings.server.tls is not None if name == "gateway" else settings.admin.tls
        scheme = "https" if has_tls else "http"
        urls[name] = f"{scheme}://{place}:{listening.getsockname()[1]}{path}"
    if settings.log.format == "text":
        _print([f"{name}: {url}" for name, url in urls.items()])
    log_start(settings, urls)


def _print(lines: Sequence[str]) -> None:
    """Print lines that are in the log, too: standard output may be closed, or a disk full."""
    try:
        print(*lines, sep="\n", flush=True)  # noqa: T201
    except OSError:
        # What is left in the buffer would fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
