"""The ASGI application of the main port: guard, route table, and the end of every story."""

import asyncio
import logging
import re
from collections.abc import Coroutine
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

import msgspec

from gateway.api import guard
from gateway.api.access import Access
from gateway.api.connection import (
    ClientConnection,
    ClientGone,
    Receive,
    check_size,
    declared_length,
)
from gateway.api.paths import Place, place_of
from gateway.api.writing import ASGISend, ReplyWriter
from gateway.config.settings import ClientSettings, Settings
from gateway.errors import (
    GatewayError,
    InvalidRequest,
    MethodNotAllowed,
    ShuttingDown,
    UnknownRoute,
)
from gateway.exchange.legacy import Legacy
from gateway.exchange.listing import Listing
from gateway.exchange.message import ClientReply, Decision, Observer, with_path_model
from gateway.exchange.passing import Passing
from gateway.exchange.remembering import ResponseMemory
from gateway.exchange.story import Exchange
from gateway.request import GenerationRequest, Request
from gateway.server.departure import SCOPE_KEY
from gateway.server.direct_writing import DirectWriter
from gateway.server.whole_request import RequestHead
from gateway.shapes import ClientHeaders, RawHeaders, Shape

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
class AdmittedRequest:
    """A request for generation whose head has passed: all that is known without its body."""

    shape: Shape
    model: str | None
    """The model that the path names."""
    query: bytes
    headers: ClientHeaders
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


class ClientSide(Protocol):
    """Who is being answered."""

    @property
    def gone(self) -> bool:
        """Whether the client has left."""


class Gateway:
    """The gateway as an ASGI 3 application. `draining` set: no new requests, `/readyz` says 503.

    It is a `DirectApplication` as well (`server/direct.py`): requests that come whole
    take that way, and from `_to_its_end` on both are one.
    """

    def __init__(self, settings: Settings, services: Services) -> None:
        self._server = settings.server
        self._access = Access(settings.clients)
        self._services = services
        self._allowed_hosts = frozenset(name.lower() for name in settings.server.allowed_hosts)
        self.keepalive_interval = settings.server.keepalive_interval
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
        writer = ReplyWriter(send, self.keepalive_interval)
        decision = Decision()
        place = place_of(scope.get("raw_path") or scope["path"].encode())
        extension = scope.get("extensions", {}).get(SCOPE_KEY, {})
        connection = ClientConnection(
            receive, self._server.body_idle_timeout, extension.get("departure")
        )
        route = _GENERATION.get(place.path if place else "") or "other"
        reply = self._route(scope, place, connection, decision)
        try:
            await self._to_its_end(reply, route, connection, writer, decision)
        finally:
            connection.close()

    def admit(self, head: RequestHead) -> AdmittedRequest | None:
        """Return what is known of a request by its head; None: it must take the general way.

        That is any request but a good one for generation: errors are told there.
        """
        place = place_of(head.raw_path)
        shape = _GENERATION.get(place.path) if place else None
        if place is None or shape is None:
            return None
        try:
            guard.check(
                {
                    "method": "POST",
                    "path": head.path,
                    "raw_path": head.raw_path,
                    "query_string": head.query,
                    "headers": head.headers,
                },
                self._allowed_hosts,
            )
            client = self._access.client(head.headers)
        except GatewayError:
            return None
        return AdmittedRequest(shape, place.model, head.query, head.headers, client)

    def serve(
        self, admitted: AdmittedRequest, body: bytes, writer: DirectWriter
    ) -> Coroutine[Any, Any, None]:
        """Return what serves an admitted request to its end; cancelled when the client leaves."""
        decision = Decision()
        reply = self._generate_admitted(admitted, body, decision, unchecked=True)
        return self._to_its_end(reply, admitted.shape, writer, writer, decision)

    async def _to_its_end(
        self,
        reply: Coroutine[Any, Any, ClientReply],
        route: str,
        client: ClientSide,
        writer: ReplyWriter,
        decision: Decision,
    ) -> None:
        """Await a reply, write it, and have the observer take note of how it ended."""
        started = perf_counter()
        outcome = "client_closed"
        try:
            try:
                answer = await reply
            except (ClientGone, asyncio.CancelledError):
                raise
            except GatewayError as error:
                await writer.write_error(error, decision)
            except Exception:
                log.exception("a request failed inside the gateway")
                await writer.write_error(GatewayError("The gateway itself failed."), decision)
            else:
                try:
                    await writer.write(answer, decision)
                finally:
                    if not isinstance(answer.body, bytes):
                        await answer.body.aclose()
            outcome = _OUTCOMES.get(writer.status // 100, "upstream_error")
        except asyncio.CancelledError:
            if not client.gone:
                raise
            _forget_cancellation()
        except ClientGone:
            pass
        except GatewayError as error:
            outcome = "upstream_error"
            log.warning("stream cut off: %s", error.code)
        finally:
            self._services.observer.finished(decision, route, outcome, perf_counter() - started)

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
        self._refuse_when_draining()
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

    def _refuse_when_draining(self) -> None:
        if self.draining:
            raise ShuttingDown(
                "The gateway is shutting down; try again.", headers=(("retry-after", "1"),)
            )

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
        admitted = AdmittedRequest(
            shape,
            request.place.model,
            request.query,
            ClientHeaders(request.headers),
            request.client,
        )
        return await self._generate_admitted(admitted, body, decision)

    async def _generate_admitted(
        self,
        admitted: AdmittedRequest,
        body: bytes,
        decision: Decision,
        *,
        unchecked: bool = False,
    ) -> ClientReply:
        if unchecked:
            if self.draining:
                self._refuse_when_draining()
            check_size(len(body), self._server.max_body_bytes)
        if admitted.model is not None:
            body = with_path_model(body, admitted.model, decision)
        call = GenerationRequest.at(
            admitted.shape, body, admitted.headers, admitted.query, admitted.client
        )
        return await self._services.exchange.run(call, decision)

    async def _pass_on(
        self, request: _Request, connection: ClientConnection, decision: Decision
    ) -> ClientReply:
        method, place = request.method, request.place
        revived = None
        if place.model is None:
            revived = self._services.legacy.route(method, place.below)
        length = declared_length(request.headers)
        call = Request(
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
