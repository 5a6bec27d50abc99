"""When httpx2's connections are used again: not while their server may be about to end them.

The rule is that of the gateway's own pool (`gateway/upstream/early_ends.py`). httpx2 looks whether
an idle connection of HTTP/1.1 is still open whenever a request comes or ends, and at one of HTTP/2
not at all: so an end is seen only then, or by the request that is lost to it.
"""

import asyncio
import ssl
from typing import Any

import httpx2

from gateway.config.settings import UpstreamSettings
from gateway.upstream.early_ends import EarlyEnds


class WatchedConnection:
    """One of httpx2's connections, with what its pool asks of it."""

    def __init__(self, connection: Any, early_ends: EarlyEnds) -> None:
        self._connection = connection
        self._early_ends = early_ends
        self._loop = asyncio.get_running_loop()
        self._answers = 0
        self._idle_since: float | None = None
        """Loop time; None: it carries a request, or is new."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def handle_async_request(self, request: Any) -> Any:
        """Send a request, whose `trace` notes its loss here."""
        self._idle_since = None
        request.extensions["trace"].note_loss = self._lost
        return await self._connection.handle_async_request(request)

    def is_available(self) -> bool:
        """Whether it can take a request now."""
        return self._connection.is_available() and not self._may_be_ending()

    def has_expired(self) -> bool:
        """Whether it is idle, and has been for too long or is ended by the server."""
        expired: bool = self._connection.has_expired()
        if self._connection.is_idle():
            now = self._loop.time()
            if self._idle_since is None:
                self._idle_since = now
                self._answered()
            if expired:
                self._early_ends.ended(self._answers, now - self._idle_since, now)
        return expired

    def _answered(self) -> None:
        self._answers += 1
        if self._answers == 2:
            self._early_ends.outlived()

    def _lost(self) -> None:
        self._early_ends.ended(self._answers, 0.0, self._loop.time())
        self._answers = 0  # one of HTTP/2 counts once, however many requests it carried

    def _may_be_ending(self) -> bool:
        if self._idle_since is None:
            return False
        now = self._loop.time()
        return self._early_ends.may_come(now - self._idle_since, now)


class WatchedTransport(httpx2.AsyncHTTPTransport):
    """The connections to one upstream. Raises `ImportError` for a proxy that needs a package."""

    def __init__(
        self,
        upstream: UpstreamSettings,
        connections: int,
        tls: ssl.SSLContext,
        *,
        is_encrypted: bool,
    ) -> None:
        super().__init__(
            verify=tls,
            trust_env=False,
            http2=upstream.http2 and is_encrypted,
            proxy=httpx2.Proxy(upstream.proxy.reveal()) if upstream.proxy is not None else None,
            limits=httpx2.Limits(
                # Requests are limited already; idle connections that may be ending hold none up.
                max_connections=2 * connections,
                max_keepalive_connections=connections,
                keepalive_expiry=upstream.keepalive_expiry,
            ),
        )
        early_ends = EarlyEnds(upstream.keepalive_expiry)
        create = self._pool.create_connection

        def watched(origin: Any) -> Any:
            return WatchedConnection(create(origin), early_ends)

        self._pool.create_connection = watched  # type: ignore[method-assign]
