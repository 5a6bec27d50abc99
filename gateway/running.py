"""Runs the built gateway: its listeners, on the fast event loop, in one process or several."""

import asyncio
import contextlib
import gc
import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

from gateway.app import Application, drawn_secret
from gateway.config.settings import Settings
from gateway.observe.start import log_start
from gateway.server.peers import Peers, private_folder
from gateway.server.serving import Listener, bind, serve
from gateway.server.signals import Stop, ends_on_signals, take_signals
from gateway.server.workers import Workers

log = logging.getLogger("gateway")

_COLLECTOR_THRESHOLDS = (20_000, 50, 100)
_M_MMAP_THRESHOLD = -3
"""glibc's number of the option (malloc.h, mallopt(3))."""
_LARGE_BLOCK = 256 * 1024
"""Bytes from which a block of memory is mapped, and returned to the system when it is freed."""
_PORT_KEYS = (
    "server.port (--port) is the gateway's port.",
    "admin.port is the admin listener's; admin.enabled: false needs none.",
)

Build = Callable[[Settings, Peers], Application]


def run(settings: Settings, build: Build) -> int:
    """Serve until a signal stops it (`server/signals.py`); return the exit code.

    Each process builds its own application. Raises `OSError` if an address cannot be bound, and
    `SystemExit` with code 0 for a signal before serving has begun.
    """
    settings = replace(settings, secret=settings.secret or drawn_secret())
    with ends_on_signals() as stop, contextlib.ExitStack() as sockets:
        build_once_to_find_problems = settings.server.workers > 1
        if build_once_to_find_problems:
            asyncio.run(build(settings, Peers()).aclose())
        bound = [
            sockets.enter_context(_bound(address, keys))
            for address, keys in zip(_addresses(settings), _PORT_KEYS, strict=False)
        ]
        _announce(settings, bound)

        def work(peers: Peers, parent_gone: int | None) -> None:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(_serve(build(settings, peers), peers, bound, stop, parent_gone))

        count = settings.server.workers
        if count == 1:
            work(Peers(), None)
            return 0
        with private_folder() as folder:
            return Workers(
                count,
                lambda parent_gone, number: work(Peers(folder, number, count), parent_gone),
                sockets.close,
            ).run()


def _addresses(settings: Settings) -> list[tuple[str, int]]:
    addresses = [(settings.server.host, settings.server.port)]
    if settings.admin.enabled:
        addresses.append((settings.admin.host, settings.admin.port))
    return addresses


def _bound(address: tuple[str, int], keys: str) -> socket.socket:
    try:
        return bind(*address)
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror}. {keys}") from None


def _announce(settings: Settings, bound: Sequence[socket.socket]) -> None:
    """Show the addresses: from here on the sockets queue connections, even before the start.

    They are printed for people. Machines, which read JSON, have them in the log only.
    """
    urls: dict[str, str] = {}
    for name, (host, _), listening in zip(
        ("gateway", "admin"), _addresses(settings), bound, strict=False
    ):
        listening.listen(2048)
        place = f"[{host}]" if ":" in host else host
        path = "/v1" if name == "gateway" else ""
        urls[name] = f"http://{place}:{listening.getsockname()[1]}{path}"
    if settings.log.format == "text":
        print(*(f"{name}: {url}" for name, url in urls.items()), sep="\n", flush=True)  # noqa: T201
    log_start(settings, urls)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's factory, or None on platforms without uvloop."""
    try:
        uvloop: Any = import_module("uvloop")
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _settle_garbage_collector() -> None:
    """Exempt start-up's permanent objects from garbage collection, and collect less often.

    Reference counts free the objects of requests; cycles are rare.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTOR_THRESHOLDS)


def _settle_allocator() -> None:
    """Return the memory of large bodies to the system when it is freed, with glibc.

    glibc raises the threshold for mapped blocks to the largest one freed, up to 32 MB. Bodies of a
    few MB then lie among small blocks that stay, and the heap never shrinks.
    """
    try:
        libc = import_module("ctypes").CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK)
    except (ImportError, OSError, AttributeError):
        log.debug("this platform's libc has no mallopt")


async def _serve(
    application: Application,
    peers: Peers,
    bound: Sequence[socket.socket],
    early: Stop,
    parent_gone: int | None,
) -> None:
    """Serve until a signal stops it, or `parent_gone` reads as closed.

    `early` has a signal from before the event loop.
    """
    settings = application.settings
    stop = asyncio.Event()
    take_signals(stop.set)
    if early.requested:
        stop.set()
    if parent_gone is not None:
        _drain_without(parent_gone, stop)
    _settle_garbage_collector()
    _settle_allocator()
    application.start()
    applications = (application.gateway, application.admin)
    listeners = [
        Listener(each, host, port)
        for each, (host, port) in zip(applications, _addresses(settings), strict=False)
    ]
    async with peers.serving():
        try:
            await serve(
                listeners,
                grace_period=settings.server.grace_period,
                on_drain=application.gateway.drain,
                already_bound=bound,
                stop=stop,
            )
        finally:
            # `serve` restores the default handlers, with which a second signal would kill it.
            take_signals(stop.set)
            await application.aclose()


def _drain_without(parent_gone: int, stop: asyncio.Event) -> None:
    """Stop when the parent process has ended, however it ended."""
    loop = asyncio.get_running_loop()

    def note() -> None:
        loop.remove_reader(parent_gone)
        if not stop.is_set():
            log.warning("the parent process is gone: draining")
            stop.set()

    loop.add_reader(parent_gone, note)
