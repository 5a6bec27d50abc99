"""Sending over httpcore2: for upstreams behind a forward proxy, and for HTTP/2.

It keeps the promises of the gateway's own pool (`pool.py`) with a library's means, with four
differences: chunks that arrive together are not joined; a connection has no greatest age; an early
reply to a streamed upload is seen only once the upload ends or breaks; and what an upstream had not
received cannot be known, so that only safe methods are sent again when a reused connection ends
before a reply's head is complete.

httpcore2 itself repeats a request only if it was certainly not processed: it had not been written
yet, or the HTTP/2 server's GOAWAY left it out (RFC 9113 section 6.8). Before it uses an idle
connection of HTTP/1.1 again it looks whether the server has closed it.

Methods, targets and header fields go as they are, as the gateway's own pool sends them.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, Protocol

import httpcore2

from gateway.config.settings import TimeoutSettings, UpstreamSettings
from gateway.errors import Reason, TruncatedStream, UpstreamError, UpstreamTimeout
from gateway.replies import ChunkedReply
from gateway.shapes import UpstreamCall
from gateway.system.tcp import keep_alive
from gateway.upstream.credentials import Credentials
from gateway.upstream.delivery import SAFE_METHODS
from gateway.upstream.headers import OutgoingHeaders, framing
from gateway.upstream.origin import Origin
from gateway.upstream.proxied.forward_proxy import host_for, proxy_of
from gateway.upstream.proxied.httpcore_errors import causes, closed_unanswered, gateway_errors
from gateway.upstream.proxied.leaving import WatchedStream
from gateway.upstream.proxied.request_body import RequestBody
from gateway.upstream.proxied.reuse import WatchedPool
from gateway.upstream.reply_fields import reply_headers
from gateway.upstream.slots import Slots, UpstreamStats, for_look_ups, for_requests
from gateway.upstream.targets import method_of, targets_of
from gateway.upstream.transport.client_tls import (
    client_context,
    suspect_certificate,
    suspect_handshake,
)


class Transport(Protocol):
    """What sends requests: httpcore2's pool, or what a test has in its place."""

    async def handle_async_request(self, request: httpcore2.Request) -> httpcore2.Response:
        """Send a request; return the head of its reply. Raises httpcore2's errors."""

    async def aclose(self) -> None:
        """Close every connection."""


class _Progress:
    """What httpcore2 reports of one attempt: whether it connected, and when it has sent all.

    Also keeps hold of a new socket until a connection object has it: a cancelled TLS handshake
    would leave it to the garbage collector (httpcore2 2.16 closes it for an `Exception` only).
    """

    def __init__(self, deadline: asyncio.Timeout, first_byte: float) -> None:
        self._deadline = deadline
        self._first_byte = first_byte
        self._unclaimed: Any = None
        self.connected = False
        self.note_loss: Callable[[], None] = lambda: None
        """Called if the connection that has the request ends unanswered; see `reuse.py`."""
        self.note_leaving: Callable[[], None] = lambda: None
        """Called if the reply is not read to its end."""
        self.note_stream: Callable[[WatchedStream], None] = lambda _: None
        """Called with a new connection's socket, once it has TLS."""
        self.secured_at = 0.0
        """When TLS began on a new connection (loop time); 0 without."""

    async def __call__(self, event: str, info: dict[str, Any]) -> None:
        """Take an event (called by httpcore2)."""
        if event.endswith(".connect_tcp.complete"):
            self.connected = True
            self._unclaimed = stream = info["return_value"]
            keep_alive(stream.get_extra_info("socket"))  # not its option, which forgets proxies
        elif event.endswith(".start_tls.complete"):
            self.secured_at = asyncio.get_running_loop().time()
            self.note_stream(info["return_value"])
        elif event.endswith(".send_request_headers.started"):
            self._unclaimed = None
        elif event.endswith((".send_request_body.complete", ".send_request_body.failed")):
            now = asyncio.get_running_loop().time()
            self._deadline.reschedule(now + self._first_byte)

    async def close_unclaimed(self) -> None:
        """Close a socket that no connection object came to own."""
        if self._unclaimed is not None:
            await self._unclaimed.aclose()


class HttpClient:
    """One upstream over httpcore2. Raises `ValueError` when its settings cannot be used.

    `transport` replaces the network in tests.
    """

    def __init__(
        self,
        upstream: UpstreamSettings,
        origin: Origin,
        credentials: Credentials,
        *,
        transport: Transport | None = None,
        slots: Slots | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._made_for = upstream, origin, credentials
        self._name = upstream.name
        self._timeouts = upstream.timeouts
        proxy = proxy_of(upstream)
        has_name = proxy is not None and proxy.url.scheme == b"https"
        self._whose = "its own or its proxy's" if has_name else "its"
        """Whose certificate fails, in the words of an error."""
        self._target = targets_of(upstream, origin, credentials)
        self._headers = OutgoingHeaders(upstream, credentials, origin.host_header)
        self._slots = slots or for_requests(upstream)
        self._tls = tls or client_context(upstream)
        self._origin = origin
        self._host = host_for(origin, proxy)
        self._transport = transport or WatchedPool(
            upstream, self._slots.limit, self._tls, proxy, is_encrypted=origin.scheme == "https"
        )

    @property
    def at_once(self) -> None:
        """Nothing sends in two parts: the library waits in a task."""
        return

    def for_look_ups(self, slots: Slots | None = None) -> "HttpClient":
        """Return a client for the same upstream, with the connections and slots of look-ups."""
        slots = slots or for_look_ups(self._made_for[0])
        return HttpClient(*self._made_for, slots=slots, tls=self._tls)

    async def send(self, call: UpstreamCall) -> "HttpReply":
        """Send one call; see `gateway.shapes.Send`."""
        timeouts = self._timeouts.but(call.timeouts)
        await self._slots.acquire(seconds=timeouts.queue)
        try:
            headers = self._headers.outgoing(call)
            headers.extend(framing(call))
            return await self._respond(call, headers)
        except BaseException:
            self._slots.release()
            raise

    async def aclose(self) -> None:
        """Close every connection and refuse requests that wait."""
        self._slots.close()
        await self._transport.aclose()

    def stats(self) -> UpstreamStats:
        """Return what is in flight; httpcore2 does not show its idle connections."""
        return UpstreamStats(in_flight=self._slots.in_use, idle=None, queued=self._slots.queued)

    def _request(self, call: UpstreamCall, headers: list[tuple[bytes, bytes]]) -> httpcore2.Request:
        """Return a call as a request; each attempt adds its timeouts and its trace callback."""
        url = httpcore2.URL(
            scheme=self._origin.scheme,
            host=self._host,
            port=self._origin.written_port,  # a forward proxy is asked for the URL as it is
            target=self._target(call),
        )
        # Certificates have the host without the brackets that `_host` may have.
        extensions = {"sni_hostname": self._origin.host}
        return httpcore2.Request(
            method_of(call), url, headers=headers, content=RequestBody(call), extensions=extensions
        )

    async def _respond(self, call: UpstreamCall, headers: list[tuple[bytes, bytes]]) -> "HttpReply":
        try:
            return await self._attempt(call, self._request(call, headers))
        except _ReusedConnectionClosed:
            if call.method not in SAFE_METHODS or not isinstance(call.body, bytes):
                raise
        # The closed connection has left httpcore2's pool; a second loss is not the race any more.
        call.resends += 1
        return await self._attempt(call, self._request(call, headers))

    async def _attempt(self, call: UpstreamCall, request: httpcore2.Request) -> "HttpReply":
        deadline = asyncio.timeout(None)
        timeouts = self._timeouts.but(call.timeouts)
        progress = _Progress(deadline, timeouts.first_byte)
        limits = _limits_before_the_head(timeouts)
        request.extensions.update(timeout=limits, trace=progress)
        try:
            with gateway_errors(self._name, "head", whose=self._whose):
                async with deadline:
                    response = await self._transport.handle_async_request(request)
        except UpstreamError as error:
            if not progress.connected and closed_unanswered(error.__cause__):
                progress.note_loss()
                raise _ReusedConnectionClosed(
                    error.message, reason=error.reason
                ) from error.__cause__
            if isinstance(error.__cause__, httpcore2.ConnectError):
                suspect_handshake(error, causes(error.__cause__), self._made_for[0])
            if progress.secured_at and closed_unanswered(error.__cause__):
                age = asyncio.get_running_loop().time() - progress.secured_at
                suspect_certificate(error, self._made_for[0], age)
            raise
        except TimeoutError:
            raise UpstreamTimeout(
                f"Upstream '{self._name}' sent no reply within {timeouts.first_byte:g} s "
                "(timeouts.first_byte).",
                reason=Reason.FIRST_BYTE_TIMEOUT,
            ) from None
        finally:
            await progress.close_unclaimed()
        limits["read"] = timeouts.stream_idle
        return HttpReply(self._name, response, timeouts.stream_idle, self._slots, progress)


class HttpReply(ChunkedReply):
    """A reply whose body httpcore2 reads."""

    def __init__(
        self,
        name: str,
        response: httpcore2.Response,
        stream_idle: float,
        slots: Slots,
        progress: _Progress,
    ) -> None:
        super().__init__()
        self._name = name
        self._response = response
        self._progress = progress
        self._stream_idle = stream_idle
        self._slots = slots
        self._open = True
        self._complete = False
        self.status = response.status
        self.headers = reply_headers(tuple(response.headers))

    async def _read(self) -> AsyncIterator[bytes]:
        if not self._open:
            raise TruncatedStream(f"The reply of upstream '{self._name}' was given up unread.")
        try:
            with gateway_errors(self._name, "body", self._stream_idle):
                async with aclosing(self._response.aiter_stream()) as chunks:
                    async for chunk in chunks:
                        if chunk:
                            yield chunk
            self._complete = self._open
        finally:
            await self._close()
        if not self._complete:
            raise TruncatedStream(f"The reply of upstream '{self._name}' was given up unread.")

    async def _close(self) -> None:
        if not self._open:
            return
        self._open = False
        if not self._complete:
            self._progress.note_leaving()
        try:
            with gateway_errors(self._name, "body", self._stream_idle):
                await self._response.aclose()
        finally:
            self._slots.release()


class _ReusedConnectionClosed(UpstreamError):
    """A connection that had served before closed without one byte of a reply."""


def _limits_before_the_head(timeouts: TimeoutSettings) -> dict[str, float | None]:
    """Return httpcore2's limits (seconds) up to a reply's head.

    Reading has none of its own: the deadline limits that wait, so that a head that drips byte
    by byte cannot outlast it. httpcore2 reads the dict again for the body, and by then the time
    between two reads is what counts.
    """
    return {
        "connect": timeouts.connect,
        "write": timeouts.stream_idle,
        "pool": timeouts.queue,
        "read": None,
    }
