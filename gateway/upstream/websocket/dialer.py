"""Opens sockets at one address of an upstream: with the head of a request like any other.

Sockets take no slots of `max_connections`: most are idle most of the time, and each has a client's
connection behind it.
"""

import asyncio
from typing import TYPE_CHECKING, Final

from gateway.config.settings import UpstreamSettings
from gateway.errors import Reason, UpstreamError, UpstreamUnavailable
from gateway.shapes import UpstreamCall
from gateway.sockets import Refused
from gateway.upstream.credentials import Credentials
from gateway.upstream.headers import OutgoingHeaders, field_lines
from gateway.upstream.origin import Origin
from gateway.upstream.targets import targets_of
from gateway.upstream.transport.connecting import new_connection
from gateway.upstream.transport.connection import Connection
from gateway.upstream.transport.dial import Dialer
from gateway.upstream.transport.flight import Flight
from gateway.upstream.transport.reply_parser import ClosedUnanswered
from gateway.upstream.transport.terms import Terms
from gateway.upstream.websocket.handshake import SWITCHED, Accepted, Handshake, offered_in
from gateway.upstream.websocket.opening import Opening

if TYPE_CHECKING:
    from gateway.upstream.websocket.open_socket import OpenSocket

HANDSHAKE_SECONDS: Final = 30.0
"""The longest wait for the reply to a handshake, for which nothing has to be generated."""


class SocketDialer:
    """All sockets at one address. `limit` is the most bytes of a message that they receive.

    Raises `ValueError` when the upstream's settings cannot be used.
    """

    def __init__(
        self, upstream: UpstreamSettings, origin: Origin, credentials: Credentials, limit: int
    ) -> None:
        self._name = upstream.name
        self._timeouts = upstream.timeouts
        self._limit = limit
        self._target = targets_of(upstream, origin, credentials)
        self._headers = OutgoingHeaders(upstream, credentials, origin.host_header)
        self._fixed_part = b" HTTP/1.1\r\n" + field_lines(self._headers.fixed)
        self._dialer = Dialer(upstream, origin)
        self._open: set[Connection | OpenSocket] = set()
        self._all_gone: asyncio.Future[None] | None = None
        self._closed = False

    @property
    def open(self) -> int:
        """How many connections there are."""
        return len(self._open)

    async def dial(self, call: UpstreamCall) -> "OpenSocket":
        """Open a socket; see `gateway.sockets.Dial`."""
        handshake = Handshake(self._name, offered_in(call.client_headers))
        head = b"".join(
            (
                *(b"GET ", self._target(call), self._fixed_part),
                *(self._headers.lines(call), handshake.lines, b"\r\n"),
            )
        )
        timeouts = self._timeouts.but(call.timeouts)
        connection = await self._connect()
        try:
            patience = min(timeouts.first_byte, HANDSHAKE_SECONDS)
            data, status = await Opening(connection, self._name, patience).reply(head)
            if status == SWITCHED:
                return self._opened(connection, handshake.accepted(data))
            terms = Terms(self._name, timeouts, park=Connection.abort, release=_nothing)
            reply = Flight(terms, "GET").go_on(connection, data)
        except BaseException as error:
            if isinstance(error, ClosedUnanswered):
                self._dialer.suspect(error, connection)
            connection.abort()
            raise
        raise Refused(reply)

    async def aclose(self) -> None:
        """Drop every socket, open no more; return when all connections are closed."""
        self._closed = True
        for each in tuple(self._open):
            each.abort()
        if self._open:
            self._all_gone = asyncio.get_running_loop().create_future()
            await self._all_gone

    def connection_opened(self, connection: Connection) -> None:
        """Note an open connection (called by it)."""
        self._open.add(connection)

    def connection_closed(self, connection: Connection) -> None:
        """Do nothing: none is kept for later (called by the connection)."""

    def connection_gone(self, connection: "Connection | OpenSocket") -> None:
        """Note that a connection is closed, or is a socket's now (called by either)."""
        self._open.discard(connection)
        if not self._open and self._all_gone is not None and not self._all_gone.done():
            self._all_gone.set_result(None)

    def _opened(self, connection: Connection, accepted: Accepted) -> "OpenSocket":
        # Not at the top: it needs `websockets`, which is loaded (by now) only where it is used.
        from gateway.upstream.websocket.open_socket import OpenSocket

        if not connection.is_open:
            raise UpstreamError(
                f"Upstream '{self._name}' closed the connection after the WebSocket handshake.",
                reason=Reason.CLOSED,
            )
        unread = self._timeouts.stream_idle
        opened = OpenSocket(accepted, self._limit, unread, self.connection_gone)
        self._open.add(opened)
        opened.begin(connection.hand_over(opened))
        return opened

    async def _connect(self) -> Connection:
        self._refuse_when_stopped()
        return await new_connection(self, self._dialer, self._refuse_when_stopped)

    def _refuse_when_stopped(self) -> None:
        if self._closed:
            raise UpstreamUnavailable(
                f"The gateway is stopping and opens no socket at upstream '{self._name}'.",
                reason=Reason.STOPPING,
                status=503,
            )


def _nothing() -> None:
    """Release nothing: sockets have no slots."""
