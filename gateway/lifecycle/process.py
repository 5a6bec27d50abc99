"""A process that serves, the only one or a worker: its event loop, signals and reloads."""

import asyncio
import gc
import logging
import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from gateway.app import Application
from gateway.config.changes import ReloadResult
from gateway.lifecycle.live import Live
from gateway.lifecycle.reloading import Alone, Build, Configuration, Reloader
from gateway.server.processes.hand_over import HandOver, Inherited
from gateway.server.processes.notify import notify_ready
from gateway.server.processes.parent import Parent
from gateway.server.processes.signals import Stop, take_signals
from gateway.server.serving import Listener, serve
from gateway.system.open_files import raise_open_files_limit

if TYPE_CHECKING:
    from gateway.server.processes.workers import Ties

log = logging.getLogger("gateway")

_COLLECTOR_THRESHOLDS = (5_000, 200, 100)
"""Collections of the young are small, and look at a large body's objects in pieces of 0.6 ms."""
_SWITCH_SECONDS = 0.0005
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""glibc's numbers of the options (malloc.h, mallopt(3))."""
_LARGE_BLOCK = 256 * 1024
"""Bytes from which a block of memory is mapped, and returned to the system when it is freed."""
_SPARE_HEAP = 8 * 1024 * 1024
"""Bytes of free memory at the end of the heap that are kept for the next bodies: enough for 32
turns of agents at a time, 110 KB each, where half as much is not."""


@dataclass(frozen=True, slots=True)
class Start:
    """How the gateway was started, and can be replaced."""

    process: int
    """The id of the first process, which the others belong to."""
    inherited: Inherited
    hand_over: HandOver


class Process:
    """A process that serves: the only one, or a worker with `ties` to its parent."""

    def __init__(
        self, configuration: Configuration, build: Build, start: Start, ties: "Ties | None"
    ) -> None:
        self._configuration = configuration
        self._build = build
        self._start = start
        self._ties = ties
        self._handed_over = asyncio.Event()
        self._reloads: set[asyncio.Task[ReloadResult]] = set()

    async def serve(
        self, application: Application, bound: Sequence[socket.socket], early: Stop
    ) -> None:
        """Serve until a signal stops it, a new program has taken over, or the parent is gone.

        `early` has the signals from before the event loop.
        """
        stop, live = asyncio.Event(), Live(application)
        reloading = self._reloading(live)
        application.kept.operations.reload = reloading.ask
        take = partial(
            take_signals,
            stop.set,
            partial(self._begin, reloading),
            self._begin_hand_over if self._ties is None else None,
        )
        take()
        self._heed(early, stop, reloading)
        if self._ties is not None:
            _drain_without(self._ties.gone, stop)
        _settle()
        application.start()
        async with application.kept.peers.serving():
            try:
                await serve(
                    _listeners(live, self._ties),
                    grace_period=live.grace_period,
                    on_drain=live.drain,
                    on_started=self._started,
                    already_bound=bound,
                    stop=stop,
                    handed_over=self._handed_over,
                )
            finally:
                # `serve` restores the default handlers, with which a second signal would kill it.
                take()
                reloading.close()
                await live.aclose()

    def _heed(self, early: Stop, stop: asyncio.Event, reloading: "Alone | Parent") -> None:
        if early.requested:
            stop.set()
        if early.take_reload():
            self._begin(reloading)

    def _started(self, _: object) -> None:
        self._start.inherited.serves()
        notify_ready(self._start.process, os.environ)

    def _begin_hand_over(self) -> None:
        hand_over, loop = self._start.hand_over, asyncio.get_running_loop()
        hand_over.begin()
        if hand_over.is_waiting:
            loop.add_reader(hand_over.fileno(), self._read_hand_over)

    def _read_hand_over(self) -> None:
        asyncio.get_running_loop().remove_reader(self._start.hand_over.fileno())
        if self._start.hand_over.ended():
            self._handed_over.set()

    def _begin(self, reloading: "Alone | Parent") -> None:
        self._reloads.add(task := asyncio.create_task(reloading.ask()))
        task.add_done_callback(self._reloads.discard)

    def _reloading(self, live: Live) -> "Alone | Parent":
        if self._ties is None:
            return Alone(self._configuration, live, self._build)
        reloader = Reloader(self._configuration, live, self._build)
        metrics = live.application.kept.metrics

        async def reload(digest: str) -> str:
            result = await reloader.reload(digest)
            # One that is stopping needs no new configuration.
            return "" if result.done or live.draining else result.text

        def ended(result: ReloadResult, counts: bool) -> None:
            metrics.reloaded(done=result.done, counts=counts)

        return Parent(self._ties.channel, reload, ended, self._handed_over.set)


def _listeners(live: Live, ties: "Ties | None") -> list[Listener]:
    settings = live.application.settings
    share = None if ties is None else ties.share
    own = Listener(live.door, settings.server.host, settings.server.port, share=share)
    if not settings.admin.enabled:
        return [own]
    admin = settings.admin
    return [own, Listener(live.admin, admin.host, admin.port, live.admin_tls)]


def _settle() -> None:
    """Set what Python, the C library and the system do behind a server's back."""
    _settle_descriptors()
    _settle_garbage_collector()
    _settle_threads()
    _settle_allocator()


def _settle_descriptors() -> None:
    """Let the process have as many files open as the system allows."""
    if not raise_open_files_limit():
        log.debug("the limit of open files cannot be raised on this platform")


def _settle_garbage_collector() -> None:
    """Exempt start-up's permanent objects from garbage collection, and collect less often.

    Reference counts free the objects of requests; cycles are rare.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTOR_THRESHOLDS)


def _settle_threads() -> None:
    """Have the threads that run Python for long yield to the event loop ten times as soon.

    They work on large bodies, and write the metrics.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)


def _settle_allocator() -> None:
    """Return the memory of large bodies, and what the start has left, to the system, with glibc.

    glibc raises the threshold for mapped blocks to the largest one freed, up to 32 MB. Bodies of a
    few MB then lie among small blocks that stay, and the heap never shrinks.

    Bodies below the threshold come and go at the end of the heap. By default, 128 KB that are free
    there go back at once, only to be asked for again, and cleared, for the next request.
    """
    try:
        libc = import_module("ctypes").CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK)
        libc.mallopt(_M_TRIM_THRESHOLD, _SPARE_HEAP)
        libc.malloc_trim(0)
    except (ImportError, OSError, AttributeError):
        log.debug("this platform's libc has no mallopt")


def _drain_without(parent_gone: int, stop: asyncio.Event) -> None:
    """Stop when the parent process has ended, however it ended."""
    loop = asyncio.get_running_loop()

    def note() -> None:
        loop.remove_reader(parent_gone)
        if not stop.is_set():
            log.warning("the parent process is gone: draining")
            stop.set()

    loop.add_reader(parent_gone, note)
