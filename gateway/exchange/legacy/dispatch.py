"""The endpoints that OpenAI has shut down: edits, engines, fine-tunes and others.

Edits go through the exchange as chat requests (`edits.py`), so that models are resolved as for any
other request. A request to an engine is a request for the model with that name.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from urllib.parse import unquote_plus
from uuid import uuid4

from msgspec import structs

from gateway.errors import GatewayError, UnknownRoute
from gateway.exchange.bodies.request_fields import read_object
from gateway.exchange.client_reply import ClientReply, json_reply
from gateway.exchange.decision import Decision
from gateway.exchange.flow import Exchange
from gateway.exchange.legacy.edits import Edits
from gateway.exchange.legacy.fine_tunes import FineTunes
from gateway.exchange.legacy.removed import RemovedEndpoints, removed
from gateway.exchange.legacy.replies import (
    RenamedParameters,
    expect_json,
    renamed_error,
    without_body_headers,
)
from gateway.exchange.models.listing import Listing, list_reply, model_path
from gateway.exchange.models.lists import in_pieces
from gateway.exchange.params.rule_params import with_params
from gateway.exchange.passthrough.forward import Forwarder
from gateway.request import GenerationRequest, Request
from gateway.shapes import Shape
from gateway.translate.contract import Report
from gateway.translate.legacy import engines
from gateway.translate.stream.sse import encode_json

Handler = Callable[[Request, Decision], Awaitable[ClientReply]]
"""Serves one request; raises `GatewayError` before the reply has begun."""

JobHandler = Callable[[Request, str, Decision], Awaitable[ClientReply]]
"""Serves a request about one job, given its id."""

_SHAPES = {shape.path: shape for shape in Shape}
_DEPRECATED = {
    # RFC 9745: the date as Unix time, from OpenAI's list of deprecations.
    "engines": b"@1654214400",
    "edits": b"@1688601600",
    "fine-tunes": b"@1692662400",
}


class Legacy:
    """Serves the legacy endpoints. Safe to use from many tasks."""

    def __init__(
        self,
        exchange: Exchange,
        forwarder: Forwarder,
        listing: Listing,
        fine_tunes: FineTunes,
        new_id: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        self._exchange = exchange
        self._forwarder = forwarder
        self._listing = listing
        self.fine_tunes = fine_tunes
        self.removed = RemovedEndpoints(forwarder)
        self._edits = Edits(exchange, new_id)

    async def engines(self, request: Request, decision: Decision) -> ClientReply:
        """Return the model list as engines."""
        return await deprecating("engines", "/models", self._engines)(request, decision)

    async def engine(self, request: Request, decision: Decision, engine: str) -> ClientReply:
        """Return the card of one model as an engine; `engine` is encoded as a form value."""
        name = unquote_plus(engine)
        handler = partial(self._engine, name)
        return await deprecating("engines", model_path(name), handler)(request, decision)

    async def at_engine(
        self, request: Request, decision: Decision, engine: str, path: str
    ) -> ClientReply:
        """Serve a request below an engine as a request to `path` with the engine as its model."""
        handler = partial(self._at_engine, unquote_plus(engine), path)
        return await deprecating("engines", path, handler)(request, decision)

    async def no_action(
        self, request: Request, decision: Decision, engine: str, action: str
    ) -> ClientReply:
        """Raise `UnknownRoute` for an action that engines no longer have, or never had.

        A GET has no actions below an engine: there the path is a name with slashes.
        """
        if action in engines.REMOVED:
            raise removed(f"/engines/{unquote_plus(engine)[:200]}/{action}", action)
        if request.method == "GET":
            return await self.engine(request, decision, f"{engine}/{action}")
        known = ", ".join(engines.MODERN_PATHS)
        raise UnknownRoute(
            f"Engines have no '{action[:100]}'. Below /v1/engines/{{engine}} the gateway "
            f"serves {known}; call all other endpoints with 'model' in the body."
        )

    async def edit(self, request: Request, decision: Decision) -> ClientReply:
        """Serve `/v1/edits` as a chat."""
        return await deprecating("edits", "/chat/completions", self._edit)(request, decision)

    async def create_fine_tune(self, request: Request, decision: Decision) -> ClientReply:
        """Create a fine-tuning job."""

        async def create(request: Request, decision: Decision) -> ClientReply:
            body = read_object(_whole(request))
            return await self.fine_tunes.create(request, body, decision)

        return await _deprecated_fine_tunes(create)(request, decision)

    async def all_fine_tunes(self, request: Request, decision: Decision) -> ClientReply:
        """Return all fine-tuning jobs."""
        return await _deprecated_fine_tunes(self.fine_tunes.all)(request, decision)

    async def fine_tune(self, request: Request, decision: Decision, job: str) -> ClientReply:
        """Return one fine-tuning job."""
        return await self._about(self.fine_tunes.retrieve, job, request, decision)

    async def cancel_fine_tune(self, request: Request, decision: Decision, job: str) -> ClientReply:
        """Cancel a fine-tuning job."""
        return await self._about(self.fine_tunes.cancel, job, request, decision)

    async def fine_tune_events(self, request: Request, decision: Decision, job: str) -> ClientReply:
        """Return the events of a fine-tuning job."""
        return await self._about(self.fine_tunes.events, job, request, decision)

    async def _about(
        self, serve: JobHandler, job: str, request: Request, decision: Decision
    ) -> ClientReply:
        job_id = unquote_plus(job)

        async def handler(request: Request, decision: Decision) -> ClientReply:
            return await serve(request, job_id, decision)

        return await _deprecated_fine_tunes(handler)(request, decision)

    async def _engines(self, call: Request, decision: Decision) -> ClientReply:
        cards = await self._listing.cards(structs.replace(call, path="/models"), decision)
        listed: list[bytes] = []
        async for some in in_pieces(cards):
            listed += [encode_json(engine) for engine in engines.engines_from_cards(some)]
        return list_reply(listed)

    async def _engine(self, engine: str, call: Request, decision: Decision) -> ClientReply:
        model_call = structs.replace(call, path=model_path(engine))
        with RenamedParameters(engines.client_param):
            reply = await self._listing.one(model_call, engine, decision)
        named = await renamed_error(reply, engines.client_param)
        card = await expect_json(named, lambda param: param)
        return json_reply(encode_json(engines.engine_from_model(card)))

    async def _at_engine(
        self, engine: str, path: str, call: Request, decision: Decision
    ) -> ClientReply:
        received = _whole(call)
        given = read_object(received)
        body = engines.with_model(given, engine)
        with RenamedParameters(engines.client_param):
            if path == "/edits":
                edited = await self._edits.edited(body, call, decision)
                _report(engines.without_place(given), Shape.CHAT, decision)
                return edited
            raw = received if body == given else encode_json(body)
            headers = without_body_headers(call.headers, body=True)
            shape = _SHAPES.get(path)
            if shape is not None:
                request = GenerationRequest.at(shape, raw, headers, call.query, call.client)
                reply = await self._exchange.run(request, decision)
            else:
                passed = structs.replace(call, path=path, headers=headers, body=raw)
                reply = await self._forwarder.run(passed, decision)
        _report(engines.without_place(given), shape, decision)
        return await renamed_error(reply, engines.client_param)

    async def _edit(self, call: Request, decision: Decision) -> ClientReply:
        return await self._edits.edited(read_object(_whole(call)), call, decision)


def _report(dropped: list[str], shape: Shape | None, decision: Decision) -> None:
    """Report the parameters that only engines had; `shape` is None if no text is generated."""
    if not dropped:
        return
    if shape is None and not decision.translation:
        decision.translation = f"dropped={','.join(dropped)}"
        return
    own = shape or Shape.COMPLETIONS
    report = Report(own, own)
    for name in dropped:
        report.drop(name)
    decision.translation = with_params(decision.translation, report, own)


def deprecating(family: str, successor: str, handler: Handler) -> Handler:
    """Add to every reply when its endpoint was deprecated, and its successor."""
    fields = (
        (b"deprecation", _DEPRECATED[family]),
        (b"link", f'</v1{successor}>; rel="successor-version"'.encode("ascii")),
    )

    async def serve(call: Request, decision: Decision) -> ClientReply:
        try:
            reply = await handler(call, decision)
        except GatewayError as error:
            added = [(name.decode("ascii"), value.decode("ascii")) for name, value in fields]
            error.headers = (*error.headers, *added)
            raise
        return replace(reply, headers=[*reply.headers, *fields])

    return serve


def _deprecated_fine_tunes(handler: Handler) -> Handler:
    return deprecating("fine-tunes", "/fine_tuning/jobs", handler)


def _whole(request: Request) -> bytes:
    """Return the body of a request whose route reads it as a whole."""
    if not isinstance(request.body, bytes):
        raise TypeError("the route must take the body as a whole")
    return request.body
