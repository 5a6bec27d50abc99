"""The life of a client connection: states, times, and an end in which the last reply is read."""

import asyncio
from math import inf
from typing import cast

from gateway.server.backpressure import Backpressure
from gateway.server.peer import LOOK_EVERY, has_left
from gateway.server.state import State
from gateway.server.timer import Timer

HEAD_TIMEOUT = 10.0
"""Seconds from a connection's or a head's first moment to the head's last byte, in all."""
LINGER_SECONDS = 2.0
"""How long a client may go on sending after its last reply before the connection is closed."""
LINGER_BYTES = 16 * 1024 * 1024
"""How much it may send in that time."""


class Lifetime(asyncio.Protocol):
    """A connection without what is said on it: that is the subclass's business.

    `state` says where it stands; `flow` what the client has not read, for which it has
    `send_timeout` seconds.
    """

    __slots__ = (
        "_due",
        "_loop",
        "_reading_paused",
        "_send_timeout",
        "_thrown_away",
        "_timer",
        "flow",
        "state",
        "transport",
    )

    transport: asyncio.Transport
    flow: Backpressure

    def __init__(self, send_timeout: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._send_timeout = send_timeout
        self._timer = Timer(self._loop, self._expired)
        self._due = inf
        """When the time of the state is over (loop time)."""
        self._reading_paused = False
        self._thrown_away = 0
        self.state = State.CLOSED

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the clock: a connection that says nothing is closed."""
        self.transport = cast("asyncio.Transport", transport)
        self.flow = Backpressure(self.transport, self._send_timeout)
        self._enter(State.IDLE, HEAD_TIMEOUT)

    def eof_received(self) -> None:
        """Take the client's end. It has left, whatever it might still read, as nginx sees it."""
        if self.state in (State.BODY, State.SERVING):
            self._abort()
        elif self.state is not State.CLOSED:
            self._close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's form
        """Take note of the closed socket."""
        self._end()

    def pause_writing(self) -> None:
        """Take note that the client does not read as fast as it is written to."""
        self.flow.pause(self._loop.time())
        self._arm()

    def resume_writing(self) -> None:
        """Take note that it has read."""
        self.flow.resume()
        if self.state is State.CLOSING:
            self.flow.watch(self._loop.time())
            self._arm()

    def _left(self, state: State) -> None:
        """Take note that nobody is there any more; `state` is the one in which it happened."""
        raise NotImplementedError

    def _body_late(self) -> None:
        """Take note that the body's time is over."""
        raise NotImplementedError

    def _enter(self, state: State, seconds: float) -> None:
        """Enter a state for so long: every state but CLOSED has a successor."""
        self.state = state
        self._due = self._loop.time() + seconds if seconds < inf else inf
        self._arm()

    def _close(self) -> None:
        """Close once the client has read what it was sent."""
        self._enter(State.CLOSING, inf)
        self.flow.watch(self._loop.time())
        self._arm()
        self.transport.close()

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

    def _linger(self) -> None:
        """End this side, and read on for a while: closing on unread bytes resets the connection.

        A reset can destroy the last reply before the client has read it (RFC 9112 section 9.6).
        """
        self._enter(State.LINGERING, LINGER_SECONDS)
        self._resume_reading()
        self.transport.write_eof()

    def _throw_away(self, data: bytes) -> None:
        self._thrown_away += len(data)
        if self._thrown_away <= LINGER_BYTES:
            return
        if self.state is State.LINGERING:
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
            at = min(at, self._loop.time() + LOOK_EVERY)
        self._timer.set(at)

    def _expired(self) -> None:
        now = self._loop.time()
        if self.flow.is_stuck(now) or (self._reading_paused and has_left(self.transport)):
            self._abort()
        elif now < self._due:
            self._arm()
        elif self.state is State.BODY:
            self._body_late()
        else:
            self._close()
