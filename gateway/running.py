"""Runs the built gateway: its listeners, on the fast event loop, in one process or several."""

import asyncio
import contextlib
import gc
import logging
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

from gateway.app import Application, drawn_secret
from gateway.config.settings import Settings
from gateway.server.serving import Listener, bind, serve
from gateway.server.signals import Stop, ends_on_signals, take_signals
from gateway.server.workers import Workers

log = logging.getLogger("gateway")

_COLLECTOR_THRESHOLDS = (20_000, 50, 100)
_M_MMAP_THRESHOLD = -3
"""glibc's number for it (malloc.h, mallopt(3))."""
_LARGE_BLOCK = 256 * 1024
"""Bytes from which on a block of memory is mapped, and given back when it is freed."""

Build = Callable[[Settings], Application]


def run(settings: Settings, build: Build) -> int:
    """Serve until a signal says stop (`server/signals.py`); return the exit code.

    The application is built within each process. Raises `OSError` when an address cannot be bound,
    and `SystemExit` with code 0 for a signal that comes before anything is served.
    """
    settings = replace(settings, secret=settings.secret or drawn_secret())
    with ends_on_signals() as stop, contextlib.ExitStack() as sockets:
        build_once_to_find_problems = settings.server.workers > 1
        if build_once_to_find_problems:
            asyncio.run(build(settings).aclose())
        bound = [sockets.enter_context(bind(host, port)) for host, port in _addresses(settings)]
        _announce(settings, bound)

        def work(parent_gone: int | None) -> None:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(_serve(build(settings), bound, stop, parent_gone))

        if settings.server.workers == 1:
            work(None)
            return 0
        return Workers(settings.server.workers, work, sockets.close).run()


def _addresses(settings: Settings) -> list[tuple[str, int]]:
    addresses = [(settings.server.host, settings.server.port)]
    if settings.admin.enabled:
        addresses.append((settings.admin.host, settings.admin.port))
    return addresses


def _announce(settings: Settings, bound: Sequence[socket.socket]) -> None:
    """Say where it listens: the sockets hold connections from here on, even before the start."""
    for name, (host, _), listening in zip(
        ("gateway", "admin"), _addresses(settings), bound, strict=False
    ):
        listening.listen(2048)
        place = f"[{host}]" if ":" in host else host
        path = "/v1" if name == "gateway" else ""
        print(f"{name}: http://{place}:{listening.getsockname()[1]}{path}")  # noqa: T201
    sys.stdout.flush()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's factory; it is not made for every platform."""
    try:
        uvloop: Any = import_module("uvloop")
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _settle_garbage_collector() -> None:
    """Let the collector pass over what start-up left for good, and look less often for the rest.

    What a request leaves is freed by its reference counts; cycles are rare.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTOR_THRESHOLDS)


def _settle_allocator() -> None:
    """Let the memory of large bodies go back to the system when it is freed, where libc is glibc's.

    glibc raises the size of blocks that it maps to that of the largest one freed, up to 32 MB.
    Then bodies of some MB lie between small blocks that stay, and the heap never shrinks again.
    """
    try:
        libc = import_module("ctypes").CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK)
    except (ImportError, OSError, AttributeError):
        log.debug("this platform's libc has no mallopt")


async def _serve(
    application: Application,
    bound: Sequence[socket.socket],
    asked: Stop,
    parent_gone: int | None,
) -> None:
    """Serve until a signal says stop, or `parent_gone` reads as ended."""
    settings = application.settings
    stop = asyncio.Event()
    take_signals(stop.set)
    if asked.asked:
        stop.set()
    if parent_gone is not None:
        _drain_without(parent_gone, stop)
    _settle_garbage_collector()
    _settle_allocator()
    applications = (application.gateway, application.admin)
    listeners = [
        Listener(each, host, port)
        for each, (host, port) in zip(applications, _addresses(settings), strict=False)
    ]
    try:
        await serve(
            listeners,
            grace_period=settings.server.grace_period,
            on_drain=application.gateway.drain,
            already_bound=bound,
            stop=stop,
        )
    finally:
        # `serve` gives its signals back to the system, to which a second one would be a kill.
        take_signals(stop.set)
        await application.aclose()


def _drain_without(parent_gone: int, stop: asyncio.Event) -> None:
    """Stop when the parent process has ended, whatever ended it."""
    loop = asyncio.get_running_loop()

    def note() -> None:
        loop.remove_reader(parent_gone)
        if not stop.is_set():
            log.warning("the parent process is gone: draining")
            stop.set()

    loop.add_reader(parent_gone, note)
