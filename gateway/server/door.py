"""The state that the connections of one listener share: the application, limits, the date."""

import asyncio
import ssl
import time
from collections.abc import Coroutine
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Protocol

from gateway.api.admission import Admission
from gateway.api.writing import ReplyWriter
from gateway.config.settings import ServerSettings
from gateway.request import Body, Head
from gateway.server.connection.http1 import Connection
from gateway.sockets import Leaving

if TYPE_CHECKING:
    from gateway.server.processes.shares import Share

DRAIN_SECONDS = 1.0
"""How long idle connections stay open at least while the gateway drains. Requests on them get 503:
to a client, a connection that closes on its request is a failure that it may not retry."""

_LAST_SECONDS = 2.0
"""Seconds that aborted requests may take to end."""

_DAYS = (b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun")
_MONTHS = (
    *(b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun"),
    *(b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"),
)


def http_date(now: float) -> bytes:
    """Return a Unix time as HTTP writes it (RFC 9110 section 5.6.7).

    The standard library's function takes a quarter of a megabyte of memory.
    """
    at = time.gmtime(now)
    day, month = _DAYS[at.tm_wday], _MONTHS[at.tm_mon - 1]
    clock = b"%02d:%02d:%02d" % (at.tm_hour, at.tm_min, at.tm_sec)
    return b"%b, %02d %b %d %b GMT" % (day, at.tm_mday, month, at.tm_year, clock)


class Application(Protocol):
    """Serves requests."""

    server: ServerSettings

    @property
    def tls(self) -> Any:
        """The `SSLContext` for new connections; None without TLS."""

    def admit(self, head: Head) -> Admission:
        """Check a request's head. The same head gives the same result."""

    def serve(
        self, admission: Admission, body: Body, writer: ReplyWriter, length: int | None
    ) -> Coroutine[Any, Any, None]:
        """Serve one request to its end; cancelled when the client disconnects.

        `length` is the declared length of a body that still arrives, if there is one.
        """

    def abandoned(self, admission: Admission) -> None:
        """Note a request whose client disconnected before its body was complete."""


class Door:
    """All client connections of one listener."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.connections: set[Connection] = set()
        self.context = copy_context()
        """A context without a request, for requests that go on without one of their own."""
        self.draining = False
        self.finishing = False
        """Whether each connection closes after its next reply."""
        self.share: Share | None = None
        """This process's share of the connections, where several accept from one socket."""
        self._changed = asyncio.Event()
        self.date_line = b""
        """The `date` line of a reply's head (RFC 9110 section 6.6.1), exact to the second."""
        self._tick()

    def connection(self) -> Connection:
        """Return a protocol for a new connection."""
        return Connection(self)

    def tls(self) -> ssl.SSLContext | None:
        """Return the TLS context for a new connection, from the current application."""
        context: ssl.SSLContext | None = self.application.tls
        return context

    def forget(self, connection: Connection) -> None:
        """Note that a connection and its request have ended."""
        self.connections.discard(connection)
        if self.share is not None:
            self.share.hold(len(self.connections))
        self._changed.set()

    def changed(self) -> None:
        """Note that a connection has another application."""
        self._changed.set()

    def change_application(self, application: Application) -> None:
        """Have new requests served by another application; running ones end with theirs.

        Open sockets finish the turns that have begun, and realtime sockets their whole session;
        then their clients open new ones.
        """
        self.application = application
        for connection in tuple(self.connections):
            connection.change_application()

    async def wait_until_unused(self, application: Application) -> None:
        """Wait until an application serves no request any more."""
        while any(connection.application is application for connection in self.connections):
            self._changed.clear()
            await self._changed.wait()

    async def finish(self) -> None:
        """Serve one more request on each connection, if it comes, and wait until all are closed.

        Sockets finish the turns that have begun. The reply tells the client to reconnect, which
        leads it to the process that accepts connections now.
        """
        self.finishing = True
        for connection in tuple(self.connections):
            connection.drain_socket(Leaving.STOPPING)
        while self.connections:
            self._changed.clear()
            await self._changed.wait()

    @property
    def busy(self) -> int:
        """How many connections have a request that runs or arrives."""
        return sum(connection.busy for connection in self.connections)

    async def drain(self, grace_period: float) -> int:
        """Let running requests end for `grace_period` seconds, then abort them and close all.

        The application refuses requests that arrive meanwhile. Returns how many were aborted.
        """
        self.draining = self.finishing = True
        loop = asyncio.get_running_loop()
        started = loop.time()
        for connection in tuple(self.connections):
            connection.finish_soon()
        while self.connections:
            until = started + (grace_period if self.busy else min(DRAIN_SECONDS, grace_period))
            if loop.time() >= until:
                break
            self._changed.clear()
            await self._wait(until)
        aborted = self.busy
        tasks = [connection.cut_off() for connection in tuple(self.connections)]
        running = [task for task in tasks if task is not None]
        if running:
            await asyncio.wait(running, timeout=_LAST_SECONDS)
        until = loop.time() + _LAST_SECONDS
        while self.connections and loop.time() < until:
            self._changed.clear()
            await self._wait(until)
        for connection in tuple(self.connections):
            connection.transport.abort()
        self._clock.cancel()
        return aborted

    def _tick(self) -> None:
        now = time.time()
        self.date_line = b"date: %b\r\n" % http_date(now)
        loop = asyncio.get_running_loop()
        self._clock: asyncio.TimerHandle = loop.call_later(1 - now % 1, self._tick)

    async def _wait(self, until: float) -> None:
        """Wait until a connection has ended, or until this loop time."""
        try:
            async with asyncio.timeout_at(until):
                await self._changed.wait()
        except TimeoutError:
            return
