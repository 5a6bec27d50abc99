"""The gateway under any ASGI server: `uvicorn gateway.asgi:app`, or mounted in another application.

A thin adapter to `gateway.api`. `gateway serve` does not use it: its own server (`gateway.server`)
is faster and enforces more limits. Here, limits of a request's head, slow heads and slow readers
are left to the ASGI server.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import quote

from gateway import app as composition
from gateway import request_ids
from gateway.api.admission import Admission
from gateway.api.application import ClientGone, Gateway
from gateway.api.upgrades import refuse_websocket
from gateway.api.writing import BODILESS, COMMENT, Fields, ReplyWriter, error_reply
from gateway.config.load import load
from gateway.config.problems import ConfigError
from gateway.config_checks import refusals
from gateway.errors import GatewayError, body_timed_out
from gateway.exchange.decision import Decision
from gateway.exchange.reply.body import ReplyBody
from gateway.request import Body, Head, check_size
from gateway.shapes import ClientHeaders

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_FRAMING = (b"content-length", b"transfer-encoding")


class ASGIGateway:
    """A built gateway as an ASGI 3 application, at any root path."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request; a WebSocket is refused so that its client falls back to HTTP."""
        if scope["type"] == "websocket":
            await _decline(scope, receive, send)
        if scope["type"] != "http":
            return
        server = self._gateway.server
        admission = self._gateway.admit(_head(scope))
        if admission.upgrade is not None:  # the server has no WebSockets itself
            admission = admission.failed(refuse_websocket())
        writer = _ASGIWriter(send)
        client = _Client(receive, writer, server.body_idle_timeout)
        length = _length(scope)
        try:
            body, error = await client.body(admission, length)
            if error is not None:
                admission = admission.failed(error)
            await self._gateway.serve(admission, body, writer, length)
        except ClientGone:
            self._gateway.abandoned(admission)
        finally:
            client.close()


class _Client:
    """The client's side of one request: its body, and whether it is still connected."""

    def __init__(self, receive: Receive, writer: "_ASGIWriter", idle_timeout: float) -> None:
        self._receive = receive
        self._writer = writer
        self._idle_timeout = idle_timeout
        self._task = asyncio.current_task()
        self._watch: asyncio.Task[None] | None = None

    async def body(
        self, admission: Admission, length: int | None
    ) -> tuple[Body, GatewayError | None]:
        """Return the body in the form that its handler takes, and its error, if any.

        Handlers that accept a stream get bytes if the body has only one piece.
        """
        if not admission.needs_body:
            return b"", None
        pieces = self._pieces(admission.limit)
        try:
            check_size(length or 0, admission.limit)
            first = await anext(pieces, b"")
            if self._watch is None and not admission.whole:
                return _chained(first, pieces), None
            return b"".join([first, *[piece async for piece in pieces]]), None
        except GatewayError as error:
            return b"", error.bare()

    def close(self) -> None:
        """Stop watching for a disconnect."""
        if self._watch is not None:
            self._watch.cancel()

    async def _pieces(self, limit: int) -> AsyncGenerator[bytes, None]:
        size, more = 0, True
        while more:
            message = await self._next()
            piece: bytes = message.get("body", b"")
            more = bool(message.get("more_body"))
            size += len(piece)
            check_size(size, limit)
            if not more:
                self._watch = asyncio.create_task(self._wait_for_disconnect())
            yield piece

    async def _next(self) -> Message:
        try:
            async with asyncio.timeout(self._idle_timeout):
                message = await self._receive()
        except TimeoutError:
            raise body_timed_out(self._idle_timeout) from None
        if message["type"] == "http.disconnect":
            self._writer.gone = True
            raise ClientGone
        return message

    async def _wait_for_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            continue
        # Servers also report the end of a reply as a disconnect; then the task may finish.
        if not self._writer.complete:
            self._writer.gone = True
            if self._task is not None:
                self._task.cancel()


class _ASGIWriter(ReplyWriter):
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
            headers.append((request_ids.HEADER, decision.request_id.encode("ascii")))
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


class EnvironmentGateway:
    """The gateway configured by the environment, built when first needed.

    `GATEWAY_CONFIG` names the file, as for `gateway serve`. It is built at the server's start
    (lifespan), or at the first request if there is no lifespan, as for mounted applications.
    """

    def __init__(self) -> None:
        self._built: composition.Application | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, or the application's lifespan."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        await ASGIGateway(self._application().gateway)(scope, receive, send)

    def _application(self) -> composition.Application:
        if self._built is None:
            name = os.environ.get("GATEWAY_CONFIG")
            self._built = composition.build(
                load(Path(name) if name else None, os.environ, further=refusals)
            )
            self._built.start()
        return self._built

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            application = self._application()
        except (ConfigError, ValueError, OSError) as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        application.gateway.drain()
        await application.aclose()
        await send({"type": "lifespan.shutdown.complete"})


app = EnvironmentGateway()


def _head(scope: Message) -> Head:
    """Return the head of a request, its path relative to the application's root path."""
    raw_path: bytes = scope.get("raw_path") or quote(scope["path"]).encode("ascii")
    root = quote(scope.get("root_path", "")).encode("ascii").rstrip(b"/")
    if root and (raw_path == root or raw_path.startswith(root + b"/")):
        raw_path = raw_path[len(root) :] or b"/"
    headers = ClientHeaders(field for field in scope["headers"] if field[0] not in _FRAMING)
    return Head(scope["method"], raw_path, scope["query_string"], headers)


def _length(scope: Message) -> int | None:
    """Return the Content-Length that the client declared, if it is a number."""
    value = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return int(value) if value.isdigit() and len(value) < 19 else None


async def _chained(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    if first:
        yield first
    async for piece in rest:
        if piece:
            yield piece


async def _decline(scope: Message, receive: Receive, send: Send) -> None:
    await receive()
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1003})
        return
    reply = error_reply(refuse_websocket(), Decision())
    status, headers = reply.status, reply.headers
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": reply.body})
