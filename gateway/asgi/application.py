"""The gateway as an ASGI application: a built one, and the one that the environment configures."""

import asyncio
import os
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from gateway import app as composition
from gateway.api.admission import Admission
from gateway.api.application import Gateway
from gateway.api.endings import ClientGone
from gateway.api.upgrades import HANDSHAKE, KEY, refuse_websocket
from gateway.asgi.sockets import Message, Receive, Send
from gateway.asgi.writing import ASGIWriter, SocketWriter
from gateway.checks.config_checks import refusals
from gateway.config.checks.problems import ConfigError
from gateway.config.load import load
from gateway.errors import GatewayError, InvalidRequest, body_timed_out
from gateway.request import Body, Head, check_size
from gateway.shapes import ClientHeaders
from gateway.sockets import SUBPROTOCOL

_FRAMING = (b"content-length", b"transfer-encoding")
_OF_THE_SERVER = HANDSHAKE | {b"connection", b"upgrade"}
"""Fields of handshakes that the ASGI server has read."""
_UPGRADE = (
    (b"connection", b"Upgrade"),
    (b"upgrade", b"websocket"),
    (b"sec-websocket-version", b"13"),
    (KEY, b"AAAAAAAAAAAAAAAAAAAAAA=="),
)
"""A handshake's fields, which not every server passes on, and HTTP/2 does not have."""


class ASGIGateway:
    """A built gateway as an ASGI 3 application, at any root path."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, or one WebSocket."""
        if scope["type"] == "websocket":
            await self._serve_socket(scope, receive, send)
        if scope["type"] != "http":
            return
        server = self._gateway.server
        admission = self._gateway.admit(_head(scope))
        if admission.upgrade is not None:  # the server has no WebSockets itself
            admission = admission.failed(refuse_websocket())
        admission, slots = admission.counted()
        writer = ASGIWriter(send)
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
            if slots is not None:
                slots.give_back()

    async def _serve_socket(self, scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        admission = self._gateway.admit(_handshake(scope))
        limit = self._gateway.server.max_body_bytes
        writer = SocketWriter(receive, send, limit, scope.get("extensions") or {})
        await self._gateway.serve(admission, b"", writer)


class _Client:
    """The client's side of one request: its body, and whether it is still connected."""

    def __init__(self, receive: Receive, writer: "ASGIWriter", idle_timeout: float) -> None:
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
        pieces = self._pieces(admission.limit, length)
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

    async def _pieces(self, limit: int, length: int | None) -> AsyncGenerator[bytes, None]:
        size, more = 0, True
        while more:
            message = await self._next()
            piece: bytes = message.get("body", b"")
            more = bool(message.get("more_body"))
            size += len(piece)
            check_size(size, limit)
            if not more and length and not size:
                raise _dropped(length)
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


def _dropped(length: int) -> InvalidRequest:
    """Return the error for a body that the client has sent, and the server has not passed on."""
    return InvalidRequest(
        f"The server that runs the gateway has dropped the request's body of {length} bytes. "
        "uvicorn does that if a client offers another protocol, as Java's HttpClient does "
        "('Upgrade: h2c'): start it with --http h11, or have the client use HTTP/1.1 only.",
        code="body_dropped",
    )


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


def _head(scope: Message) -> Head:
    """Return the head of a request, its path relative to the application's root path."""
    raw_path: bytes = scope.get("raw_path") or quote(scope["path"]).encode("ascii")
    root = quote(scope.get("root_path", "")).encode("ascii").rstrip(b"/")
    if root and (raw_path == root or raw_path.startswith(root + b"/")):
        raw_path = raw_path[len(root) :] or b"/"
    fields = (field for field in scope["headers"] if field[0] not in _FRAMING)
    # uvicorn's parser leaves the blanks after a value.
    headers = ClientHeaders((name, value.rstrip(b" \t")) for name, value in fields)
    return Head(scope["method"], raw_path, scope["query_string"], headers)


def _handshake(scope: Message) -> Head:
    """Return the head of a handshake, which the server has already checked."""
    head = _head({**scope, "method": "GET"})
    fields = [field for field in head.headers if field[0] not in _OF_THE_SERVER]
    offered = ", ".join(scope.get("subprotocols") or ())
    if offered:
        fields.append((SUBPROTOCOL, offered.encode("latin-1")))
    return replace(head, headers=ClientHeaders([*fields, *_UPGRADE]))


def _length(scope: Message) -> int | None:
    """Return the Content-Length that the client declared, if it is a number."""
    value = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    value = value.rstrip(b" \t")
    return int(value) if value.isdigit() and len(value) < 19 else None


async def _chained(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    if first:
        yield first
    async for piece in rest:
        if piece:
            yield piece
