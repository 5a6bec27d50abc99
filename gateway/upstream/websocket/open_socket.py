"""An open socket at an upstream, on its connection.

Frames that are passed on go through as they come; all others are made and read by the protocol of
`websockets`, control frames among passed ones too.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final, cast

from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, Protocol, Side

from gateway.frames import FrameScanner
from gateway.sockets import (
    ABNORMAL_CLOSURE,
    INVALID_DATA,
    NORMAL_CLOSURE,
    UNSUPPORTED_DATA,
    SocketUser,
    UpstreamSocket,
    closing,
)
from gateway.system.tcp import GONE_SECONDS, expect_acknowledgements
from gateway.upstream.websocket.handshake import Accepted

CLOSE_SECONDS: Final = 5.0
"""How long a closing handshake may take, and how long an upstream may wait to close after it."""

_silent = logging.getLogger(__name__)
"""The log for the protocol of `websockets`, silenced because it would have the frames' content."""
_silent.disabled = True


class OpenSocket(UpstreamSocket, asyncio.Protocol):
    """The socket. `limit` is that of a message, in bytes.

    The upstream may leave unread for `unread_seconds` what it was sent. `gone` is called when the
    connection is closed.
    """

    def __init__(
        self,
        accepted: Accepted,
        limit: int,
        unread_seconds: float,
        gone: Callable[["OpenSocket"], None],
    ) -> None:
        self.headers = accepted.headers
        self.protocol = accepted.protocol
        self._first = accepted.rest
        self._limit = limit
        self._unread_seconds = unread_seconds
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._protocol = Protocol(Side.CLIENT, state=OPEN, max_size=limit, logger=_silent)
        self._scanner: FrameScanner | None = None
        self._user: SocketUser | None = None
        self._end: tuple[int, str] | None = None
        self._parts: list[bytes] = []
        """The fragments of a message so far."""
        self._inside = False
        """Whether the last bytes that were sent end inside a frame."""
        self._delayed: list[bytes] = []
        """Control frames that wait for the end of that frame."""
        self._full = False
        self._closing = False
        self._unread: asyncio.TimerHandle | None = None
        self._patience: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        """Whether what is sent now is written; see `UpstreamSocket`."""
        return self._end is None and not self._closing and not self._transport.is_closing()

    def begin(self, transport: asyncio.Transport) -> None:
        """Take the transport, from which nothing is read before `attach`.

        The kernel gets a limit for unread bytes: a session may be silent for any time, so nothing
        else would notice an upstream that has vanished.
        """
        self._transport = transport
        expect_acknowledgements(transport.get_extra_info("socket"), GONE_SECONDS)

    def attach(self, user: SocketUser) -> None:
        """Hand over all that arrives to `user`; bytes that have arrived already, at once."""
        self._user = user
        if self._end is not None:
            self._ended(*self._end)
            return
        first, self._first = self._first, b""
        self.resume_reading()
        if first:
            self.data_received(first)

    def take_frames(self, *, pings: bool) -> FrameScanner:
        """Hand over frames instead of messages; see `Socket`."""
        scanner = FrameScanner(masked=False, limit=self._limit, passes_pings=pings)
        self._scanner = scanner
        return scanner

    def send(self, message: bytes) -> bool:
        """Send a text message; see `Socket`."""
        return self.send_all((message,))

    def send_all(self, messages: Sequence[bytes]) -> bool:
        """Send text messages in one write; see `Socket`."""
        if self.is_open:
            for message in messages:
                self._protocol.send_text(message)
            self._transport.write(b"".join(self._protocol.data_to_send()))
        return not self._full

    def send_frames(self, data: bytes, *, complete: bool) -> bool:
        """Send a piece of a client's frames; see `Socket`."""
        if self.is_open:
            self._transport.write(data)
            self._inside = not complete
            if complete and self._delayed:
                delayed, self._delayed = self._delayed, []
                self._transport.write(b"".join(delayed))
        return not self._full

    def pause_reading(self) -> None:
        """Read nothing more from the upstream."""
        if not self._transport.is_closing() and not self._closing:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def close(self, code: int = NORMAL_CLOSURE, reason: str = "") -> None:
        """Begin the closing handshake; see `Socket`."""
        if not self.is_open:
            return
        if self._inside or code == ABNORMAL_CLOSURE:
            self.abort()
            return
        self._closing = True
        self.resume_reading()  # for the answer
        self._protocol.send_close(*closing(code, reason))
        self._write()

    def abort(self) -> None:
        """Drop the connection."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take bytes of the upstream (called by asyncio)."""
        scanner = self._scanner
        if scanner is None or self._end is not None:
            self._read(data)
            return
        piece = scanner.take(data)
        if piece and self._user is not None and not self._closing:
            self._user.received_frames(piece, complete=not scanner.in_frame)
        for control in scanner.controls:
            self._read(control)
        if scanner.bad is not None and self._end is None:
            self._fail(*scanner.bad)
            self._write()

    def eof_received(self) -> None:
        """Take the end of what the upstream sends: it has gone (called by asyncio)."""
        self.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the end is the end
        """Take the end of the connection (called by asyncio)."""
        for timer in (self._unread, self._patience):
            if timer is not None:
                timer.cancel()
        self._ended(ABNORMAL_CLOSURE, "")
        self._gone(self)

    def pause_writing(self) -> None:
        """Note that the upstream reads too slowly (called by asyncio)."""
        self._full = True
        self._unread = self._loop.call_later(self._unread_seconds, self.abort)

    def resume_writing(self) -> None:
        """Note that the upstream has read (called by asyncio)."""
        self._full = False
        cast("asyncio.TimerHandle", self._unread).cancel()
        if self._user is not None:
            self._user.drained()

    def _read(self, data: bytes) -> None:
        """Let the protocol read."""
        protocol = self._protocol
        protocol.receive_data(data)
        for event in protocol.events_received():
            self._take(event)
        if protocol.parser_exc is not None:
            sent = protocol.close_sent
            self._ended(ABNORMAL_CLOSURE, sent.reason if sent is not None else "")
        self._write()

    def _take(self, event: object) -> None:
        if not isinstance(event, Frame) or self._end is not None:
            return
        if event.opcode is Opcode.CLOSE:
            close = self._protocol.close_rcvd
            self._ended(close.code, close.reason) if close is not None else None
        elif event.opcode is Opcode.BINARY:
            self._fail(UNSUPPORTED_DATA, "this API has no binary messages")
        elif event.opcode in (Opcode.TEXT, Opcode.CONT):
            self._parts.append(bytes(event.data))
            if event.fin:
                self._end_message()

    def _end_message(self) -> None:
        message = b"".join(self._parts)
        self._parts.clear()
        try:
            message.decode("utf-8")
        except UnicodeDecodeError:
            self._fail(INVALID_DATA, "a message is not UTF-8")
            return
        if not self._closing:
            cast("SocketUser", self._user).received(message)

    def _fail(self, code: int, reason: str) -> None:
        """End a connection whose upstream has broken the protocol."""
        self._protocol.fail(code, reason)
        self._ended(ABNORMAL_CLOSURE, reason)

    def _write(self) -> None:
        """Send the frames that the protocol needs; wait for the connection's end, if it is near."""
        protocol = self._protocol
        data = b"".join(protocol.data_to_send())
        if data and self._inside:
            self._delayed.append(data)
        elif data and not self._transport.is_closing():
            self._transport.write(data)
        if protocol.close_expected() and self._patience is None:
            self._patience = self._loop.call_later(CLOSE_SECONDS, self.abort)

    def _ended(self, code: int, reason: str) -> None:
        """Tell the user, if there is one yet, once."""
        if self._end is None or self._user is not None:
            self._end = code, reason
            user, self._user = self._user, None
            if user is not None:
                user.closed(code, reason)
