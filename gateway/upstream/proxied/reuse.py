"""Keeps httpcore2 from using connections again while their server may be about to end them.

The rule is that of the gateway's own pool (`gateway/upstream/early_ends.py`). httpcore2 checks
whether an idle HTTP/1.1 connection is still open whenever a request comes or ends, and never checks
an HTTP/2 connection. So an end is seen only then, or by the request that is lost to it.

A connection on which a request was given up is not used again either. httpcore2 does not tell an
HTTP/2 server, which would go on with its reply and use up the window of all requests; and it
forgets a tunnel whose TLS handshake failed, which would keep its place for good.
"""

import asyncio
import ssl

import httpcore2

from gateway.config.settings import UpstreamSettings
from gateway.upstream.early_ends import EarlyEnds
from gateway.upstream.proxied.leaving import WatchedNetwork, WatchedStream
from gateway.upstream.proxied.request_body import RequestBody


class WatchedConnection(httpcore2.AsyncConnectionInterface):
    """A connection of httpcore2, wrapped so that it answers its pool's questions itself."""

    def __init__(
        self, connection: httpcore2.AsyncConnectionInterface, early_ends: EarlyEnds
    ) -> None:
        self._connection = connection
        self._early_ends = early_ends
        self._loop = asyncio.get_running_loop()
        self._answers = 0
        self._idle_since: float | None = None
        """Since when the connection is idle (loop time); None if it has a request, or is new."""
        self._stream: WatchedStream | None = None
        self._is_left = False
        """Whether the connection is to be closed once it carries no request any more."""

    async def handle_async_request(self, request: httpcore2.Request) -> httpcore2.Response:
        """Send a request, whose `trace` notes here that it was lost, or is given up.

        Raises `UpstreamError` for one that cannot be sent again, and what the connection raises.
        """
        if isinstance(request.stream, RequestBody):
            request.stream.check_unread()
        self._idle_since = None
        trace = request.extensions["trace"]
        trace.note_loss, trace.note_leaving = self._lost, self._leave
        trace.note_stream = self._watch
        try:
            return await self._connection.handle_async_request(request)
        except httpcore2.ConnectionNotAvailable:
            raise  # the request was not sent on this connection
        except BaseException:
            self._leave()
            raise

    def is_available(self) -> bool:
        """Whether it can take a request now."""
        available = self._connection.is_available()
        return available and not self._is_ending() and not self._may_be_ending()

    def has_expired(self) -> bool:
        """Whether it is to be closed: idle for too long, ended by the server, or left.

        The pool does not ask while it carries a request.
        """
        if self._is_ending():
            return True
        expired = self._connection.has_expired()
        if self._connection.is_idle():
            now = self._loop.time()
            if self._idle_since is None:
                self._idle_since = now
                self._answered()
            if expired:
                self._early_ends.ended(self._answers, now - self._idle_since, now)
        return expired

    async def aclose(self) -> None:
        """Close it."""
        await self._connection.aclose()

    def info(self) -> str:
        """Return a description, for a person who looks for faults."""
        return self._connection.info()

    def can_handle_request(self, origin: httpcore2.Origin) -> bool:
        """Whether it leads to this origin."""
        return self._connection.can_handle_request(origin)

    def is_connected(self) -> bool:
        """Whether it has a socket that is open."""
        return self._connection.is_connected()

    def is_idle(self) -> bool:
        """Whether it is open and carries no request."""
        return self._connection.is_idle()

    def can_multiplex(self) -> bool:
        """Whether it carries several requests at a time."""
        return self._connection.can_multiplex()

    def is_closed(self) -> bool:
        """Whether it has been closed."""
        return self._connection.is_closed()

    def _answered(self) -> None:
        self._answers += 1
        if self._answers == 2:
            self._early_ends.outlived()

    def _lost(self) -> None:
        self._early_ends.ended(self._answers, 0.0, self._loop.time())
        self._answers = 0  # one of HTTP/2 counts once, however many requests it carried

    def _leave(self) -> None:
        self._is_left = True

    def _watch(self, stream: WatchedStream) -> None:
        self._stream = stream

    def _is_ending(self) -> bool:
        """Whether it ends with its last request."""
        return self._is_left or (self._stream is not None and self._stream.is_leaving)

    def _may_be_ending(self) -> bool:
        if self._idle_since is None:
            return False
        now = self._loop.time()
        return self._early_ends.may_come(now - self._idle_since, now)


class WatchedPool(httpcore2.AsyncConnectionPool):
    """The connections to one upstream."""

    def __init__(
        self,
        upstream: UpstreamSettings,
        connections: int,
        tls: ssl.SSLContext,
        proxy: httpcore2.Proxy | None,
        *,
        is_encrypted: bool,
    ) -> None:
        super().__init__(
            ssl_context=tls,
            http2=upstream.http2 and is_encrypted,
            proxy=proxy,
            # Requests are limited already; idle connections that may be ending hold none up.
            max_connections=2 * connections,
            max_keepalive_connections=connections,
            keepalive_expiry=upstream.keepalive_expiry,
            network_backend=WatchedNetwork(),
        )
        self._early_ends = EarlyEnds(upstream.keepalive_expiry)

    def create_connection(self, origin: httpcore2.Origin) -> WatchedConnection:
        """Return a new connection, which is watched (called by httpcore2)."""
        return WatchedConnection(super().create_connection(origin), self._early_ends)
