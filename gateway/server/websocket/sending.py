"""The sending half of a client's socket: messages, frames, pings and the closing handshake.

Frames are those of the package `websockets`; text messages of a server are so simple that they are
written here.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from websockets.frames import Opcode
from websockets.protocol import Protocol as Parser
from websockets.protocol import Side, State

from gateway.api.handshakes import run_session
from gateway.frames import head
from gateway.server.connection.backpressure import Backpressure
from gateway.sockets import (
    ABNORMAL_CLOSURE,
    NO_STATUS,
    NORMAL_CLOSURE,
    POLICY_VIOLATION,
    Leaving,
    Socket,
    SocketSession,
    SocketUser,
    Traffic,
    closing,
)

PING_INTERVAL = 20.0
"""Seconds between two pings, which also keep proxies from closing an idle connection."""
SILENCE = 60.0
"""A client is given up after so many seconds without a byte, not even the answer to a ping."""
MESSAGE_SECONDS = 600.0
"""How long a message may take to arrive: a few bytes now and then do not keep a socket open."""
CLOSE_SECONDS = 3.0
"""How long the client's part of the closing handshake may take."""
END_SECONDS = 10.0
"""How long a session may go on after the end of its socket."""

_PONG: Final = 0x80 | Opcode.PONG
_OPEN: Final = State.OPEN

_log = logging.getLogger("gateway.websocket")
_log.setLevel(logging.ERROR)  # else the package logs each connection


class Carrier(Protocol):
    """The connection that a socket is on, as the socket sees it."""

    transport: asyncio.Transport
    flow: Backpressure

    def pause_socket(self) -> None:
        """Stop reading."""

    def resume_socket(self) -> None:
        """Go on reading."""

    def expect_close(self, seconds: float) -> None:
        """Have the socket's `tick` called after that many seconds, unless it is closed before."""

    def close_socket(self, *, in_order: bool) -> None:
        """Close: at once if both sides have ended in order, else once the client has read why."""

    def abort_socket(self) -> None:
        """Drop the connection."""


class SendingSocket(Socket):
    """The sending half of a socket. `limit` is the most bytes of a received message.

    `drain` is the session's. The connection calls `writable`, `tick` and `lost`.
    """

    __slots__ = (
        "_carrier",
        "_ended",
        "_hands_over",
        "_heard",
        "_in_frame",
        "_late",
        "_loop",
        "_parser",
        "_pong",
        "_since",
        "_task",
        "_traffic",
        "_user",
        "_waited_for",
        "code",
        "drain",
    )

    def __init__(
        self, carrier: Carrier, limit: int, drain: Callable[[Leaving], None], traffic: Traffic
    ) -> None:
        self._carrier = carrier
        self._loop = asyncio.get_running_loop()
        self._parser = Parser(Side.SERVER, state=_OPEN, max_size=limit, logger=_log)
        self._in_frame = False
        """Whether the last piece of `send_frames` has ended inside a frame."""
        self._user: SocketUser | None = None
        self._pong = b""
        """The answer to the last ping, which waits until it can be written."""
        self._waited_for = False
        """Whether the user waits for `drained`."""
        self._hands_over = True
        """Whether messages are still handed over: this side has not begun to close."""
        self._heard = self._loop.time()
        self._since: float | None = None
        """When the message began of which a part has arrived (loop time); None without one."""
        self._ended: tuple[int, str] | None = None
        self._task: asyncio.Task[None] | None = None
        """The task that serves the session."""
        self._late: asyncio.TimerHandle | None = None
        """Ends a session that goes on after the end of its socket."""
        self.code = 0
        """The first close code, of either side; `ABNORMAL_CLOSURE` without any; 0 until then."""
        self.drain = drain
        self._traffic = traffic

    async def serve(self, session: SocketSession) -> None:
        """Run the session until it ends; cancel it if that takes long after the socket's end."""
        self._task = asyncio.current_task()
        try:
            await run_session(session, self)
        finally:
            self._task = None
            if self._late is not None:
                self._late.cancel()

    # --- called by the user -------------------------------------------------------------------

    def send(self, message: bytes) -> bool:
        """Send a text message; see `Socket`."""
        return self._write(head(len(message)) + message)

    def send_all(self, messages: Sequence[bytes]) -> bool:
        """Send text messages in one write; see `Socket`."""
        parts: list[bytes] = []
        for message in messages:
            parts += (head(len(message)), message)
        return self._write(b"".join(parts))

    def send_frames(self, data: bytes, *, complete: bool) -> bool:
        """Send a piece of another peer's frames; see `Socket`."""
        self._in_frame = not complete
        more = self._write(data)
        if self._pong:
            self._answer()
        return more

    def close(self, code: int = NORMAL_CLOSURE, reason: str = "") -> None:
        """Begin the closing handshake; see `Socket`."""
        if not self._is_open:
            return
        if self._in_frame:
            self._carrier.abort_socket()
            return
        sent, reason = closing(code, reason)
        self._parser.send_close(sent, reason)
        self.code = sent or NO_STATUS
        self._hands_over = False
        self._carrier.expect_close(CLOSE_SECONDS)
        self._answer()
        self.resume_reading()

    # --- called by the connection -------------------------------------------------------------

    def writable(self) -> None:
        """Go on writing: the client reads."""
        self._answer()
        if self._waited_for and self._user is not None and self._ended is None:
            self._waited_for = False
            self._user.drained()

    def tick(self, now: float, *, is_reading: bool) -> float | None:
        """Send a ping; return the seconds until the next.

        None: the client must be given up, since it is gone, or does not close. It is not expected
        to answer while nothing is read from it, or it has much to read itself.
        """
        is_blocked = self._carrier.flow.paused
        if not self._is_open:
            return CLOSE_SECONDS if is_blocked else None
        if is_blocked or not is_reading:
            self._heard = now
            if self._since is not None and not is_reading:
                self._since = now
        elif now - self._heard >= SILENCE:
            return None
        if self._since is not None and now - self._since >= MESSAGE_SECONDS:
            if self._in_frame:
                return None
            self.close(POLICY_VIOLATION, f"a message takes more than {MESSAGE_SECONDS:g} seconds")
            return CLOSE_SECONDS
        if not (self._in_frame or is_blocked):
            self._parser.send_ping(b"")
            self._answer()
        return PING_INTERVAL

    def lost(self) -> None:
        """Note the end of the connection."""
        self._end(ABNORMAL_CLOSURE, "")

    # ------------------------------------------------------------------------------------------

    @property
    def _is_open(self) -> bool:
        """Whether neither side has begun to close."""
        return self._ended is None and self._parser.state is _OPEN

    def _write(self, data: bytes) -> bool:
        if not self._is_open:
            return True
        carrier = self._carrier
        carrier.transport.write(data)
        self._traffic.sent += len(data)
        if carrier.flow.paused:
            self._waited_for = True
            return False
        return True

    def _answer(self) -> None:
        """Write the frames that the protocol needs; of pongs that have to wait, only the last."""
        carrier, in_frame = self._carrier, self._in_frame
        waiting, self._pong = [self._pong] if self._pong else [], b""
        for data in (*waiting, *self._parser.data_to_send()):
            if self._ended is not None:
                return
            if not data:
                self._finish()
            elif data[0] == _PONG and (in_frame or carrier.flow.paused):
                self._pong = data
            elif not in_frame:  # then a close frame cannot be sent, and the connection ends anyway
                carrier.transport.write(data)
                self._traffic.sent += len(data)

    def _fail(self, code: int, reason: str) -> None:
        """Close the socket of a client that has broken the protocol."""
        self._hands_over = False
        self.code = self.code or code
        self._parser.fail(code, closing(code, reason)[1])
        self._answer()

    def _finish(self) -> None:
        """End the socket: the protocol needs no more frames."""
        received, sent = self._parser.close_rcvd, self._parser.close_sent
        if received is not None:
            self._end(received.code, received.reason)
        else:  # the client has broken the protocol
            self.code = self.code or (sent.code if sent is not None else ABNORMAL_CLOSURE)
            self._end(ABNORMAL_CLOSURE, sent.reason if sent is not None else "")
        self._carrier.close_socket(in_order=received is not None)

    def _end(self, code: int, reason: str) -> None:
        if self._ended is not None:
            return
        if not self.code:
            self.code = code
        self._ended = code, reason
        if self._user is not None:
            self._user.closed(code, reason)
        if self._task is not None:
            self._late = self._loop.call_later(END_SECONDS, self._task.cancel)
