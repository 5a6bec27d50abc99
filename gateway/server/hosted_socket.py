"""WebSockets of an ASGI application behind the door (`hosted.py`).

Before it accepts, an application may also reply over HTTP (ASGI's denial responses).
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from gateway.api.upgrades import offered_protocols
from gateway.api.writing import error_reply
from gateway.errors import GatewayError, PermissionDenied
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.frames import WHOLE_BINARY, head
from gateway.shapes import RawHeaders
from gateway.sockets import NORMAL_CLOSURE, SERVICE_RESTART, Leaving, Socket, SocketSession

Message = MutableMapping[str, Any]
ASGIApp = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]

_MAX_WAITING = 16
"""How many messages may wait for the application; then reading pauses."""


async def opened(app: ASGIApp, scope: Message, headers: RawHeaders) -> SocketSession | ClientReply:
    """Return the session of an application that accepts a handshake, or its reply over HTTP.

    `scope` is the ASGI scope of a request. Raises an error that the application raises before.
    """
    protocols = [protocol.decode("latin-1") for protocol in offered_protocols(headers)]
    further = {"subprotocols": protocols, "extensions": {"websocket.http.response": {}}}
    session = _HostedSession(app, {**scope, "type": "websocket", **further})
    try:
        return await session.answer()
    except BaseException:
        await session.aclose()
        raise


class _HostedSession(SocketSession):
    """Runs an application on one socket."""

    def __init__(self, app: ASGIApp, scope: Message) -> None:
        self._arrived: asyncio.Queue[Message] = asyncio.Queue()
        self._arrived.put_nowait({"type": "websocket.connect"})
        self._answer: asyncio.Future[ClientReply | None] = asyncio.Future()
        """The reply to the handshake; None if it is accepted."""
        self._denial: Message = {}
        self._denied = b""
        self._socket: Socket | None = None
        self._attached = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._is_closed = False
        self._is_paused = False
        self._task = asyncio.create_task(self._run(app, scope))

    async def answer(self) -> SocketSession | ClientReply:
        """Return this session once it is accepted, or the reply to the handshake.

        Raises what the application raises.
        """
        either: list[asyncio.Future[Any]] = [self._task, self._answer]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not self._answer.done():
            await self._task
            raise GatewayError("The application has not replied.")
        reply = self._answer.result()
        if reply is None:
            return self
        await self.aclose()
        return reply

    async def run(self, socket: Socket) -> None:
        """Let the application use the socket until it ends."""
        self._socket = socket
        socket.attach(self)
        self._attached.set()
        await self._task

    def drain(self, leaving: Leaving) -> None:
        """Close the socket at once: whether the application has begun anything is unknown."""
        if self._socket is not None:
            self._socket.close(SERVICE_RESTART, leaving.value)

    async def aclose(self) -> None:
        """End the application."""
        self._task.cancel()
        await asyncio.wait({self._task})

    # --- what arrives -------------------------------------------------------------------------

    def received(self, message: bytes) -> None:
        """Keep a message for the application."""
        self._arrived.put_nowait({"type": "websocket.receive", "text": message.decode()})
        if self._arrived.qsize() >= _MAX_WAITING and self._socket is not None:
            self._is_paused = True
            self._socket.pause_reading()

    def received_frames(self, data: bytes, *, complete: bool) -> None:
        """Never called: applications get messages."""

    def drained(self) -> None:
        """Let the application send on."""
        self._writable.set()

    def closed(self, code: int, reason: str) -> None:
        """Report the end to the application."""
        self._is_closed = True
        self._writable.set()
        self._arrived.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})

    # --- called by the application ------------------------------------------------------------

    async def _run(self, app: ASGIApp, scope: Message) -> None:
        await app(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        message = await self._arrived.get()
        if self._is_paused and self._socket is not None:
            self._is_paused = False
            self._socket.resume_reading()
        return message

    async def _send(self, message: Message) -> None:
        """Take a message of the application; raises `OSError` after the socket's end."""
        if not self._answer.done():
            self._decide(message)
            return
        await self._attached.wait()
        await self._writable.wait()
        socket = self._socket
        if socket is None or self._is_closed:
            raise OSError("The client has closed the socket.")
        if message["type"] == "websocket.close":
            socket.close(message.get("code", NORMAL_CLOSURE), message.get("reason") or "")
        elif not self._sent(socket, message):
            self._writable.clear()

    def _sent(self, socket: Socket, message: Message) -> bool:
        text: str | None = message.get("text")
        if text is not None:
            return socket.send(text.encode())
        data: bytes = message["bytes"]
        return socket.send_frames(head(len(data), WHOLE_BINARY) + data, complete=True)

    def _decide(self, message: Message) -> None:
        """Take a message before the handshake is answered."""
        kind = message["type"]
        if kind == "websocket.accept":
            self.protocol = message.get("subprotocol") or ""
            self.headers = tuple(message.get("headers", ()))
            self._answer.set_result(None)
        elif kind == "websocket.http.response.start":
            self._denial = message
        elif kind == "websocket.http.response.body":
            self._denied += message.get("body", b"")
            if not message.get("more_body"):
                status, headers = self._denial["status"], list(self._denial["headers"])
                self._answer.set_result(ClientReply(status, headers, self._denied))
        else:
            self._answer.set_result(error_reply(_refused(), Decision()))


def _refused() -> PermissionDenied:
    return PermissionDenied("This server does not accept a WebSocket here.")
