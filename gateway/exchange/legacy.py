"""The stories of the endpoints that OpenAI has shut down: edits, engines, fine-tunes and others.

`Legacy.route` says who serves a path. Edits go through the exchange as chat requests, so that a
model's home is found as for any other; an engine's requests are those of the model it names.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from urllib.parse import unquote_plus
from uuid import uuid4

from gateway.config.settings import Settings
from gateway.errors import GatewayError, MethodNotAllowed, ModelNotFound, UnknownRoute
from gateway.exchange.fine_tuning import FineTunes
from gateway.exchange.legacy_replies import (
    expect_json,
    json_reply,
    read_reply,
    read_request,
    renamed_error,
    without_body_headers,
)
from gateway.exchange.listing import Listing, model_path
from gateway.exchange.message import ClientReply, Decision, read_object
from gateway.exchange.passing import Passing
from gateway.exchange.story import Exchange
from gateway.request import GenerationRequest, Request
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.legacy import edits, engines
from gateway.translate.sse import encode_json

Handler = Callable[[Request, Decision], Awaitable[ClientReply]]
"""Serves one request; raises `GatewayError` before the reply has begun."""

_SHAPES = {shape.path: shape for shape in Shape}
_DEPRECATED = {
    # RFC 9745: since when, in Unix time. From OpenAI's list of deprecations.
    "engines": b"@1654214400",
    "edits": b"@1688601600",
    "fine-tunes": b"@1692662400",
}


_PERHAPS_REMOVED = frozenset({"search", "answers", "classifications"})
"""Endpoints of OpenAI's that are gone, but whose names others use: Mistral has classifications."""


class Legacy:
    """Serves the legacy endpoints. Safe to use from many tasks."""

    def __init__(
        self,
        settings: Settings,
        exchange: Exchange,
        passing: Passing,
        listing: Listing,
        fine_tunes: FineTunes,
        new_id: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        self._settings = settings
        self._exchange = exchange
        self._passing = passing
        self._listing = listing
        self._fine_tunes = fine_tunes
        self._new_id = new_id

    def route(self, method: str, path: str) -> Handler | None:
        """Return who serves a request, or None: it is none of these endpoints.

        `path` is below `/v1`, raw (percent-encoded). Raises `MethodNotAllowed` for a method that
        an endpoint never had, and `UnknownRoute` for one that has no successor.
        """
        engine = engines.read_path(path)
        if engine is not None:
            return self._engine_route(method, engine)
        _, _, below = path.partition("/")
        if below == "edits":
            _expect(method, "POST")
            return _deprecating("edits", "/chat/completions", self._edit)
        if below in _PERHAPS_REMOVED:
            return partial(self._perhaps_removed, below)
        family, *parts = below.split("/")
        if family != "fine-tunes" or "" in parts or self._fine_tunes.native:
            return None
        handler = self._fine_tune_route(method, parts)
        return handler and _deprecating("fine-tunes", "/fine_tuning/jobs", handler)

    def _engine_route(self, method: str, path: engines.EnginePath) -> Handler:
        if path.engine is None:
            _expect(method, "GET")
            return _deprecating("engines", "/models", self._engines)
        if path.action is None:
            _expect(method, "GET")
            handler = partial(self._engine, path.engine)
            return _deprecating("engines", model_path(path.engine), handler)
        if path.action in engines.REMOVED:
            raise _removed(f"/engines/{path.engine[:200]}/{path.action}", path.action)
        modern = engines.MODERN_PATHS.get(path.action)
        if modern is None:
            known = ", ".join(engines.MODERN_PATHS)
            raise UnknownRoute(
                f"Engines have no '{path.action[:100]}'. Below /v1/engines/{{engine}} the gateway "
                f"serves {known}; all else is reached with 'model' in the body."
            )
        _expect(method, "POST")
        handler = partial(self._at_engine, path.engine, modern)
        return _deprecating("engines", modern, handler)

    def _fine_tune_route(self, method: str, parts: list[str]) -> Handler | None:
        """Return who serves a path below `/fine-tunes`, taken apart."""
        service = self._fine_tunes
        if not parts:
            _expect(method, "GET", "POST")
            return service.all if method == "GET" else self._create_fine_tune
        job_id = unquote_plus(parts[0])
        if len(parts) == 1:
            _expect(method, "GET", hint=" To delete its model, call DELETE /v1/models/{model}.")
            return _about(service.retrieve, job_id)
        if parts[1:] == ["cancel"]:
            _expect(method, "POST")
            return _about(service.cancel, job_id)
        if parts[1:] == ["events"]:
            _expect(method, "GET")
            return _about(service.events, job_id)
        return None

    async def _perhaps_removed(self, name: str, call: Request, decision: Decision) -> ClientReply:
        """Pass a request on, and explain what replaced its endpoint if there is none."""
        reply = await self._passing.run(call, decision)
        if reply.status not in (404, 405):
            return reply
        await read_reply(reply)
        raise _removed(f"/{name}", name)

    async def _create_fine_tune(self, call: Request, decision: Decision) -> ClientReply:
        return await self._fine_tunes.create(call, await self._object(call), decision)

    async def _engines(self, call: Request, decision: Decision) -> ClientReply:
        asked = replace(call, path="/models")
        models = await expect_json(await self._listing.all(asked, decision), engines.client_param)
        return json_reply(engines.engines_from_models(models))

    async def _engine(self, engine: str, call: Request, decision: Decision) -> ClientReply:
        asked = replace(call, path=model_path(engine))
        with _Named(engines.client_param):
            reply = await self._listing.one(asked, engine, decision)
        card = await expect_json(reply, engines.client_param)
        return json_reply(engines.engine_from_model(card))

    async def _at_engine(
        self, engine: str, path: str, call: Request, decision: Decision
    ) -> ClientReply:
        """Serve a request below an engine as the one at `path` that has it for its model."""
        received = await read_request(call, self._settings.server.max_body_bytes)
        asked = read_object(received)
        body = engines.with_model(asked, engine)
        with _Named(engines.client_param):
            if path == "/edits":
                return await self._edited(body, call, decision)
            raw = received if body == asked else encode_json(body)
            headers = without_body_headers(call.headers, body=True)
            shape = _SHAPES.get(path)
            if shape is not None:
                made = GenerationRequest.at(shape, raw, headers, call.query, call.client)
                reply = await self._exchange.run(made, decision)
            else:
                passed = replace(call, path=path, headers=headers, body=raw)
                reply = await self._passing.run(passed, decision)
        return await renamed_error(reply, engines.client_param)

    async def _edit(self, call: Request, decision: Decision) -> ClientReply:
        return await self._edited(await self._object(call), call, decision)

    async def _edited(self, body: Json, call: Request, decision: Decision) -> ClientReply:
        context = self._context(body)
        chat, edit = edits.request_to_chat(body, context)
        try:
            return json_reply(await self._edited_by_chat(chat, edit, context, call, decision))
        finally:
            home = decision.shape or Shape.CHAT
            notes = decision.translation.split("; ")[2:]
            decision.translation = "; ".join(["from=edits", f"to={home}", *notes])

    async def _edited_by_chat(
        self, chat: Json, edit: edits.Edit, context: Context, call: Request, decision: Decision
    ) -> Json:
        """Return the reply to an edit, asking again for what is missing where `n` is ignored."""
        replies: list[Json] = []
        choices: list[Json] = []
        while len(choices) < edit.n:
            following = Decision() if replies else decision
            asked = edits.request_for_rest(chat, edit.n - len(choices))
            replies.append(await self._chat(asked, edit, call, following))
            choices += edits.choices_from_chat(replies[-1], edit)
            if following is not decision:
                decision.attempts += following.attempts
        return edits.reply_from_chat(choices, replies, edit, context)

    async def _chat(self, chat: Json, edit: edits.Edit, call: Request, decision: Decision) -> Json:
        def client_param(param: str | None) -> str | None:
            return edits.client_param(param, edit)

        headers = without_body_headers(call.headers, body=True)
        made = GenerationRequest.at(Shape.CHAT, encode_json(chat), headers, call.query, call.client)
        with _Named(client_param):
            try:
                reply = await self._exchange.run(made, decision)
            except ModelNotFound as error:
                raise self._needs_alias(chat["model"], decision.upstream, error) from error
            return await expect_json(reply, client_param)

    def _needs_alias(self, model: str, upstream: str, error: ModelNotFound) -> ModelNotFound:
        """Return a better error for one of the models that only ever edited."""
        rule = self._exchange.resolver.rule_for(model)
        if model not in edits.MODELS or (rule is not None and rule.model is not None):
            return error
        return ModelNotFound(
            f"The model '{model}' was shut down on 2024-01-04, with the edits endpoint. The "
            "gateway edits with a chat model in its stead once it is told which: add the line "
            f"`{model}: {{model: {edits.SUGGESTED_MODEL}}}` to `models:` in the gateway's "
            "configuration, with that or any other model that follows instructions. (Upstream "
            f"'{upstream}' was asked and does not have it.)",
            param="model",
        )

    def _context(self, body: Json) -> Context:
        model = body.get("model")
        name = model if isinstance(model, str) else ""
        rule = self._exchange.resolver.rule_for(name)
        return Context(
            model_asked=name,
            model_sent=name,
            reasoning_effort=rule.reasoning_effort if rule is not None else None,
            new_id=self._new_id,
            now=int(self._exchange.attempts.wall_clock()),
        )

    async def _object(self, call: Request) -> Json:
        return read_object(await read_request(call, self._settings.server.max_body_bytes))


class _Named:
    """Gives errors that pass through a `with` block the client's name of their parameter."""

    def __init__(self, client_param: Callable[[str | None], str | None]) -> None:
        self._client_param = client_param

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, GatewayError):
            error.param = self._client_param(error.param)


def _about(
    serve: Callable[[Request, str, Decision], Awaitable[ClientReply]], job_id: str
) -> Handler:
    return lambda call, decision: serve(call, job_id, decision)


def _deprecating(family: str, successor: str, handler: Handler) -> Handler:
    """Let every reply say since when its endpoint is deprecated, and what follows it."""
    fields = (
        (b"deprecation", _DEPRECATED[family]),
        (b"link", f'</v1{successor}>; rel="successor-version"'.encode("ascii")),
    )

    async def serve(call: Request, decision: Decision) -> ClientReply:
        try:
            reply = await handler(call, decision)
        except GatewayError as error:
            shown = [(name.decode("ascii"), value.decode("ascii")) for name, value in fields]
            error.headers = (*error.headers, *shown)
            raise
        return replace(reply, headers=[*reply.headers, *fields])

    return serve


def _expect(method: str, *allowed: str, hint: str = "") -> None:
    if method not in allowed:
        methods = ", ".join(allowed)
        raise MethodNotAllowed(
            f"Call this path with {methods}.{hint}", headers=(("allow", methods),)
        )


def _removed(path: str, name: str) -> UnknownRoute:
    return UnknownRoute(f"/v1{path}: {engines.REMOVED[name]}.", code="endpoint_removed")
