"""The receiving half of a client's socket, on a connection of the door.

Compression is declined, so frames are either parts of messages, or passed on as they come.
"""

import asyncio
from collections.abc import Callable
from typing import Final, cast

from websockets.frames import Frame, Opcode

from gateway.frames import FrameScanner
from gateway.server.websocket.sending import Carrier, SendingSocket
from gateway.sockets import INVALID_DATA, UNSUPPORTED_DATA, Leaving, SocketUser, Traffic

MAX_EARLY = 64 * 1024
"""The bytes that are kept until the session takes them; beyond, reading pauses."""
SLICE = 4 * 1024
"""Bytes that are parsed at a time."""
TURN_SECONDS = 0.005
"""How long frames are parsed before other connections get a turn: each tiny frame costs time."""

_TEXT: Final = Opcode.TEXT
_BINARY: Final = Opcode.BINARY
_CONTINUATION: Final = Opcode.CONT


class ClientSocket(SendingSocket):
    """An open socket of a client. `limit` is the most bytes of a message.

    `drain` is the session's; `traffic` counts bytes. The connection calls `receive`, `writable`,
    `tick` and `lost`.
    """

    __slots__ = ("_limit", "_message", "_paused", "_rest", "_scanner", "_turn")

    def __init__(
        self, carrier: Carrier, limit: int, drain: Callable[[Leaving], None], traffic: Traffic
    ) -> None:
        super().__init__(carrier, limit, drain, traffic)
        self._limit = limit
        self._scanner: FrameScanner | None = None
        """Checks frames that are handed over as frames; None if messages are handed over."""
        self._message: bytearray | None = None
        """The part that has arrived of a message in several frames."""
        self._rest = b""
        """Bytes that have arrived and are not taken yet."""
        self._paused = False
        self._turn: asyncio.Handle | None = None

    # --- called by the user -------------------------------------------------------------------

    def attach(self, user: SocketUser) -> None:
        """Hand over what arrives from now on; see `Socket`."""
        self._user = user
        if self._ended is not None:
            self._loop.call_soon(user.closed, *self._ended)
        else:
            self._turn = self._loop.call_soon(self._go_on)

    def take_frames(self, *, pings: bool) -> FrameScanner:
        """Hand over frames instead of messages; see `Socket`."""
        scanner = FrameScanner(masked=True, limit=self._limit, passes_pings=pings)
        self._scanner = scanner
        return scanner

    def pause_reading(self) -> None:
        """Hand over nothing more until `resume_reading`."""
        self._paused = True
        self._carrier.pause_socket()

    def resume_reading(self) -> None:
        """Go on after `pause_reading`."""
        self._paused = False
        self._read_on()

    # --- called by the connection -------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Take bytes from the client."""
        self._heard = self._loop.time()
        self._traffic.received += len(data)
        if self._takes and not self._rest:
            self._take(data)
            return
        self._rest += data
        if self._user is not None or len(self._rest) > MAX_EARLY:
            self._carrier.pause_socket()

    # ------------------------------------------------------------------------------------------

    @property
    def _takes(self) -> bool:
        """Whether arriving bytes are taken now; without a user, only a close frame is."""
        if self._user is None and self._is_open:
            return False
        return self._turn is None and not self._paused

    def _read_on(self) -> None:
        """Take the bytes that wait, in a turn of their own, or read on."""
        if not self._rest:
            if self._takes:
                self._carrier.resume_socket()
        elif self._turn is None:
            self._turn = self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._turn = None
        if self._ended is None:
            data, self._rest = self._rest, b""
            self._take(data)
            self._read_on()

    def _take(self, data: bytes) -> None:
        """Take bytes as long as the user, and the other connections, allow it."""
        if self._scanner is not None:
            self._pass_on(self._scanner, data)
            return
        until, at = self._loop.time() + TURN_SECONDS, 0
        while at < len(data) and self._takes:
            self._parse(data[at : at + SLICE])
            at += SLICE
            if at < len(data) and self._loop.time() >= until:
                self._turn = self._loop.call_soon(self._go_on)
        self._note_message(is_inside=self._message is not None or bool(self._parser.reader.buffer))
        if at < len(data) and self._ended is None:
            self._rest = data[at:]
            self._carrier.pause_socket()

    def _pass_on(self, scanner: FrameScanner, data: bytes) -> None:
        passed = scanner.take(data)
        if passed and self._user is not None and self._hands_over:
            self._user.received_frames(passed, complete=not scanner.in_frame)
        for control in scanner.controls:
            self._parse(control)
        if scanner.bad is not None and self._ended is None:
            self._fail(*scanner.bad)
            return
        if scanner.boundary:
            self._since = None
        self._note_message(is_inside=scanner.in_message)

    def _note_message(self, *, is_inside: bool) -> None:
        """Note whether a part of a message has arrived."""
        if not is_inside:
            self._since = None
        elif self._since is None:
            self._since = self._loop.time()

    def _parse(self, data: bytes) -> None:
        self._parser.receive_data(data)
        for frame in cast("list[Frame]", self._parser.events_received()):
            self._take_frame(frame)
        self._answer()

    def _take_frame(self, frame: Frame) -> None:
        opcode = frame.opcode
        if opcode is _TEXT and frame.fin:
            self._hand_over(bytes(frame.data))
        elif opcode is _TEXT:
            self._message = bytearray(frame.data)
        elif opcode is _CONTINUATION and self._message is not None:
            self._message += frame.data
            if frame.fin:
                message, self._message = self._message, None
                self._hand_over(bytes(message))
        elif opcode is _BINARY:
            self._fail(UNSUPPORTED_DATA, "send text messages")

    def _hand_over(self, message: bytes) -> None:
        self._since = None
        if self._user is None or not self._hands_over:
            return
        if _is_utf8(message):
            self._user.received(message)
        else:
            self._fail(INVALID_DATA, "a message is not UTF-8")


def _is_utf8(message: bytes) -> bool:
    if message.isascii():
        return True
    try:
        message.decode()
    except UnicodeDecodeError:
        return False
    return True
