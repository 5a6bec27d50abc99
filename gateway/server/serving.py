"""Runs applications on sockets, and shuts them down gracefully.

On SIGTERM or SIGINT it takes no new connections and no new requests; running ones may finish within
the grace period, and are then visibly aborted. The gateway has its own server (`door.py`); other
applications (the admin listener) run under uvicorn.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import uvicorn

from gateway.api.application import Gateway
from gateway.server.accept import Acceptor
from gateway.server.door import Door
from gateway.server.http1 import IDLE_TIMEOUT

BACKLOG = 2048


@dataclass(frozen=True, slots=True)
class Listener:
    """An application and its address. `port` 0 means any free one.

    `app` is the `Gateway` or an ASGI application.
    """

    app: Any
    host: str
    port: int


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
        raise OSError(error.errno, f"cannot listen at {where}: {error.strerror}") from None
    return listening


async def serve(
    listeners: Sequence[Listener],
    *,
    grace_period: float,
    on_drain: Callable[[], None],
    on_started: Callable[[list[int]], None] = lambda _: None,
    stop: asyncio.Event | None = None,
    already_bound: Sequence[socket.socket] = (),
) -> None:
    """Serve until `stop`, then close the sockets at once and wait for the listeners to drain.

    Without `stop`, SIGTERM and SIGINT stop it. `on_started` is called with the bound ports.
    `already_bound` are the listeners' sockets where several processes share them. Raises `OSError`
    if an address cannot be bound.
    """
    signals = _signals if stop is None else contextlib.nullcontext
    stop = stop or asyncio.Event()
    with contextlib.ExitStack() as sockets:
        bound = list(already_bound) or [
            sockets.enter_context(bind(each.host, each.port)) for each in listeners
        ]
        with signals(stop):
            servers = [
                _server(each, listening, grace_period)
                for each, listening in zip(listeners, bound, strict=True)
            ]
            if await _until_started(servers):
                on_started([listening.getsockname()[1] for listening in bound])
                await _until_stopped(stop, servers)
            on_drain()
            await asyncio.gather(*(server.drain() for server in servers))


class _GatewayServer:
    """The gateway behind its own door."""

    def __init__(self, gateway: Gateway, listening: socket.socket, grace_period: float) -> None:
        self._door = Door(gateway)
        self._listening = listening
        self._grace_period = grace_period
        self._acceptor = Acceptor(listening, self._door.connection, BACKLOG)
        self.started = True
        self.ended: asyncio.Task[None] | None = None

    async def drain(self) -> None:
        """Stop accepting connections, and let the open ones end."""
        self._acceptor.close()
        self._listening.close()
        await self._acceptor.wait_closed()
        await self._door.drain(self._grace_period)


class _Uvicorn(uvicorn.Server):
    """uvicorn without signal handlers: the process runs several servers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _ASGIServer:
    """An ASGI application behind uvicorn."""

    def __init__(self, app: Any, listening: socket.socket, grace_period: float) -> None:
        config = uvicorn.Config(
            app,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=round(IDLE_TIMEOUT),
            timeout_graceful_shutdown=max(1, round(grace_period)),
        )
        self._server = _Uvicorn(config)
        self.ended = asyncio.create_task(self._server.serve(sockets=[listening]))

    @property
    def started(self) -> bool:
        """Whether connections are taken."""
        return self._server.started

    async def drain(self) -> None:
        """Stop accepting connections, and let the open ones end; raises the server's failure."""
        self._server.should_exit = True
        await self.ended


_Server = _GatewayServer | _ASGIServer


def _server(listener: Listener, listening: socket.socket, grace_period: float) -> _Server:
    if isinstance(listener.app, Gateway):
        return _GatewayServer(listener.app, listening, grace_period)
    return _ASGIServer(listener.app, listening, grace_period)


async def _until_started(servers: Sequence[_Server]) -> bool:
    """Wait until all servers have started; False if one has ended instead."""
    while not all(server.started for server in servers):
        running = [server.ended for server in servers if server.ended is not None]
        done, _ = await asyncio.wait(running, timeout=0.01, return_when=asyncio.FIRST_COMPLETED)
        if done:
            return False
    return True


async def _until_stopped(stop: asyncio.Event, servers: Sequence[_Server]) -> None:
    stopped = asyncio.create_task(stop.wait())
    running = [server.ended for server in servers if server.ended is not None]
    await asyncio.wait({stopped, *running}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()


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
