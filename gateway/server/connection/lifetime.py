"""The lifetime of a client connection: its states, timeouts and orderly end."""

import asyncio
from math import inf
from typing import cast

from gateway.server.connection.backpressure import Backpressure
from gateway.server.connection.state import State
from gateway.server.connection.timer import Timer
from gateway.server.tls import SHUTDOWN_SECONDS
from gateway.system.outbox import OUTBOXES
from gateway.system.tcp import has_left

HEAD_TIMEOUT = 10.0
"""Seconds from the start of a connection, or of a head, to the head's last byte."""
HALF_CLOSED_SECONDS = 2.0
"""How long a client may keep sending after its last reply before the connection is closed."""
HALF_CLOSED_BYTES = 16 * 1024 * 1024
"""How many bytes a client may send in that time."""
CHECK_INTERVAL = 0.5
"""Seconds between two checks whether a client has disconnected while its socket is not read."""


class Lifetime(asyncio.Protocol):
    """A connection without a protocol, which the subclass has.

    `state` is its state; `flow` tracks the bytes that the client has not read, for which it has
    `send_timeout` seconds.
    """

    __slots__ = (
        "_discarded",
        "_due",
        "_loop",
        "_reading_paused",
        "_send_timeout",
        "_timer",
        "flow",
        "outbox",
        "state",
        "transport",
    )

    transport: asyncio.Transport
    flow: Backpressure

    def __init__(self, send_timeout: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._send_timeout = send_timeout
        self.outbox = OUTBOXES.of(self._loop)
        """Writes whole replies."""
        self._timer = Timer(self._loop, self._expired)
        self._due = inf
        """When the state's time is over (loop time)."""
        self._reading_paused = False
        self._discarded = 0
        self.state = State.CLOSED

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the timeouts: a silent connection is closed."""
        self.transport = cast("asyncio.Transport", transport)
        self.flow = Backpressure(self.transport, self._send_timeout)
        self._enter(State.IDLE, HEAD_TIMEOUT)

    def eof_received(self) -> None:
        """Treat the client's end as a disconnect, as nginx does."""
        if self.state in (State.BODY, State.SERVING, State.SOCKET):
            self._abort()
        elif self.state is not State.CLOSED:
            self._close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's form
        """Note the closed socket."""
        self._end()

    def pause_writing(self) -> None:
        """Note that the write buffer is full."""
        self.flow.pause(self._loop.time())
        self._arm()

    def resume_writing(self) -> None:
        """Note that the write buffer has drained."""
        self.flow.resume()
        if self.state is State.CLOSING:
            self.flow.watch_end(self._loop.time())
            self._arm()

    def write_late(self, data: bytes) -> None:
        """Write what has waited in the outbox, unless the connection has ended meanwhile."""
        if not self.transport.is_closing():
            self.transport.write(data)

    def _left(self, state: State) -> None:
        """Note the disconnect; `state` is the one in which it happened."""
        raise NotImplementedError

    def _body_late(self) -> None:
        """Note that the body's time is over."""
        raise NotImplementedError

    def _socket_due(self, now: float) -> None:
        """Note that a socket's time is over (`now` is loop time); only the subclass has sockets."""

    def _enter(self, state: State, seconds: float) -> None:
        """Enter a state for so many seconds; every state but CLOSED has a successor."""
        self.state = state
        self._due = self._loop.time() + seconds if seconds < inf else inf
        self._arm()

    def _close(self) -> None:
        """Close once the client has read everything."""
        self.outbox.flush()
        self._enter(State.CLOSING, inf if self.transport.can_write_eof() else SHUTDOWN_SECONDS)
        self.flow.watch_end(self._loop.time())
        self._arm()
        self.transport.close()

    def _closing_due(self, now: float) -> None:
        """End a TLS connection whose client has read everything, but not agreed to the end."""
        if self.flow.is_all_read:
            self._abort()
            return
        self._due = now + SHUTDOWN_SECONDS
        self._arm()

    def _abort(self) -> None:
        """Close now."""
        self._end()
        self.transport.abort()

    def _end(self) -> None:
        state = self.state
        if state is not State.CLOSED:
            self.state = State.CLOSED
            self._timer.close()
            self.flow.resume()
            self._left(state)

    def _half_close(self) -> None:
        """Close this side and keep reading for a while, as nginx's lingering close does.

        Closing with unread bytes resets the connection, and a reset can destroy the last reply
        before the client has read it (RFC 9112 section 9.6).
        """
        self.outbox.flush()
        self._enter(State.HALF_CLOSED, HALF_CLOSED_SECONDS)
        self._resume_reading()
        if self.transport.can_write_eof():  # TLS has no such end: its client waits until the close
            self.transport.write_eof()

    def _discard(self, data: bytes) -> None:
        self._discarded += len(data)
        if self._discarded <= HALF_CLOSED_BYTES:
            return
        if self.state is State.HALF_CLOSED:
            self._close()
        else:
            self._pause_reading()  # until the reply is written

    def _pause_reading(self) -> None:
        if not self._reading_paused:
            self._reading_paused = True
            self.transport.pause_reading()
            self._arm()

    def _resume_reading(self) -> None:
        if self._reading_paused:
            self._reading_paused = False
            self.transport.resume_reading()

    def _arm(self) -> None:
        at = min(self._due, self.flow.due)
        if self._reading_paused:
            at = min(at, self._loop.time() + CHECK_INTERVAL)
        self._timer.set(at)

    def _expired(self) -> None:
        now = self._loop.time()
        if self.flow.is_stuck(now) or (self._reading_paused and has_left(self.transport)):
            self._abort()
        elif now < self._due:
            self._arm()
        elif self.state is State.BODY:
            self._body_late()
        elif self.state is State.SOCKET:
            self._socket_due(now)
        elif self.state is State.CLOSING:
            self._closing_due(now)
        else:
            self._close()
