"""One client connection: HTTP/1.1, from requests to replies.

`reception.py` receives requests, `service.py` has them served, and `writer.py` writes the replies;
`lifetime.py` has the timeouts, and how a connection ends.
"""

import asyncio
from math import inf
from typing import TYPE_CHECKING, cast

from gateway.api.endings import shutting_down
from gateway.api.upgrades import KEY
from gateway.exchange.decision import Decision
from gateway.server.connection.lifetime import HEAD_TIMEOUT
from gateway.server.connection.service import IDLE_TIMEOUT, Service
from gateway.server.connection.state import State
from gateway.server.connection.writer import WireWriter
from gateway.server.websocket.heads import switching
from gateway.sockets import Leaving, SocketSession, Traffic
from gateway.system.tcp import is_readable

if TYPE_CHECKING:
    from gateway.server.door import Door
    from gateway.server.websocket.client_socket import ClientSocket


class Connection(Service):
    """One client connection: one request at a time, until it closes."""

    __slots__ = ("_socket",)

    def __init__(self, door: "Door") -> None:
        super().__init__(door)
        self._socket: ClientSocket | None = None

    # --- called by asyncio --------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        super().connection_made(transport)
        self._door.connections.add(self)
        # A TLS handshake takes a while, and the event loop a turn in any case.
        if self.application is not self._door.application:
            self._change_application()

    def resume_writing(self) -> None:
        """Continue the current reply."""
        super().resume_writing()
        if self._writer is not None:
            self._writer.resume()
        if self._socket is not None:
            self._socket.writable()

    # --- called by the writer and the door ----------------------------------------------------

    @property
    def idle_since(self) -> float:
        """Since when it waits for a request (loop time); inf: it does not."""
        if self.state is not State.IDLE:
            return inf
        return self._due - (IDLE_TIMEOUT if self._incoming.any_head else HEAD_TIMEOUT)

    def evict(self) -> bool:
        """Close it, unless a request has arrived meanwhile; return whether it was closed."""
        connected = self.transport.get_extra_info("socket")
        if self.transport.is_closing() or is_readable(connected.fileno()):
            return False
        self._abort()
        return True

    @property
    def draining(self) -> bool:
        """Whether new requests are refused."""
        return self._door.draining

    def change_application(self) -> None:
        """Serve the next request by the door's application, unless one is being received."""
        if self.state is State.IDLE or self.state is State.HEAD:
            self._change_application()
        self.drain_socket(Leaving.RELOADED)

    def drain_socket(self, leaving: Leaving) -> None:
        """Let an open WebSocket end: what is begun on it is finished, then it is closed."""
        if self._socket is not None:
            self._socket.drain(leaving)

    def finish_soon(self) -> None:
        """Close the connection after the current reply, or what is begun on its socket."""
        if self._writer is not None:
            self._writer.keep_alive = False
        self.drain_socket(Leaving.STOPPING)

    def cut_off(self) -> "asyncio.Task[None] | None":
        """Abort the current request; return its task, if there is one."""
        if self._writer is not None:
            self.finish_soon()
            # One that has not begun ends by itself: the gateway refuses requests by now.
            if self._begun or self._serving is not None:
                self._cancel()
        elif self.state is State.BODY:
            self._fail_body(shutting_down())
        elif self.state is not State.CLOSED:
            self._close()
        return self._task

    def _cut_short(self, writer: WireWriter) -> None:
        """Close so that the client sees that the reply is incomplete; a socket closes itself."""
        if self._socket is not None:
            return
        if writer.started and writer.ends_with_connection:
            self._abort()
        else:
            self._close()

    def _left(self, state: State) -> None:
        """Note that the client has disconnected; cancel the current request."""
        if state is State.BODY and self._writer is None:
            self.application.abandoned(self._incoming.admission)
        self._incoming.close()
        self._body.clear()
        self._upload = None
        if self._writer is not None:
            self._writer.gone = True
            if self._socket is None:
                self._cancel()
        if self._socket is not None:
            self._socket.lost()
        if not self._begun and self._serving is None:
            # A cancelled task that has not begun never runs, so it cannot do this itself.
            self._writer = self._task = None
            self._give_back()
            self._forget()

    def _forget(self) -> None:
        self._door.forget(self)

    # --- a WebSocket --------------------------------------------------------------------------

    def open_socket(
        self, session: SocketSession, decision: Decision, traffic: Traffic
    ) -> "ClientSocket":
        """Accept the handshake of the current request; see `Wire`."""
        # What opened the session has loaded them.
        from gateway.server.websocket import sending
        from gateway.server.websocket.client_socket import ClientSocket

        fields = self._incoming.received.head.headers
        key = next(value for name, value in fields if name == KEY)
        self.transport.write(switching(key, self._door.date_line, session, decision))
        limit = self.application.server.max_body_bytes
        self._socket = socket = ClientSocket(self, limit, session.drain, traffic)
        rest = bytes(self._incoming.rest)
        self._incoming.close()
        self._enter(State.SOCKET, sending.PING_INTERVAL)
        self._resume_reading()
        if rest:
            socket.receive(rest)
        # Once the session runs:
        if self._door.finishing:
            self._loop.call_soon(self.drain_socket, Leaving.STOPPING)
        elif self.application is not self._door.application:
            self._loop.call_soon(self.drain_socket, Leaving.RELOADED)
        return socket

    def pause_socket(self) -> None:
        """Stop reading; see `Carrier`."""
        self._pause_reading()

    def resume_socket(self) -> None:
        """Go on reading; see `Carrier`."""
        self._resume_reading()

    def expect_close(self, seconds: float) -> None:
        """Abort after that many seconds; see `Carrier`."""
        self._enter(State.SOCKET, seconds)

    def close_socket(self, *, in_order: bool) -> None:
        """Close; see `Carrier`."""
        if in_order:
            self._close()
        else:
            self._half_close()

    def abort_socket(self) -> None:
        """Drop the connection; see `Carrier`."""
        self._abort()

    def _take_frames(self, data: bytes) -> None:
        cast("ClientSocket", self._socket).receive(data)

    def _socket_due(self, now: float) -> None:
        socket = cast("ClientSocket", self._socket)
        seconds = socket.tick(now, is_reading=not self._reading_paused)
        if seconds is None:
            self._abort()
        else:
            self._enter(State.SOCKET, seconds)
