"""The direct way: plain requests for generation, without ASGI in between.

What arrives as a whole request in one read, at one of the generation endpoints, is given to the
gateway as it is, and the reply is written straight to the transport. ASGI's scope, messages and
events would cost more than forwarding does. Everything else takes the general way, whose decisions
and replies the direct way shares: only the wire differs.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Protocol, cast

from gateway.errors import ShuttingDown
from gateway.exchange.message import Decision
from gateway.server.direct_writing import DirectWriter
from gateway.server.http_limits import LimitedHttpProtocol
from gateway.server.whole_request import KnownHead, RequestHead, read

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

log = logging.getLogger("gateway")


class Admitted(Protocol):
    """A request whose head may pass. What it holds is the application's business."""


class DirectApplication(Protocol):
    """An application that takes whole requests, beside being an ASGI application."""

    keepalive_interval: float

    def admit(self, head: RequestHead) -> Admitted | None:
        """Return what is known of a request by its head; None: it must take the general way.

        The same head gives the same result, so it is asked once for a head that is repeated.
        """

    def serve(self, admitted: Any, body: bytes, writer: DirectWriter) -> Coroutine[Any, Any, None]:
        """Serve one request to its end; cancelled when the client leaves."""


class DirectHttpProtocol(LimitedHttpProtocol):
    """One client connection, with both ways; never two requests at the same time on the direct."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._application = cast("DirectApplication", self.config.app)
        self._known: KnownHead | None = None
        self._admitted: Admitted | None = None
        self._writer: DirectWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._begun = False
        self._held = b""
        self._idle_since = 0.0
        self._date: tuple[object, bytes] = (None, b"")

    def data_received(self, data: bytes) -> None:
        """Start a request that is here as a whole; leave all else to the general way."""
        if self._writer is not None:
            self._held += data
            self.flow.pause_reading()
        elif not self._admit(data):
            super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request under way that its client has left."""
        super().connection_lost(exc)
        if self._writer is not None and self._task is not None:
            self._writer.gone = True
            self._task.cancel()
            if not self._begun:
                # It never will, so it cannot take itself off the list.
                self.tasks.discard(self._task)

    def resume_writing(self) -> None:
        """Let the reply under way go on (called by the transport)."""
        super().resume_writing()
        if self._writer is not None:
            self._writer.resume()

    def shutdown(self) -> None:
        """End the connection, after the request under way if there is one (called by uvicorn)."""
        if self._writer is not None:
            self._writer.keep_alive = False
        else:
            super().shutdown()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that has been idle for long enough; wait on if it has not."""
        self.timeout_keep_alive_task = None
        if self._writer is None:
            left = self._idle_since + self.timeout_keep_alive - self.loop.time()
            if left <= 0:
                super().timeout_keep_alive_handler()
            else:
                self._wait_idle(left)

    def common_fields(self) -> bytes:
        """Return the lines that every reply's head has; uvicorn makes new ones every second."""
        fields = self.server_state.default_headers
        if self._date[0] is not fields:
            lines = b"".join([b"%b: %b\r\n" % field for field in fields])
            self._date = (fields, lines)
        return self._date[1]

    def _admit(self, data: bytes) -> bool:
        """Start what `data` holds if it is one whole request that may take the direct way."""
        if not self._in_head or self._head_bytes or self.lingering:
            return False  # the general way has a part of a request, or the last reply is written
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is not None and not cycle.response_complete:
            return False
        known = self._known
        body = known.body_of(data) if known is not None else None
        if known is None or body is None:
            known = read(data)
            body = known.body_of(data) if known is not None else None
            if known is None or body is None:
                return False
            admitted = self._application.admit(known.head)
            if admitted is None:
                return False
            self._known, self._admitted = known, admitted
        if self._head_timer is not None:
            self._stop_clock()
        self._writer = writer = DirectWriter(
            self, self._application.keepalive_interval, keep_alive=known.head.keep_alive
        )
        self._task = task = self.loop.create_task(self._serve(body, writer))
        self.tasks.add(task)
        return True

    async def _serve(self, body: bytes, writer: DirectWriter) -> None:
        self._begun = True
        try:
            await self._application.serve(self._admitted, body, writer)
        except asyncio.CancelledError:
            # The grace period is over (`uvicorn.Server.shutdown`).
            if not writer.started:
                writer.keep_alive = False
                error = ShuttingDown("The gateway is shutting down; try again.")
                await writer.write_error(error, Decision())
        except Exception:
            log.exception("a request failed inside the gateway")
        finally:
            self._finish(writer)

    def _finish(self, writer: DirectWriter) -> None:
        """Be ready for the next request, or close: visibly, if the reply is not complete."""
        self.tasks.discard(cast("asyncio.Task[None]", self._task))
        self._writer = self._task = None
        self._begun = False
        if writer.gone:
            return
        if not writer.complete or not writer.keep_alive:
            if self._held:
                self.close_in_order()
            else:
                self.transport.close()
            return
        self.server_state.total_requests += 1
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._wait_idle(self.timeout_keep_alive)
        if self._held:
            held, self._held = self._held, b""
            self.flow.resume_reading()
            self.data_received(held)

    def _wait_idle(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            seconds, self.timeout_keep_alive_handler
        )
