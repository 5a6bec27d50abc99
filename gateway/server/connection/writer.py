"""Writes replies to a client's connection, in HTTP/1.1. A buffered reply is one write."""

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING, Final, Protocol

from gateway import request_ids
from gateway.api.endings import shutting_down, undo_cancellation
from gateway.api.writing import COMMENT, SWITCHING_PROTOCOLS, Fields, ReplyWriter
from gateway.errors import GatewayError, ShuttingDown
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.reply.body import ReplyBody
from gateway.headers import BODILESS, UNSAFE_BYTES
from gateway.server.connection.backpressure import Backpressure
from gateway.server.connection.head import ReceivedHead
from gateway.server.connection.reply_lines import lines_of, status_line
from gateway.server.connection.state import State
from gateway.shapes import ReplyHeaders, Sink
from gateway.sockets import SocketSession, Traffic
from gateway.system.outbox import Outbox

if TYPE_CHECKING:
    from gateway.server.websocket.client_socket import ClientSocket

_NO_CONTENT = 204
_COLON: Final = b": "
_BREAK: Final = b"\r\n"
_BODY = State.BODY  # a global: it is looked up for every reply
_SPECIAL = frozenset({b"content-length", b"transfer-encoding", b"connection", request_ids.HEADER})


class Wire(Protocol):
    """The client's connection, as a writer sees it."""

    transport: asyncio.Transport
    flow: Backpressure
    state: State
    outbox: Outbox

    def write_late(self, data: bytes) -> None:
        """Write what has waited in the outbox, unless the connection has ended meanwhile."""

    def open_socket(
        self, session: SocketSession, decision: Decision, traffic: Traffic
    ) -> "ClientSocket":
        """Accept the handshake of the current request; raises `GatewayError` if it cannot."""


class Listener(Protocol):
    """What all connections of a listener share."""

    date_line: bytes
    """The `date` line of a reply's head."""


class WireWriter(ReplyWriter):
    """Writes one reply to a wire.

    `keep_alive` False announces to the client that the connection closes after this reply. The
    connection sets `gone` when the client has disconnected; then nothing is written. `complete` is
    set once the reply is written as its head announced.
    """

    __slots__ = (
        "_bodiless",
        "_body",
        "_chunked",
        "_left",
        "_listener",
        "_received",
        "_wire",
        "complete",
        "ends_with_connection",
        "gone",
        "keep_alive",
    )

    cut_off_status = ShuttingDown.status
    """The connection writes that error."""

    def __init__(self, wire: Wire, listener: Listener, received: ReceivedHead) -> None:
        # Without super().__init__(): one is made for every request.
        self._wire = wire
        self._listener = listener
        self._received = received
        self._bodiless = received.head_only
        self.keep_alive = received.keep_alive
        self.status = 0
        self.first_at = 0.0
        self.decision = None
        self._left: int | None = None
        self._body: ReplyBody | None = None
        self._chunked = self.started = self.complete = self.gone = False
        self.ends_with_connection = False

    async def upgrade(self, session: SocketSession, decision: Decision, traffic: Traffic) -> int:
        """Accept a handshake and serve its socket; see `ReplyWriter`."""
        socket = self._wire.open_socket(session, decision, traffic)
        self.started = True
        self.status = SWITCHING_PROTOCOLS
        await socket.serve(session)
        return socket.code

    def resume(self) -> None:
        """Continue, the write buffer having drained (called by the connection)."""
        if self._body is not None:
            self._body.resume()

    async def _write_body(self, body: ReplyBody) -> None:
        self._body = body
        try:
            await body.pipe(self._sink())
        except asyncio.CancelledError:
            end = body.cut_off(shutting_down()) if not self.gone else None
            if end is None:
                raise
            undo_cancellation()
            self._take(end)
        finally:
            self._body = None

    def _sink(self) -> Sink:
        """Return the sink for the body."""
        if not self._chunked or self._bodiless:
            return self._take
        write, flow = self._wire.transport.write, self._wire.flow

        def take(chunk: bytes) -> bool:
            if self.gone or not (self.first_at and chunk):
                return self._take(chunk)
            # As `_take` does; for each event of a slow stream.
            write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            return not flow.paused

        return take

    def _take(self, chunk: bytes) -> bool:
        if not self.first_at and chunk[:1] != COMMENT:
            self.first_at = perf_counter()
        self._put(self._framed(chunk))
        return not self._wire.flow.paused

    def write_at_once(self, reply: ClientReply, body: bytes, decision: Decision) -> bool:
        """Write a reply with this body, if that needs no waiting; return whether it was written."""
        if self.complete:
            return True  # what has failed since its reply was written is served again, by a task
        if self._wire.flow.paused:
            return False
        self._put_whole(self._render(self._begun(reply, decision), decision, len(body)), body)
        return True

    async def _write_whole(self, fields: Fields, decision: Decision, body: bytes) -> None:
        head = self._render(fields, decision, len(body))
        if self._wire.flow.paused:
            await self._wire.flow.drain()
        self._put_whole(head, body)

    def _put_whole(self, head: bytes, body: bytes) -> None:
        if self._left == len(body) and not (self._bodiless or self.gone):
            wire = self._wire
            wire.outbox.put(wire.write_late, head + body)
            self.complete = True
            return
        self._put(head + self._framed(body, last=True))
        self._conclude()

    async def _start(self, fields: Fields, decision: Decision) -> None:
        await self._write(self._render(fields, decision, None))

    async def _end(self) -> None:
        await self._write(self._framed(b"", last=True))
        self._conclude()

    async def _write(self, data: bytes) -> None:
        if self._wire.flow.paused:
            await self._wire.flow.drain()
        self._put(data)

    def _put(self, data: bytes) -> None:
        if data and not self.gone:
            self._wire.transport.write(data)

    def _framed(self, body: bytes, *, last: bool = False) -> bytes:
        """Return a piece of the body with its framing; raises `GatewayError` if it is too long."""
        if self._bodiless:
            return b""
        if self._chunked:
            data = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            return data + b"0\r\n\r\n" if last else data
        if self._left is not None:
            self._left -= len(body)
            if self._left < 0:
                raise GatewayError("The reply is longer than its Content-Length.")
        return body

    def _conclude(self) -> None:
        if self._left and not self._bodiless:
            raise GatewayError("The reply is shorter than its Content-Length.")
        self.complete = True

    def _render(self, fields: Fields, decision: Decision, length: int | None) -> bytes:
        """Return the head, and choose the body's framing; `length` is that of a buffered body."""
        status, own = self.status, list[bytes]()
        if status in BODILESS:
            self._bodiless = True
        if isinstance(fields, ReplyHeaders) and not self._bodiless:
            before, after, id_line, named = lines_of(fields.repeated)
            decision.take_id_line(id_line)
            self._left, closing = fields.length, False
            own += (before, fields.digits, after)
        else:
            decision.identified(fields)
            closing = self._copy(fields, own)
            named = decision.anthropic and request_ids.has_anthropics(fields)
        if closing or self._wire.state is _BODY:
            self.keep_alive = False  # the rest of the request is not awaited
        framing = self._frame(length) if self._left is None and not self._bodiless else b""
        id_line = decision.id_line
        lines = (
            status_line(status),
            self._listener.date_line,
            *own,
            decision.lines(),
            id_line,
            request_ids.anthropics_line(id_line) if decision.anthropic and not named else b"",
            framing,
            b"" if self.keep_alive or closing else b"connection: close\r\n",
            _BREAK,
        )
        return b"".join(lines)

    def _copy(self, fields: Fields, lines: list[bytes]) -> bool:
        """Take a reply's fields, and add their lines; return whether they close the connection."""
        closing = False
        for name, value in fields:
            if name in _SPECIAL:
                if name == b"connection":
                    closing = closing or b"close" in value.lower()
                elif not self._is_copied(name, value):
                    continue
            lines += (name, _COLON, value, _BREAK)
        values = b"".join([value for _, value in fields])
        if len(values.translate(None, UNSAFE_BYTES)) != len(values):
            raise GatewayError("A header of the reply contains a control character.")
        return closing

    def _is_copied(self, name: bytes, value: bytes) -> bool:
        """Take a special field; return whether it is written as it is."""
        if name == request_ids.HEADER or name == b"transfer-encoding":
            return False
        if self.status == _NO_CONTENT:
            return False  # RFC 9110 section 8.6: a 204 has no length
        self._left = int(value)
        return True

    def _frame(self, length: int | None) -> bytes:
        """Return the line that frames a body without a Content-Length."""
        if length is not None:
            self._left = length
            return b"content-length: %d\r\n" % length
        if not self._received.is_http_1_0:
            self._chunked = True
            return b"transfer-encoding: chunked\r\n"
        self.keep_alive = False
        self.ends_with_connection = True
        return b""
