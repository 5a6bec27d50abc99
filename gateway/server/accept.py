"""Accepts new connections in batches, instead of one per turn of the event loop.

uvloop's listener (libuv) accepts one connection per turn. A turn that serves many clients takes
long: of 256 clients that connected at once, the last waited for seconds.
"""

import asyncio
import logging
import socket
from collections.abc import Callable

log = logging.getLogger("gateway")

ACCEPT_BATCH = 32
"""Connections accepted in one turn; the rest is left to other processes that share the socket."""

PAUSE = 1.0
"""Seconds without accepting after the system has refused a connection (out of descriptors)."""


class Acceptor:
    """Accepts from a listening socket and gives each connection a protocol.

    Its owner closes the socket.
    """

    def __init__(
        self, listening: socket.socket, protocol: Callable[[], asyncio.Protocol], backlog: int
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listening = listening
        self._protocol = protocol
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
        """Wait until each accepted connection has its protocol."""
        if self._connecting:
            await asyncio.wait(self._connecting)

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
            await self._loop.connect_accepted_socket(self._protocol, connection)
        except OSError:
            connection.close()  # the client has already disconnected
