"""Finds where a request that is passed on goes: to its model's upstream, or to a default.

The model is named by the body, the path, or the query of a realtime request.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from gateway.config.settings import ModelRule, Settings, UpstreamSettings
from gateway.errors import UnknownRoute
from gateway.exchange import client_warnings
from gateway.exchange.bodies.request_fields import (
    PATH_MODEL_WINS,
    checked_model,
    with_model,
    with_path_model,
)
from gateway.exchange.decision import Decision
from gateway.exchange.passthrough import batches
from gateway.exchange.passthrough.body_model import (
    form_model,
    form_with_model,
    json_model,
)
from gateway.exchange.passthrough.late_model import late_model, read_to_model
from gateway.exchange.passthrough.nested_model import form_with, in_form, in_json, json_with
from gateway.exchange.passthrough.query_model import (
    names_deployment,
    query_model,
    with_query_model,
)
from gateway.exchange.passthrough.request_body import Ahead, read_ahead, read_body
from gateway.exchange.reply.reading import header
from gateway.exchange.restricted.allowed_models import check_allowed
from gateway.exchange.restricted.named_models import MODEL
from gateway.exchange.restricted.permissions import NESTED_MODELS, permission_for
from gateway.headers import has_anthropics_version, speaks_anthropic
from gateway.request import Request
from gateway.resolve.resolver import ModelQuery, Resolver
from gateway.shapes import CallTimeouts, RawHeaders, Shape
from gateway.translate.parts.model_names import ModelNames

_NAMED_BY_QUERY = ("/realtime", "/live/")
"""Paths of requests that may name their model in the query, as their sockets do."""
_WITH_A_BODY = ("POST", "PUT", "PATCH")


@dataclass(frozen=True, slots=True)
class Destination:
    """The upstream of a request, and what of the request is sent there changed."""

    upstream: str
    body: bytes | AsyncIterator[bytes] = field(repr=False)
    length: int | None = None
    """The length of a body that comes in pieces, if it is known."""
    model: str | None = None
    """The model as sent."""
    timeouts: CallTimeouts | None = None
    """The timeouts of the request's model, if they are not the upstream's."""
    query: bytes | None = None
    """The query with the name to send; None for the client's own query."""
    models: ModelNames | None = None
    """The model's names, if the client's is not the upstream's."""


class Destinations:
    """Finds the upstream of each request, and what is sent there."""

    def __init__(self, settings: Settings, resolver: Resolver) -> None:
        self._settings = settings
        self._resolver = resolver
        self._batches = batches.Batches(settings, resolver)
        self._by_model = bool(
            len(settings.upstreams) > 1
            or settings.models
            or settings.clients
            or settings.retired.redirect
            or settings.upstreams[0].model_header
            # Azure wants the model in the path.
            or settings.upstreams[0].kind.deployments
        )

    async def of_request(
        self, call: Request, decision: Decision, named: Sequence[str] = ()
    ) -> Destination:
        """Return where a request goes, by the model that its body names, or else its path.

        `named` are the models that the path may be about, the likeliest first. Raises
        `GatewayError`.
        """
        default = self.default(call)
        if not self._by_model and call.model is None:
            return Destination(default, call.body)
        if call.method in _WITH_A_BODY:
            found = await self._by_body(call, decision)
        elif call.model is not None:
            found = await self.of_model(call.model, call, decision)
        else:
            found = Destination(default, call.body)
        if found.model is None and call.path.startswith(_NAMED_BY_QUERY):
            return replace(await self.of_query(call, decision), body=found.body)
        if found.model is None and named:
            upstream = await self._resolver.upstream_of(named[0], call.headers, *named[1:])
            return replace(found, upstream=upstream)
        return found

    async def of_query(self, call: Request, decision: Decision) -> Destination:
        """Return where a realtime request goes, by the model that its path or its query names.

        Raises `GatewayError`.
        """
        named = query_model(call.query) if call.model is None else call.model
        if named is None:
            return Destination(self.default(call), call.body)
        found = await self.of_model(checked_model(named), call, decision)
        query = call.query
        # For servers that want it, `upstream/azure_paths.py` names the model as a deployment again.
        is_other = found.model != named or call.model is not None or names_deployment(query)
        if found.model is not None and is_other:
            query = with_query_model(query, found.model)
        return replace(found, query=query)

    def resolved_by(self, found: Destination) -> str:
        """Return how a destination was found, for the decision."""
        return "default" if found.upstream == self._settings.upstreams[0].name else "config"

    def default(self, call: Request) -> str:
        """Return the upstream of a request that names no model.

        For Anthropic's messages, models and files it is the first upstream that has them; for its
        other paths (skills, agents) it is Anthropic itself. Raises `UnknownRoute` if there is none,
        unless OpenAI's API has the path, too.
        """
        upstreams = self._settings.upstreams
        if not speaks_anthropic(call.path, call.headers):
            is_its_clients = has_anthropics_version(call.headers)
            own = [each.name for each in upstreams if is_its_clients and each.kind.needs_version]
            return own[0] if own else upstreams[0].name
        for likely in (_has_messages, _may_have_messages):
            found = next((each.name for each in upstreams if likely(each)), None)
            if found is not None:
                return found
        if call.path.startswith(Shape.MESSAGES.path):
            raise UnknownRoute(
                "No upstream of this gateway serves this path: it is Anthropic's, and the gateway "
                "translates only POST /v1/messages and POST /v1/messages/count_tokens."
            )
        return upstreams[0].name

    async def _by_body(self, call: Request, decision: Decision) -> Destination:
        """Find the model in the body; return its upstream and the body with the name to send."""
        prefix, rest = await read_ahead(call.body)
        content_type = header(call.headers, b"content-type").lower()
        is_batch = call.path == batches.PATH and call.method == "POST"
        if b"multipart/" in content_type and not is_batch:
            return await self._by_form(call, decision, prefix, rest)
        is_read = is_batch or call.model is not None or b"json" in content_type
        if rest is not None and is_read:
            limit = self._settings.server.max_body_bytes
            prefix, rest = await read_body(rest, limit, prefix), None
        if is_batch:
            batch = await self._batches.route(call, prefix, decision)
            return Destination(batch.upstream or self.default(call), batch.body)
        if call.model is not None:
            prefix = with_path_model(prefix, call.model, decision)
        found = json_model(prefix) if rest is None else None
        if found is None:
            ahead = Ahead(prefix, rest, len(prefix))
            return await self._by_session(call, decision, ahead, multipart=False)
        routed = await self.of_model(found, call, decision)
        if routed.model is not None and routed.model != found:
            prefix = with_model(prefix, routed.model)
        return _sent(routed, Ahead(prefix, rest, len(prefix)), call)

    async def _by_form(
        self, call: Request, decision: Decision, prefix: bytes, rest: AsyncIterator[bytes] | None
    ) -> Destination:
        """Do what `_by_body` does for a multipart form."""
        given_type = header(call.headers, b"content-type")
        form = Ahead(prefix, rest, len(prefix))
        limit = self._settings.server.max_body_bytes
        if MODEL in permission_for(call.method, unquote(call.path)).places:
            form = await read_to_model(prefix, rest, given_type, limit)
        if call.model is not None:
            form = replace(form, named=_named_by_path(form, call.model, given_type, decision))
        found = form_model(form.named)
        if found is None and form.rest is None:
            found = json_model(form.named)
        if found is None:
            if form.is_cut and len(self._settings.upstreams) > 1:
                raise late_model(limit)
            return await self._by_session(call, decision, form, multipart=True)
        routed = await self.of_model(found, call, decision)
        if routed.model is not None and routed.model != found:
            form = replace(form, named=form_with_model(form.named, routed.model, given_type))
        return _sent(routed, form, call)

    async def _by_session(
        self, call: Request, decision: Decision, body: Ahead, *, multipart: bool
    ) -> Destination:
        """Do what `_by_body` does for a body that can name a model only within an object of it."""
        places = NESTED_MODELS.get(call.path, ()) if call.method == "POST" else ()
        find, rename = (in_form, form_with) if multipart else (in_json, json_with)
        found = find(body.named, places) if places and (body.rest is None or multipart) else None
        if found is None:
            return _sent(Destination(self.default(call), b""), body, call)
        routed = await self.of_model(found.model, call, decision)
        if routed.model is not None and routed.model != found.model:
            body = replace(body, named=rename(body.named, found.place, routed.model))
        return _sent(routed, body, call)

    async def of_model(self, named: str, call: Request, decision: Decision) -> Destination:
        """Return where a request for a model goes, and the model as sent, with the same body."""
        decision.asked_for(named)
        # The value of a form's field may look like the head of the field that was looked for.
        check_allowed(call.client, named)
        served = self._resolver.redirected(named) or named
        decision.warn(client_warnings.redirect_warning(named, served))
        rule = self._resolver.rule_for(served)
        sent = self._resolver.stand_ins.model_to_send(rule, served, call.path)
        if rule is not None and sent != (rule.model_for(served) or sent):
            upstream = await self._resolver.upstream_of(served, call.headers, as_named=True)
            timeouts = None
        else:
            upstream = await self._upstream(served, rule, call.headers)
            timeouts = None if rule is None else rule.timeouts
        decision.sent_as(sent)
        models = ModelNames.of(sent, named)
        return Destination(upstream, call.body, model=sent, timeouts=timeouts, models=models)

    async def _upstream(self, model: str, rule: ModelRule | None, headers: RawHeaders) -> str:
        if rule is not None and rule.upstream is not None:
            return rule.upstream
        if len(self._settings.upstreams) == 1:
            return self._settings.upstreams[0].name
        return (
            await self._resolver.resolve(ModelQuery(model, Shape.CHAT, headers=headers))
        ).upstream


def _has_messages(upstream: UpstreamSettings) -> bool:
    return upstream.kind.needs_version or upstream.messages_url is not None


def _may_have_messages(upstream: UpstreamSettings) -> bool:
    return Shape.MESSAGES not in upstream.kind.lacks


def _named_by_path(form: Ahead, model: str, content_type: bytes, decision: Decision) -> bytes:
    """Return the searched part of a form, with the model that the path names."""
    named = form_model(form.named)
    if named is not None and named != model:
        decision.warn(PATH_MODEL_WINS)
    return form_with_model(form.named, checked_model(model), content_type)


def _sent(found: Destination, body: Ahead, call: Request) -> Destination:
    """Return where a request goes, with the body to send."""
    again = body.again()
    if isinstance(again, bytes):
        return replace(found, body=again)
    return replace(found, body=again, length=body.length(call.length))
