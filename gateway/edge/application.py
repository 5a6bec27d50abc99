"""The ASGI application of the main port: guard, route table, and the end of every story."""

import asyncio
import logging
import re
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import msgspec

from gateway.config.settings import ClientSettings, Settings
from gateway.edge import guard
from gateway.edge.access import Access
from gateway.edge.connection import ClientConnection, ClientGone, Receive, declared_length
from gateway.edge.departure import SCOPE_KEY
from gateway.edge.paths import Place, place_of
from gateway.edge.writing import ASGISend, ReplyWriter
from gateway.errors import (
    GatewayError,
    InvalidRequest,
    MethodNotAllowed,
    ShuttingDown,
    UnknownRoute,
)
from gateway.exchange.legacy import Legacy
from gateway.exchange.listing import Listing
from gateway.exchange.message import ClientCall, ClientReply, Decision, Observer, with_path_model
from gateway.exchange.passing import PassedCall, Passing
from gateway.exchange.remembering import ResponseMemory
from gateway.exchange.story import Exchange
from gateway.shapes import RawHeaders, Shape

log = logging.getLogger("gateway")

_GENERATION = {shape.endpoint: shape for shape in Shape}
_MODEL_CARD = re.compile(r"/v1/models/(?P<model>.+)\Z", re.DOTALL)
_RESPONSE = re.compile(r"/v1/responses/(?P<id>[^/]+)(?P<items>/input_items)?\Z")
_OUTCOMES = {2: "success", 3: "success", 4: "client_error", 5: "upstream_error"}


@dataclass(frozen=True, slots=True)
class _Request:
    """A request that passed the guard, its body not yet read."""

    method: str
    place: Place
    query: bytes
    headers: RawHeaders
    client: ClientSettings | None


@dataclass(frozen=True, slots=True)
class Services:
    """What the routes lead to."""

    exchange: Exchange
    passing: Passing
    listing: Listing
    legacy: Legacy
    responses: ResponseMemory
    observer: Observer


class Gateway:
    """The gateway as an ASGI 3 application. `draining` set: no new requests, `/readyz` says 503."""

    def __init__(self, settings: Settings, services: Services) -> None:
        self._server = settings.server
        self._access = Access(settings.clients)
        self._services = services
        self._allowed_hosts = frozenset(name.lower() for name in settings.server.allowed_hosts)
        self.draining = False

    def drain(self) -> None:
        """Take no more requests; those under way go on."""
        self.draining = True

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: ASGISend) -> None:
        """Serve one request; lifespan and WebSocket scopes are declined."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1003})
            return
        if scope["type"] != "http":
            return
        writer = ReplyWriter(send, self._server.keepalive_interval)
        decision = Decision()
        place = place_of(scope.get("raw_path") or scope["path"].encode())
        extension = scope.get("extensions", {}).get(SCOPE_KEY, {})
        connection = ClientConnection(
            receive, self._server.body_idle_timeout, extension.get("departure")
        )
        started = perf_counter()
        outcome = "client_closed"
        try:
            await self._answer(scope, place, connection, writer, decision)
            outcome = _OUTCOMES.get(writer.status // 100, "upstream_error")
        except asyncio.CancelledError:
            if not connection.gone:
                raise
            _forget_cancellation()
        except ClientGone:
            pass
        except GatewayError as error:
            outcome = "upstream_error"
            log.warning("stream cut off: %s", error.code)
        finally:
            connection.close()
            route = _GENERATION.get(place.path if place else "") or "other"
            self._services.observer.finished(decision, route, outcome, perf_counter() - started)

    async def _answer(
        self,
        scope: dict[str, Any],
        place: Place | None,
        connection: ClientConnection,
        writer: ReplyWriter,
        decision: Decision,
    ) -> None:
        """Route a request and write its reply; raises only once the reply has begun."""
        try:
            reply = await self._route(scope, place, connection, decision)
        except GatewayError as error:
            await writer.write_error(error, decision)
            return
        except (ClientGone, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("a request failed inside the gateway")
            await writer.write_error(GatewayError("The gateway itself failed."), decision)
            return
        try:
            await writer.write(reply, decision)
        finally:
            if not isinstance(reply.body, bytes):
                await reply.body.aclose()

    async def _route(
        self,
        scope: dict[str, Any],
        place: Place | None,
        connection: ClientConnection,
        decision: Decision,
    ) -> ClientReply:
        path: str = scope["path"]
        if path in ("/healthz", "/readyz"):
            return self._health(path)
        guard.check(scope, self._allowed_hosts)
        if self.draining:
            raise ShuttingDown(
                "The gateway is shutting down; try again.", headers=(("retry-after", "1"),)
            )
        headers: RawHeaders = tuple(scope["headers"])
        client = self._access.client(headers)
        if place is None:
            raise UnknownRoute(
                f"Invalid URL ({scope['method']} {path[:200]}). The gateway serves OpenAI's API "
                "below /v1; set the base URL to end in /v1.",
            )
        request = _Request(scope["method"], place, scope["query_string"], headers, client)
        shape = _GENERATION.get(place.path)
        if shape is not None and request.method == "POST":
            return await self._generate(shape, request, connection, decision)
        if shape is not None and request.method not in ("GET", "OPTIONS"):
            raise MethodNotAllowed(f"Call {place.path} with POST.", headers=(("allow", "POST"),))
        return await self._pass_on(request, connection, decision)

    def _health(self, path: str) -> ClientReply:
        ready = not self.draining or path == "/healthz"
        body = msgspec.json.encode({"status": "ok" if ready else "draining"})
        return ClientReply(200 if ready else 503, [(b"content-type", b"application/json")], body)

    async def _generate(
        self, shape: Shape, request: _Request, connection: ClientConnection, decision: Decision
    ) -> ClientReply:
        if any(name == b"content-encoding" for name, _ in request.headers):
            raise InvalidRequest(
                "Compressed request bodies are not read; send it without Content-Encoding.",
                status=415,
                code="unsupported_content_encoding",
            )
        length = declared_length(request.headers)
        body = await connection.read(self._server.max_body_bytes, length)
        if request.place.model is not None:
            body = with_path_model(body, request.place.model, decision)
        call = ClientCall(shape, body, request.headers, request.query, request.client)
        return await self._services.exchange.run(call, decision)

    async def _pass_on(
        self, request: _Request, connection: ClientConnection, decision: Decision
    ) -> ClientReply:
        method, place = request.method, request.place
        revived = None
        if place.model is None:
            revived = self._services.legacy.route(method, place.below)
        length = declared_length(request.headers)
        call = PassedCall(
            method,
            place.below,
            request.query,
            request.headers,
            await connection.open(self._server.max_upload_bytes, length),
            request.client,
            place.model,
        )
        if revived is not None:
            return await revived(call, decision)
        if method == "GET" and place.path == "/v1/models":
            return await self._services.listing.all(call, decision)
        card = _MODEL_CARD.match(place.path)
        if card is not None:
            return await self._services.listing.one(call, card["model"], decision)
        kept = await self._kept_response(request)
        return kept or await self._services.passing.run(call, decision)

    async def _kept_response(self, request: _Request) -> ClientReply | None:
        """Return what the gateway itself keeps under a response's path, if anything."""
        match = _RESPONSE.match(request.place.path)
        responses, headers = self._services.responses, request.headers
        if match is None:
            return None
        if request.method == "DELETE" and not match["items"]:
            return await responses.delete(headers, match["id"])
        if request.method != "GET":
            return None
        if match["items"]:
            return await responses.input_items(headers, match["id"], request.query)
        return await responses.retrieve(headers, match["id"])


def _forget_cancellation() -> None:
    """Take back what the watch did when the client left: it cancelled this task."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
