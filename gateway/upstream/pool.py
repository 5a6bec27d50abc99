"""The data plane's own connection pool: keep-alive HTTP/1.1 to one upstream.

The gateway has its own pool because forwarding is its purpose. General HTTP clients take several
times the processor time of all the rest for it, and some lose places in the pool when a request is
cancelled (encode/httpcore#1093), as every request of a client that disconnects is.

A connection carries one request at a time. A request first gets a slot (`slots.py`), then an idle
connection or a new one; there are never more connections, in use or idle, than slots.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from gateway.config.settings import UpstreamSettings
from gateway.errors import Reason, UpstreamUnavailable
from gateway.shapes import BegunReply, SendsAtOnce, Shape, UpstreamCall
from gateway.upstream.credentials import Credentials
from gateway.upstream.delivery import may_be_sent_again
from gateway.upstream.early_ends import EarlyEnds
from gateway.upstream.headers import OutgoingHeaders, RequestStart, field_lines, framing
from gateway.upstream.origin import Origin
from gateway.upstream.slots import Slots, UpstreamStats, for_look_ups, for_requests
from gateway.upstream.targets import method_of, targets_of
from gateway.upstream.transport.connecting import new_connection
from gateway.upstream.transport.connection import Connection
from gateway.upstream.transport.dial import Dialer
from gateway.upstream.transport.flight import Flight
from gateway.upstream.transport.reply_parser import ClosedUnanswered
from gateway.upstream.transport.terms import Terms

_TRUSTED_SECONDS = 0.005
"""How long after its last use a connection is reused without asking the kernel about it."""


class Pool:
    """All connections to one upstream. Raises `ValueError` when its settings cannot be used."""

    def __init__(
        self,
        upstream: UpstreamSettings,
        origin: Origin,
        credentials: Credentials,
        *,
        slots: Slots | None = None,
        dialer: Dialer | None = None,
    ) -> None:
        self._made_for = upstream, origin, credentials
        self._name = upstream.name
        self._timeouts = upstream.timeouts
        self._target = targets_of(upstream, origin, credentials)
        self._headers = OutgoingHeaders(upstream, credentials, origin.host_header)
        self._fixed_part = b" HTTP/1.1\r\n" + field_lines(self._headers.fixed)
        # The target depends on nothing but the path, except for Azure's deployments.
        paths = () if upstream.kind.deployments else tuple(shape.path for shape in Shape)
        self._starts = {
            path: RequestStart(self._start(b"POST", origin.target(path))) for path in paths
        }
        self._dialer = dialer or Dialer(upstream, origin)
        self._slots = slots or for_requests(upstream)
        self._terms = Terms(self._name, self._timeouts, self._park, self._slots.release)
        self._keepalive_expiry = upstream.keepalive_expiry
        self._max_age = upstream.max_connection_age
        self._early_ends = EarlyEnds(upstream.keepalive_expiry)
        self._idle: dict[Connection, float] = {}
        """The connections that carry no request, and since when (loop time)."""
        self._connections: set[Connection] = set()
        self._all_gone: asyncio.Future[None] | None = None
        self._closed = False

    def for_look_ups(self, slots: Slots | None = None) -> "Pool":
        """Return a pool to the same upstream, with the connections and slots of look-ups."""
        slots = slots or for_look_ups(self._made_for[0])
        return Pool(*self._made_for, slots=slots, dialer=self._dialer)

    @property
    def at_once(self) -> SendsAtOnce:
        """The sender in two parts: the pool itself."""
        return self

    async def send(self, call: UpstreamCall) -> Flight:
        """Send one call; see `gateway.shapes.Send`."""
        if not self._slots.take():
            await self._slots.acquire(seconds=self._timeouts.but(call.timeouts).queue)
        try:
            flight = self._begun(call)
            if flight is not None:
                return await self._delivered(call, flight)
            return await self._on_new_connection(call)
        except BaseException:
            self._slots.release()
            raise

    def begin(self, call: UpstreamCall, notify: Callable[[], None]) -> Flight | None:
        """Write a call to an idle connection, if there is one; see `gateway.shapes.SendsAtOnce`.

        Raises `InvalidRequest`.
        """
        if not self._slots.take():
            return None
        flight = None
        try:
            flight = self._begun(call, notify)
        finally:
            if flight is None:
                self._slots.release()
        return flight

    async def end(self, call: UpstreamCall, begun: BegunReply) -> Flight:
        """Return the reply to a begun call; see `gateway.shapes.SendsAtOnce`."""
        try:
            return await self._delivered(call, cast("Flight", begun))
        except BaseException:
            self._slots.release()
            raise

    async def aclose(self) -> None:
        """Close every connection, refuse requests that wait; return when all sockets are closed."""
        self._closed = True
        self._slots.close()
        for connection in tuple(self._connections):
            connection.abort(ConnectionAbortedError("the gateway is stopping"))
        if self._connections:
            self._all_gone = asyncio.get_running_loop().create_future()
            await self._all_gone

    def stats(self) -> UpstreamStats:
        """Return how many requests and connections there are now."""
        return UpstreamStats(
            in_flight=self._slots.in_use, idle=len(self._idle), queued=self._slots.queued
        )

    def connection_opened(self, connection: Connection) -> None:
        """Note an open socket (called by the connection)."""
        self._connections.add(connection)

    def connection_closed(self, connection: Connection) -> None:
        """Note that a connection can no longer be used (called by the connection)."""
        idle_since = self._idle.pop(connection, None)
        if idle_since is not None and connection.peer_left:
            now = connection.loop.time()
            self._early_ends.ended(connection.answers, now - idle_since, now)

    def connection_gone(self, connection: Connection) -> None:
        """Note that a socket is closed (called by the connection)."""
        self._connections.discard(connection)
        if not self._connections and self._all_gone is not None and not self._all_gone.done():
            self._all_gone.set_result(None)

    def _begun(self, call: UpstreamCall, notify: Callable[[], None] | None = None) -> Flight | None:
        """Write a call to an idle connection and return its flight; None: there is none.

        A streamed body cannot be sent again, so it is not exposed to the race that a reused
        connection always is: the upstream may be closing it at this moment.
        """
        body = call.body
        if not isinstance(body, bytes):
            return None
        head = self._request_head(call)
        connection = self._take_idle()
        if connection is None:
            return None
        flight = Flight(self._terms, call.method) if call.timeouts is None else self._flight(call)
        flight.begin(connection, head, body, notify)
        return flight

    async def _delivered(self, call: UpstreamCall, flight: Flight) -> Flight:
        """Return the reply to a call on a reused connection."""
        try:
            return await flight.delivered()
        except ClosedUnanswered:
            connection = flight.sent_on
            self._early_ends.ended(connection.answers, 0.0, connection.loop.time())
            size = len(flight.head) + len(cast("bytes", call.body))
            if not may_be_sent_again(call.method, size, connection.unacknowledged):
                raise
        # The race was lost: once more, on a new connection.
        call.resends += 1
        return await self._on_new_connection(call)

    async def _on_new_connection(self, call: UpstreamCall) -> Flight:
        head = self._request_head(call)
        connection = await self._dial()
        try:
            return await self._flight(call).deliver(connection, call, head)
        except ClosedUnanswered as error:
            self._dialer.suspect(error, connection)
            raise

    def _flight(self, call: UpstreamCall) -> Flight:
        terms = self._terms
        if call.timeouts is not None:
            terms = replace(terms, timeouts=self._timeouts.but(call.timeouts))
        return Flight(terms, call.method)

    def _take_idle(self) -> Connection | None:
        """Return the connection that was used last: it is the least likely to be closing.

        If the server ends each connection after its first answer, return the one that has been idle
        for longest, if it has outlived that moment.
        """
        early_ends = self._early_ends
        while self._idle:
            connection, idle_since = self._idle.popitem()
            now = connection.loop.time()
            if early_ends.are_likely and early_ends.may_come(now - idle_since, now):
                self._idle[connection] = idle_since
                connection, idle_since = next(iter(self._idle.items()))
                if early_ends.may_come(now - idle_since, now):
                    return None
                del self._idle[connection]
            # A name's addresses change, which a connection that lives on would never notice.
            usable = connection.is_open and now - connection.born < self._max_age
            if usable:
                if now - idle_since < _TRUSTED_SECONDS or not connection.has_news():
                    return connection
                early_ends.ended(connection.answers, now - idle_since, now)
            connection.abort()
        return None

    def _park(self, connection: Connection) -> None:
        now = connection.loop.time()
        if self._closed or now - connection.born >= self._max_age:
            connection.abort()
            return
        connection.answers += 1
        if connection.answers == 2:
            self._early_ends.outlived()
        connection.set_deadline(now + self._keepalive_expiry)
        self._idle[connection] = now

    async def _dial(self) -> Connection:
        self._refuse_when_stopped()
        while self._idle and self._slots.in_use + len(self._idle) > self._slots.limit:
            next(iter(self._idle)).abort()
        return await new_connection(self, self._dialer, self._refuse_when_stopped)

    def _refuse_when_stopped(self) -> None:
        if self._closed:
            raise UpstreamUnavailable(
                f"The gateway is stopping and opens no connection to upstream '{self._name}'.",
                reason=Reason.STOPPING,
                status=503,
            )

    def _request_head(self, call: UpstreamCall) -> bytes:
        body = call.body
        start = self._starts.get(call.path)
        if (
            start is not None
            and call.method == "POST"
            and isinstance(body, bytes)
            and not (call.query or call.root)
        ):
            return b"%bcontent-length: %d\r\n\r\n" % (self._headers.head(start, call), len(body))
        beginning = self._start(method_of(call), self._target(call))
        fields = self._headers.lines(call)
        return b"".join((beginning, fields, field_lines(framing(call)), b"\r\n"))

    def _start(self, method: bytes, target: bytes) -> bytes:
        return b"%b %b%b" % (method, target, self._fixed_part)
