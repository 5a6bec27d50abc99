"""Runs ASGI applications on sockets, and ends them well.

On SIGTERM or SIGINT: no new connections and no new requests; what runs may finish within the grace
period; then it is cut off, visibly.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import uvicorn

from gateway.server.accept import Acceptor
from gateway.server.direct import DirectHttpProtocol
from gateway.server.http_limits import LimitedHttpProtocol

KEEPALIVE_SECONDS = 75
"""Longer than the clients' own (openai-python: 5 s), so that they are the ones who close."""


@dataclass(frozen=True, slots=True)
class Listener:
    """An application and the address it is served at. `port` 0: any free one.

    One that takes whole requests (`server/direct.py`) is served these directly, all else by ASGI.
    """

    app: Any
    host: str
    port: int


class _Server(uvicorn.Server):
    """A server that leaves the process's signals to who runs several of it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])
        backlog = self.config.backlog
        self.servers = [
            cast("asyncio.Server", Acceptor(each, self._protocol, backlog))
            for each in sockets or ()
        ]

    def _protocol(self) -> asyncio.Protocol:
        make: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        return make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


def bind(host: str, port: int) -> socket.socket:
    """Return a bound socket; raises `OSError`, which names the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only for sockets that name their protocol; with it on,
    # a reply in two writes waits for the client's delayed acknowledgement (40 ms on Linux).
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
    """Serve until SIGTERM, SIGINT or `stop`; the first listener's end is waited for.

    `on_started` is called with the bound ports. `already_bound` are the listeners' sockets where
    several processes share them. Raises `OSError` when an address cannot be bound.
    """
    stop = stop or asyncio.Event()
    with contextlib.ExitStack() as sockets:
        bound = list(already_bound) or [
            sockets.enter_context(bind(each.host, each.port)) for each in listeners
        ]
        servers = [_server(each.app, grace_period) for each in listeners]
        with _signals(stop):
            tasks = [
                asyncio.create_task(server.serve(sockets=[listening]))
                for server, listening in zip(servers, bound, strict=True)
            ]
            if await _until_started(servers, tasks):
                on_started([listening.getsockname()[1] for listening in bound])
            stopped = asyncio.create_task(stop.wait())
            await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            on_drain()
            for server in servers:
                server.should_exit = True
            await asyncio.gather(*tasks)


def _server(app: Any, grace_period: float) -> _Server:
    direct = hasattr(app, "admit") and hasattr(app, "serve")
    config = uvicorn.Config(
        app,
        http=DirectHttpProtocol if direct else LimitedHttpProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEPALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(grace_period)),
    )
    return _Server(config)


async def _until_started(servers: Sequence[_Server], tasks: Sequence["asyncio.Task[None]"]) -> bool:
    """Wait until all servers have started; False if one has ended instead."""
    while not all(server.started for server in servers):
        done, _ = await asyncio.wait(tasks, timeout=0.01, return_when=asyncio.FIRST_COMPLETED)
        if done:
            return False
    return True


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    handled = []
    for number in (signal.SIGTERM, signal.SIGINT):
        # Only the main thread can; elsewhere (tests) `stop` is the way to end it.
        with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
            loop.add_signal_handler(number, stop.set)
            handled.append(number)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
