"""Accepts new connections in batches, instead of one per turn of the event loop.

uvloop's listener (libuv) accepts one connection per turn, and a turn that serves many clients takes
long: of 256 clients that connected at the same time, the last waited for seconds.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from functools import partial
from typing import TYPE_CHECKING

from gateway.log_interval import LogInterval
from gateway.server.eviction import INTERVAL, Evictor
from gateway.server.tls import HANDSHAKE_SECONDS, UNLIMITED_SECONDS
from gateway.system.tcp import keep_alive

if TYPE_CHECKING:
    from gateway.server.processes.shares import Share

log = logging.getLogger("gateway")

ACCEPT_BATCH = 32
"""Connections accepted in one turn; the rest is left to other processes that share the socket."""

LAST_HANDSHAKES = 1.0
"""Seconds that TLS handshakes may take once no further connections are accepted."""

PAUSE = 1.0
"""Seconds without accepting after the system has refused a connection (out of descriptors), unless
room for it was made."""

YIELD = 0.002
"""Seconds without accepting while this worker has more connections than its share."""
YIELDS = 4
"""How many times in a row a worker yields. If the others have taken nothing by then, they are busy
or gone."""


class Acceptor:
    """Accepts from a listening socket and gives each connection a protocol.

    Its owner closes the socket. `tls` returns the TLS context for the next connection, if there is
    one. `share` is this worker's share, if others accept from the socket, too. `connected` are the
    protocols with an open connection; the `evictor` closes idle ones if descriptors run short.
    """

    def __init__(
        self,
        listening: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        backlog: int,
        tls: Callable[[], ssl.SSLContext | None] = lambda: None,
        share: "Share | None" = None,
        connected: AbstractSet[asyncio.Protocol] = frozenset(),
        evictor: Evictor | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listening = listening
        self._protocol = protocol
        self._tls = tls
        self._share = share
        self._connected = connected
        self._connecting: dict[asyncio.Protocol, asyncio.Task[None]] = {}
        self._pause: asyncio.TimerHandle | None = None
        self._evictor = evictor or Evictor(())
        self._refusals = LogInterval()
        listening.setblocking(False)
        if listening.family != socket.AF_UNIX:
            keep_alive(listening)
        listening.listen(backlog)
        if share is not None:
            share.join()
        self._start()

    def close(self) -> None:
        """Stop accepting; connections stay open."""
        if self._share is not None:
            self._share.leave()
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        else:
            self._loop.remove_reader(self._listening)

    async def wait_closed(self) -> None:
        """Wait until each accepted connection has its protocol; a TLS handshake may take a second.

        Connections whose handshakes take longer are closed.
        """
        if not self._connecting:
            return
        _, late = await asyncio.wait(self._connecting.values(), timeout=LAST_HANDSHAKES)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    def _start(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listening, self._accept)

    def _stop_for(self, seconds: float, then: Callable[[], None]) -> None:
        self._loop.remove_reader(self._listening)
        self._pause = self._loop.call_later(seconds, then)

    def _go_on(self, left: int) -> None:
        """Accept again, or yield up to `left` more times, so that other workers take what waits."""
        is_exceeded = self._exceeds_share()
        if is_exceeded and left > 0:
            self._pause = self._loop.call_later(YIELD, self._go_on, left - 1)
            return
        self._start()
        self._accept(yields=not is_exceeded)

    def _exceeds_share(self) -> bool:
        if self._share is None:
            return False
        # Of those that are connected, some tasks have not ended yet.
        connecting = sum(each not in self._connected for each in self._connecting)
        self._share.hold(len(self._connected) + connecting)
        return self._share.is_exceeded()

    def _accept(self, *, yields: bool = True) -> None:
        for _ in range(ACCEPT_BATCH):
            if yields and self._exceeds_share():
                self._stop_for(YIELD, partial(self._go_on, YIELDS - 1))
                return
            try:
                connection, _ = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._refused(error)
                return
            self._evictor.note(connection.fileno())
            protocol = self._protocol()
            connecting = self._connect(connection, protocol)
            self._connecting[protocol] = self._loop.create_task(connecting)

    def _refused(self, error: OSError) -> None:
        """Try again once there is room, or after a pause, until it succeeds."""
        if self._evictor.make_room():
            self._stop_for(INTERVAL, self._start)
            return
        more = self._refusals.next_line(self._loop.time())
        if more is not None:
            log.warning("cannot accept connections: %s%s", error.strerror, more)
        self._stop_for(PAUSE, self._start)

    async def _connect(self, connection: socket.socket, protocol: asyncio.Protocol) -> None:
        connection.setblocking(False)
        if connection.family != socket.AF_UNIX:
            # With Nagle's algorithm, a reply in two writes waits for the client's acknowledgement.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await self._give(connection, protocol)
        except OSError:
            connection.close()  # the client has already disconnected
        finally:
            del self._connecting[protocol]

    async def _give(self, connection: socket.socket, protocol: asyncio.Protocol) -> None:
        """Give a connection its protocol; raises `OSError`."""
        context = self._tls()
        connect = self._loop.connect_accepted_socket
        if context is None:
            await connect(lambda: protocol, connection)
            return
        await connect(
            lambda: protocol,
            connection,
            ssl=context,
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
            ssl_shutdown_timeout=UNLIMITED_SECONDS,
        )
