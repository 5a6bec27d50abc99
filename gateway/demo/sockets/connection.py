"""One WebSocket at the emulator: its handshake, the client's messages, and what is sent."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Literal
from urllib.parse import parse_qs

from starlette.types import Message, Receive, Scope, Send

from gateway.demo.generation.answer import Json, encoded
from gateway.demo.journal import recorded
from gateway.demo.refusals import Refused

LONGEST = 60 * 60.0
"""How long a socket may be open, in seconds."""
NORMAL_CLOSURE = 1000
GOING_AWAY = 1001
_UNSUPPORTED_DATA = 1003
INTERNAL_ERROR = 1011
_POLICY_VIOLATION = 1008


class SocketConnection:
    """A handshake to accept or to refuse, then an open socket.

    What is sent after the client has left is dropped. `clock` returns seconds.
    """

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        request_id: str,
        clock: Callable[[], float],
    ) -> None:
        self.record = recorded(scope)
        self.offered: tuple[str, ...] = tuple(scope.get("subprotocols", ()))
        """The subprotocols that the client offers."""
        self.query: Mapping[str, str] = {
            name: values[-1] for name, values in parse_qs(self.record.query).items()
        }
        self._can_refuse = "websocket.http.response" in scope.get("extensions", {})
        self._receive = receive
        self._send = send
        self._request_id = request_id
        self._clock = clock
        self._opened = clock()
        self._over = asyncio.Event()

    @property
    def is_expired(self) -> bool:
        """Whether it is open for longer than any socket may be."""
        return self._clock() - self._opened >= LONGEST

    async def accept(self, subprotocol: str | None = None) -> None:
        """Open the socket."""
        self.record.status = 101
        headers = [(b"x-request-id", self._request_id.encode()), (b"openai-version", b"2020-10-01")]
        await self._receive()
        await self._send(
            {"type": "websocket.accept", "subprotocol": subprotocol, "headers": headers}
        )

    async def refuse(self, refused: Refused) -> None:
        """Answer the handshake with an error; as 403 where the server can do no better."""
        self.record.status = refused.status
        await self._receive()
        if not self._can_refuse:
            await self._send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        body = encoded(refused.envelope())
        fields = (
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("x-request-id", self._request_id),
            *refused.headers,
        )
        await self._send(
            {
                "type": "websocket.http.response.start",
                "status": refused.status,
                "headers": [(name.encode(), value.encode()) for name, value in fields],
            }
        )
        await self._send({"type": "websocket.http.response.body", "body": body})

    async def messages(self) -> AsyncIterator[str]:
        """Yield the client's messages until either side closes; a binary one closes."""
        over = asyncio.create_task(self._over.wait())
        try:
            while not self._over.is_set():
                message = await self._next(over)
                if message is None:
                    return
                text = message.get("text")
                if text is None:
                    await self.close(_UNSUPPORTED_DATA, "Only text messages are supported.")
                    return
                self.record.body_size += len(text)
                yield text
        finally:
            over.cancel()

    async def _next(self, over: "asyncio.Task[Literal[True]]") -> Message | None:
        receiving = asyncio.ensure_future(self._receive())
        either: set[asyncio.Future[Any]] = {receiving, over}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not receiving.done():
            receiving.cancel()
            return None
        message = receiving.result()
        if message["type"] == "websocket.disconnect":
            self.record.disconnected.set()
            return None
        return message

    async def send(self, value: Json | bytes) -> None:
        """Send an object as one text message, or JSON that is encoded."""
        data = value if isinstance(value, bytes) else encoded(value)
        await self._unless_over({"type": "websocket.send", "text": data.decode()})

    async def close(self, code: int, reason: str = "") -> None:
        """Begin the closing handshake; `messages` ends."""
        await self._unless_over({"type": "websocket.close", "code": code, "reason": reason})
        self._over.set()

    def cut(self) -> None:
        """End `messages`; a server whose application returns now drops the connection."""
        self._over.set()

    async def _unless_over(self, message: Message) -> None:
        if self._over.is_set():
            return
        try:
            await self._send(message)
        except OSError:
            # What ASGI has for a client that has left.
            self._over.set()
