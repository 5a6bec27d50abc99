"""Runs applications on sockets, and shuts them down gracefully.

On SIGTERM or SIGINT it takes no new connections and no new requests; running ones may finish within
the grace period, and are then visibly aborted.
"""

import asyncio
import contextlib
import logging
import signal
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.api.application import Gateway
from gateway.server.accept import Acceptor
from gateway.server.door import Door
from gateway.server.eviction import Evictor
from gateway.server.hosted import HostedApplication

if TYPE_CHECKING:
    from gateway.server.processes.shares import Share

BACKLOG = 2048

log = logging.getLogger("gateway")

Grace = Callable[[], float]
"""Returns how long running requests may continue at the end, in seconds."""


@dataclass(frozen=True, slots=True)
class Listener:
    """An application and its address. `port` 0 means any free one.

    `app` is the `Gateway`, its `Door`, or an ASGI application.
    """

    app: Any
    host: str
    port: int
    tls: Callable[[], ssl.SSLContext | None] = lambda: None
    """Returns the TLS context for a new connection to an ASGI application; None without TLS."""
    sockets: bool = False
    """Whether an ASGI application takes WebSockets."""
    share: "Share | None" = None
    """This process's share of the connections; None if it takes all that it can."""


def bind(host: str, port: int) -> socket.socket:
    """Return a bound socket; raises `OSError` with the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio disables Nagle's algorithm only for sockets that name their protocol; with it, a
    # reply in two writes waits for the client's delayed acknowledgement (40 ms on Linux).
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        raise OSError(error.errno, f"cannot listen on {where}: {error.strerror}") from None
    return listening


async def serve(
    listeners: Sequence[Listener],
    *,
    grace_period: Grace,
    on_drain: Callable[[], None],
    on_started: Callable[[list[int]], None] = lambda _: None,
    stop: asyncio.Event | None = None,
    handed_over: asyncio.Event | None = None,
    already_bound: Sequence[socket.socket] = (),
) -> None:
    """Serve until `stop`, then close the sockets at once and wait for the listeners to drain.

    Without `stop`, SIGTERM and SIGINT stop it. `on_started` is called with the bound ports.
    `grace_period` is called at the end. `already_bound` are the listeners' sockets if several
    processes share them. After `handed_over`, another process accepts from the sockets, and every
    connection is served until it can be closed without a loss. Raises `OSError` if an address
    cannot be bound.
    """
    signals = _signals if stop is None else contextlib.nullcontext
    stop = stop or asyncio.Event()
    with contextlib.ExitStack() as sockets:
        bound = list(already_bound) or [
            sockets.enter_context(bind(each.host, each.port)) for each in listeners
        ]
        with signals(stop):
            servers = [
                _Server(each, listening, grace_period)
                for each, listening in zip(listeners, bound, strict=True)
            ]
            on_started([listening.getsockname()[1] for listening in bound])
            handed_over = handed_over or asyncio.Event()
            await _first(stop.wait(), handed_over.wait())
            if handed_over.is_set() and not stop.is_set():
                finished = asyncio.gather(*(server.finish() for server in servers))
                await _first(stop.wait(), finished)
            on_drain()
            await _drain(servers, grace_period())


class _Server:
    """An application behind its door."""

    def __init__(self, listener: Listener, listening: socket.socket, grace_period: Grace) -> None:
        app = listener.app
        is_asgi = not isinstance(app, Gateway | Door)
        self._hosted = (
            HostedApplication(app, listener.tls, sockets=listener.sockets) if is_asgi else None
        )
        self._door = app if isinstance(app, Door) else Door(self._hosted or app)
        self._listening = listening
        self._grace_period = grace_period
        door = self._door
        door.share = listener.share
        self._acceptor = Acceptor(
            *(listening, door.connection, BACKLOG, door.tls, listener.share),
            connected=door.connections,
            evictor=Evictor(door.connections),
        )

    async def finish(self) -> None:
        """Stop accepting connections, and let the open ones end without a loss.

        Connections of ASGI applications are drained: operators can send their requests again.
        """
        if self._hosted is not None:
            await self.drain()
            return
        await self._stop_accepting()
        await self._door.finish()

    @property
    def busy(self) -> int:
        """How many connections have a request."""
        return self._door.busy

    async def drain(self) -> int:
        """Stop accepting connections, and let the open ones end; return how many were cut off."""
        if self._hosted is not None:
            self._hosted.drain()
        await self._stop_accepting()
        return await self._door.drain(self._grace_period())

    async def _stop_accepting(self) -> None:
        if self._listening.fileno() >= 0:
            self._acceptor.close()
            self._listening.close()
        await self._acceptor.wait_closed()


async def _drain(servers: Sequence[_Server], grace_period: float) -> None:
    """Let all requests end, and log how that begins and ends."""
    running = sum(server.busy for server in servers)
    log.info("draining: %d running requests have %g s to end", running, grace_period)
    aborted = sum(await asyncio.gather(*(server.drain() for server in servers)))
    level = logging.WARNING if aborted else logging.INFO
    log.log(level, "drained: %d of the requests were aborted", aborted)


async def _first(*waits: Awaitable[Any]) -> None:
    """Wait until one of these has ended; cancel the others."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        if not task.done():
            task.cancel()


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    handled = []
    for number in (signal.SIGTERM, signal.SIGINT):
        # Only the main thread can; elsewhere (tests) only `stop` ends it.
        with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
            loop.add_signal_handler(number, stop.set)
            handled.append(number)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
