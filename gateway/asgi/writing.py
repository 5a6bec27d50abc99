"""Writes replies as ASGI messages: to requests, and to handshakes."""

from collections.abc import Mapping
from time import perf_counter
from typing import Any

from gateway import request_ids
from gateway.api.endings import ClientGone
from gateway.api.upgrades import HANDSHAKE
from gateway.api.writing import COMMENT, SWITCHING_PROTOCOLS, Fields, ReplyWriter
from gateway.asgi.sockets import ASGISocket, Message, Receive, Send
from gateway.exchange.decision import Decision
from gateway.exchange.reply.body import ReplyBody
from gateway.headers import BODILESS
from gateway.sockets import ABNORMAL_CLOSURE, POLICY_VIOLATION, SocketSession, Traffic

_NOT_COPIED = HANDSHAKE | {b"connection", b"upgrade", b"content-length", request_ids.HEADER}
"""Fields of a handshake's reply that the server writes, or the gateway itself."""


class ASGIWriter(ReplyWriter):
    """Writes a reply as ASGI messages. `complete` is set with the last one."""

    __slots__ = ("_send", "complete", "gone")

    def __init__(self, send: Send) -> None:
        super().__init__()
        self._send = send
        self.complete = False
        self.gone = False

    async def _write_whole(self, fields: Fields, decision: Decision, body: bytes) -> None:
        await self._start(fields, decision)
        await self._write_last(body)

    async def _start(self, fields: Fields, decision: Decision) -> None:
        if self.status in BODILESS:
            # A 304 may have the length of the body that it omits; servers would wait for that body.
            fields = [field for field in fields if field[0] != b"content-length"]
        decision.identified(fields)
        headers = [field for field in fields if field[0] != request_ids.HEADER]
        headers += decision.headers()
        if decision.request_id:
            shown = decision.request_id.encode("ascii")
            headers.append((request_ids.HEADER, shown))
            if decision.anthropic and not request_ids.has_anthropics(fields):
                headers.append((request_ids.ANTHROPICS_HEADER, shown))
        await self._send_message(
            {"type": "http.response.start", "status": self.status, "headers": headers}
        )

    async def _write_body(self, body: ReplyBody) -> None:
        async for piece in body:
            if not self.first_at and piece[:1] != COMMENT:
                self.first_at = perf_counter()
            await self._send_message(
                {"type": "http.response.body", "body": piece, "more_body": True}
            )

    async def _end(self) -> None:
        await self._write_last(b"")

    async def _write_last(self, body: bytes) -> None:
        self.complete = True
        await self._send_message({"type": "http.response.body", "body": body})

    async def _send_message(self, message: Message) -> None:
        """Send a message; raises `ClientGone` on a disconnect (an OSError since ASGI 2.4)."""
        try:
            await self._send(message)
        except OSError:
            self.gone = True
            raise ClientGone from None


class SocketWriter(ASGIWriter):
    """Accepts a handshake, or writes the reply that refuses it.

    Servers without denial responses get a close message, and answer with a 403 of their own.
    """

    __slots__ = ("_limit", "_receive", "_replies")

    def __init__(
        self, receive: Receive, send: Send, limit: int, extensions: Mapping[str, Any]
    ) -> None:
        super().__init__(send)
        self._receive = receive
        self._limit = limit
        self._replies = "websocket.http.response" in extensions

    async def upgrade(self, session: SocketSession, decision: Decision, traffic: Traffic) -> int:
        """Accept a handshake and serve its socket; see `ReplyWriter`."""
        fields = [field for field in session.headers if field[0] not in _NOT_COPIED]
        decision.identified(session.headers)
        fields += [*decision.headers(), (request_ids.HEADER, decision.request_id.encode("ascii"))]
        protocol = session.protocol or None
        accepted = {"type": "websocket.accept", "subprotocol": protocol, "headers": fields}
        try:
            await super()._send_message(accepted)
        except ClientGone:
            return ABNORMAL_CLOSURE
        self.started = True
        self.status = SWITCHING_PROTOCOLS
        socket = ASGISocket(self._receive, self._send, self._limit, traffic)
        await socket.serve(session)
        return socket.code

    async def _send_message(self, message: Message) -> None:
        if self._replies:
            reply = {**message, "type": f"websocket.{message['type']}"}
            if "headers" in reply:  # servers write `connection` themselves
                fields = reply["headers"]
                reply["headers"] = [field for field in fields if field[0] != b"connection"]
            await super()._send_message(reply)
        elif message["type"] == "http.response.start":
            await super()._send_message({"type": "websocket.close", "code": POLICY_VIOLATION})
