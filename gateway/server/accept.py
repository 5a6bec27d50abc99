"""Accepts new connections in batches, instead of one per turn of the event loop.

uvloop's listener (libuv) accepts one connection per turn. A turn that serves many clients takes
long: of 256 clients that connected at once, the last waited for seconds.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable

from gateway.server.tls import HANDSHAKE_SECONDS, SHUTDOWN_SECONDS

log = logging.getLogger("gateway")

ACCEPT_BATCH = 32
"""Connections accepted in one turn; the rest is left to other processes that share the socket."""

LAST_HANDSHAKES = 1.0
"""Seconds that TLS handshakes may take once no further connections are accepted."""

PAUSE = 1.0
"""Seconds without accepting after the system has refused a connection (out of descriptors)."""


class Acceptor:
    """Accepts from a listening socket and gives each connection a protocol.

    Its owner closes the socket. `tls` returns the context for the next connection, if there is one.
    """

    def __init__(
        self,
        listening: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        backlog: int,
        tls: Callable[[], ssl.SSLContext | None] = lambda: None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listening = listening
        self._protocol = protocol
        self._tls = tls
        self._connecting: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        listening.setblocking(False)
        listening.listen(backlog)
        self._start()

    def close(self) -> None:
        """Stop accepting; connections stay open."""
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
        _, late = await asyncio.wait(self._connecting, timeout=LAST_HANDSHAKES)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    def _start(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listening, self._accept)

    def _accept(self) -> None:
        for _ in range(ACCEPT_BATCH):
            try:
                connection, _ = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                log.warning("cannot accept connections: %s", error.strerror)
                self._loop.remove_reader(self._listening)
                self._pause = self._loop.call_later(PAUSE, self._start)
                return
            task = self._loop.create_task(self._connect(connection))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _connect(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        if connection.family != socket.AF_UNIX:
            # With Nagle's algorithm, a reply in two writes waits for the client's acknowledgement.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await self._with_protocol(connection)
        except OSError:
            connection.close()  # the client has already disconnected

    async def _with_protocol(
        self, connection: socket.socket
    ) -> tuple[asyncio.BaseTransport, asyncio.BaseProtocol]:
        """Return the connection's transport and protocol; raises `OSError`."""
        context = self._tls()
        connect = self._loop.connect_accepted_socket
        if context is None:
            return await connect(self._protocol, connection)
        return await connect(
            self._protocol,
            connection,
            ssl=context,
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
            ssl_shutdown_timeout=SHUTDOWN_SECONDS,
        )
