"""Clients' sockets under any ASGI server, which owns the connections, pings and closing handshakes.

ASGI has messages, not frames. Where frames are passed on, messages become frames here and frames
messages: that works, but copies and reads what `gateway serve` does not.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Final

from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side

from gateway.api.handshakes import run_session
from gateway.frames import FrameScanner
from gateway.sockets import (
    ABNORMAL_CLOSURE,
    INVALID_DATA,
    MESSAGE_TOO_BIG,
    NO_STATUS,
    NORMAL_CLOSURE,
    UNSUPPORTED_DATA,
    Socket,
    SocketSession,
    SocketUser,
    Traffic,
    closing,
)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MAX_UNSENT: Final = 64 * 1024
"""Bytes of messages that may wait for the server; beyond that, sending waits, too."""
CLOSE_SECONDS: Final = 3.0
"""How long the server may take to send what was sent before the end."""
END_SECONDS: Final = 10.0
"""How long a session may go on after the end of its socket."""


class ASGISocket(Socket):
    """An accepted socket of a client. `limit` is that of a message, in bytes."""

    def __init__(self, receive: Receive, send: Send, limit: int, traffic: Traffic) -> None:
        self._receive = receive
        self._send = send
        self._limit = limit
        self._traffic = traffic
        self._user: SocketUser | None = None
        self._attached = asyncio.Event()
        self._reading = asyncio.Event()
        self._reading.set()
        self._unsent: asyncio.Queue[tuple[Message, int]] = asyncio.Queue()
        """Messages for the server, with their sizes."""
        self._size = 0
        self._waited_for = False
        """Whether the user waits for `drained`."""
        self._scanner: FrameScanner | None = None
        self._client = Protocol(Side.CLIENT, max_size=None)
        """Makes and reads frames in the client's place, where they are passed on."""
        self._parts = bytearray()
        self._opcode = Opcode.TEXT
        self._is_closing = False
        self._ended = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        """The one that serves the session."""
        self._late: asyncio.TimerHandle | None = None
        self.code = 0
        """The first close code, of either side; `ABNORMAL_CLOSURE` without any; 0 until then."""

    async def serve(self, session: SocketSession) -> None:
        """Run the session until it ends, and exchange messages with the server meanwhile."""
        exchanging = [asyncio.create_task(self._read()), asyncio.create_task(self._write())]
        self._task = asyncio.current_task()
        try:
            await run_session(session, self)
            self._task = None
            if not self._ended.is_set():
                first = asyncio.FIRST_COMPLETED
                await asyncio.wait(exchanging, timeout=CLOSE_SECONDS, return_when=first)
        finally:
            self._task = None
            if self._late is not None:
                self._late.cancel()
            for task in exchanging:
                task.cancel()
            await asyncio.wait(exchanging)

    # --- called by the user -------------------------------------------------------------------

    def attach(self, user: SocketUser) -> None:
        """Hand over what arrives from now on; see `Socket`."""
        self._user = user
        self._attached.set()

    def send(self, message: bytes) -> bool:
        """Send a text message; see `Socket`."""
        return self._put({"type": "websocket.send", "text": message.decode()}, len(message))

    def send_all(self, messages: Sequence[bytes]) -> bool:
        """Send text messages; see `Socket`."""
        for message in messages:
            self.send(message)
        return self._has_room()

    def take_frames(self, *, pings: bool) -> FrameScanner:
        """Hand over messages as frames; a client's pings stay with the server. See `Socket`."""
        scanner = FrameScanner(masked=True, limit=self._limit, passes_pings=pings)
        self._scanner = scanner
        return scanner

    def send_frames(self, data: bytes, *, complete: bool) -> bool:  # noqa: ARG002
        """Send what is in another peer's frames; see `Socket`."""
        self._client.receive_data(data)
        for event in self._client.events_received():
            if isinstance(event, Frame) and event.opcode < Opcode.CLOSE:
                self._send_part(event)
        self._pass_on()  # the answers to pings
        return self._has_room()

    def pause_reading(self) -> None:
        """Hand over nothing more, soon, until `resume_reading`."""
        self._reading.clear()

    def resume_reading(self) -> None:
        """Go on after `pause_reading`."""
        self._reading.set()

    def close(self, code: int = NORMAL_CLOSURE, reason: str = "") -> None:
        """Close the socket: the server does the handshake."""
        if self._is_closing:
            return
        sent, reason = closing(code, reason)
        code = NORMAL_CLOSURE if sent is None else sent  # ASGI has no close without a code
        self._put({"type": "websocket.close", "code": code, "reason": reason}, 0)
        self._is_closing = True
        self.code = code

    # --- between the server and the user ------------------------------------------------------

    async def _read(self) -> None:
        await self._attached.wait()
        try:
            while True:
                await self._reading.wait()
                message = await self._receive()
                if message["type"] == "websocket.disconnect":
                    self._end(message.get("code", NO_STATUS), message.get("reason") or "")
                    return
                self._take(message)
        finally:
            self._end(ABNORMAL_CLOSURE, "")

    async def _write(self) -> None:
        try:
            while True:
                message, size = await self._unsent.get()
                await self._send(message)
                if message["type"] == "websocket.close":
                    self._end(message["code"], message["reason"])
                    return
                self._size -= size
                if self._waited_for and self._size <= MAX_UNSENT // 2 and self._user is not None:
                    self._waited_for = False
                    self._user.drained()
        except OSError:
            return  # the client is gone, which the server reports as a message, too
        finally:
            self._end(ABNORMAL_CLOSURE, "")

    def _take(self, message: Message) -> None:
        """Hand over one message, as it is or in a frame."""
        text: str | None = message.get("text")
        data: bytes = text.encode() if text is not None else message["bytes"]
        self._traffic.received += len(data)
        if self._is_closing or self._user is None:
            return
        if self._scanner is not None:
            sends = self._client.send_text if text is not None else self._client.send_binary
            sends(data)
            self._pass_on()
        elif text is None:
            self.close(UNSUPPORTED_DATA, "send text messages")
        elif len(data) > self._limit:
            self.close(MESSAGE_TOO_BIG, f"a message is longer than {self._limit} bytes")
        else:
            self._user.received(data)

    def _pass_on(self) -> None:
        """Hand over the frames that were made in the client's place."""
        made = b"".join(self._client.data_to_send())
        if not made or self._scanner is None or self._user is None:
            return
        passed = self._scanner.take(made)
        if passed:
            self._user.received_frames(passed, complete=True)
        if self._scanner.bad is not None:
            self.close(*self._scanner.bad)

    def _send_part(self, frame: Frame) -> None:
        """Send a message with its last frame."""
        if frame.opcode is not Opcode.CONT:
            self._opcode = frame.opcode
        self._parts += frame.data
        if not frame.fin:
            return
        data, self._parts = bytes(self._parts), bytearray()
        if self._opcode is Opcode.BINARY:
            self._put({"type": "websocket.send", "bytes": data}, len(data))
            return
        try:
            self.send(data)
        except UnicodeDecodeError:
            self.close(INVALID_DATA, "a message is not UTF-8")

    def _put(self, message: Message, size: int) -> bool:
        if not (self._is_closing or self._ended.is_set()):
            self._traffic.sent += size
            self._size += size
            self._unsent.put_nowait((message, size))
        return self._has_room()

    def _has_room(self) -> bool:
        if self._size <= MAX_UNSENT or self._is_closing or self._ended.is_set():
            return True
        self._waited_for = True
        return False

    def _end(self, code: int, reason: str) -> None:
        if self._ended.is_set():
            return
        self._ended.set()
        self._is_closing = True
        self.code = self.code or code
        if self._user is not None:
            self._user.closed(code, reason)
        if self._task is not None:
            loop = asyncio.get_running_loop()
            self._late = loop.call_later(END_SECONDS, self._task.cancel)
