"""Any ASGI 3 application behind the gateway's own door: the admin listener, the demo's emulator.

There are no lifespan events. A client that disconnects cancels the application. Applications that
do not want WebSockets get handshakes as ordinary requests (`hosted_socket.py`).
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable
from urllib.parse import unquote

from gateway.api.admission import Admission, refusal
from gateway.api.endings import client_error, shutting_down, written
from gateway.api.upgrades import asks_for_websocket, check_handshake
from gateway.api.writing import ReplyWriter
from gateway.config.settings import ServerSettings
from gateway.errors import GatewayError
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.reply.body import ReplyBody
from gateway.request import Body, Head, Request
from gateway.server.hosted_socket import ASGIApp, Message, opened
from gateway.shapes import Sink
from gateway.sockets import SocketSession, Traffic

_MAX_UNSENT = 2
"""How many messages of an application may wait for the client; then the application waits."""


class HostedApplication:
    """Makes an ASGI application one for a `Door`, with the default limits and without records.

    `tls` returns the TLS context for a new connection, or None. `sockets` says whether the
    application takes WebSockets.
    """

    def __init__(
        self,
        app: ASGIApp,
        tls: Callable[[], ssl.SSLContext | None] = lambda: None,
        *,
        sockets: bool = False,
    ) -> None:
        self.server = ServerSettings()
        self._app = app
        self._tls = tls
        self._sockets = sockets
        self._draining = False

    @property
    def tls(self) -> ssl.SSLContext | None:
        """The context for a new connection; None without TLS."""
        return self._tls()

    def drain(self) -> None:
        """Refuse new requests; running ones continue."""
        self._draining = True

    def admit(self, head: Head) -> Admission:
        """Take every request: the application has its own rules."""
        request = Request(head.method, head.raw_path.decode("latin-1"), head.query, head.headers)
        if self._sockets and asks_for_websocket(head.method, head.headers):
            return self._handshake(request)
        return Admission(request, self._answer, self.server.max_upload_bytes, whole=False)

    async def serve(
        self, admission: Admission, body: Body, writer: ReplyWriter, length: int | None = None
    ) -> None:
        """Serve one request to its end; raises what the application raises within a reply."""
        decision = writer.decision = Decision()
        if self._draining and admission.error is None:
            admission = admission.failed(shutting_down())
        try:
            opens = admission.upgrade or admission.handler
            reply = await opens(admission.with_body(body, length), decision)
            if isinstance(reply, SocketSession):
                await _serve(reply, writer, decision)
                return
        except Exception as error:
            await writer.write_error(client_error(error, decision), decision)
            if not isinstance(error, GatewayError):
                raise
            return
        await written(reply, writer, decision)

    def abandoned(self, admission: Admission) -> None:
        """Ignore a request that never arrived completely."""

    def _handshake(self, request: Request) -> Admission:
        try:
            check_handshake(request.headers)
        except GatewayError as error:
            return refusal(error.bare())
        return Admission(request, self._answer, 0, upgrade=self._open)

    async def _open(
        self,
        request: Request,
        decision: Decision,  # noqa: ARG002
    ) -> SocketSession | ClientReply:
        scope = _scope(request, "wss" if self.tls is not None else "ws")
        return await opened(self._app, scope, request.headers)

    async def _answer(self, request: Request, decision: Decision) -> ClientReply:  # noqa: ARG002
        body = _Running(self._app, request, "https" if self.tls is not None else "http")
        try:
            return await body.reply()
        except BaseException:
            await body.aclose()
            raise


class _Running(ReplyBody):
    """The reply of an application that is running."""

    def __init__(self, app: ASGIApp, request: Request, scheme: str) -> None:
        super().__init__()
        self._received = _received(request.body)
        self._messages: asyncio.Queue[Message | None] = asyncio.Queue(_MAX_UNSENT)
        """The messages that the application has sent; None once it has ended."""
        self._room = asyncio.Event()
        self._room.set()
        self._error: Exception | None = None
        self._task = asyncio.create_task(self._run(app, _scope(request, scheme)))

    @property
    def failure(self) -> GatewayError | None:
        """None: the application's messages are not looked at."""
        return None

    async def reply(self) -> ClientReply:
        """Return the reply once it begins; raises an error that the application raises before."""
        start = await self._next()
        if start is None:
            raise GatewayError("The application has not replied.")
        return ClientReply(start["status"], list(start["headers"]), self)

    async def pipe(self, sink: Sink) -> None:
        """Give the body to the sink as the application sends it."""
        while (message := await self._next()) is not None:
            await self._room.wait()
            piece: bytes = message.get("body", b"")
            if piece and not sink(piece):
                self._room.clear()

    def resume(self) -> None:
        """Go on after the sink has returned False."""
        self._room.set()

    async def _release(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _run(self, app: ASGIApp, scope: Message) -> None:
        try:
            await app(scope, self._receive, self._messages.put)
        except Exception as error:  # noqa: BLE001 - raised where the reply is sent
            self._error = error
        await self._messages.put(None)

    async def _receive(self) -> Message:
        return await anext(self._received)

    async def _next(self) -> Message | None:
        message = await self._messages.get()
        if message is None and self._error is not None:
            raise self._error
        return message


async def _serve(session: SocketSession, writer: ReplyWriter, decision: Decision) -> None:
    try:
        await writer.upgrade(session, decision, Traffic())
    finally:
        await session.aclose()


async def _received(body: Body) -> AsyncGenerator[Message, None]:
    """Yield the request's body; then wait until the disconnect cancels this."""
    if isinstance(body, bytes):
        yield {"type": "http.request", "body": body, "more_body": False}
    else:
        async for piece in body:
            yield {"type": "http.request", "body": piece, "more_body": True}
        yield {"type": "http.request", "body": b"", "more_body": False}
    await asyncio.Event().wait()


def _scope(request: Request, scheme: str) -> Message:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": scheme,
        "path": unquote(request.path),
        "raw_path": request.path.encode("latin-1"),
        "query_string": request.query,
        "root_path": "",
        "headers": list(request.headers),
        "client": None,
        "server": None,
    }
