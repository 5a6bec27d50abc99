"""Requests that are not generation: passed on as they are, streamed in both directions.

The request goes to the upstream its `model` belongs to, as the body or the path names it, or to the
default one. Bodies are not held: only the beginning is read ahead, to find the model's name in JSON
or in a multipart form.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

from gateway.config.settings import ModelRule, Settings, UpstreamSettings
from gateway.envelopes.printed_values import decode_body
from gateway.errors import UnknownRoute, UpstreamError
from gateway.exchange import failures
from gateway.exchange.answers import untouched_answer
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.passthrough import batches
from gateway.exchange.passthrough.body_model import (
    form_model,
    form_with_model,
    json_model,
    json_with_model,
)
from gateway.exchange.passthrough.request_body import pieces_of, read_ahead, read_body
from gateway.exchange.reply.classify import ErrorReply, read_error
from gateway.exchange.reply.reading import MAX_ERROR_BYTES, content_length, header
from gateway.exchange.reply.untouched import passed_on
from gateway.exchange.request_fields import PATH_MODEL_WINS, checked_model, with_path_model
from gateway.exchange.restricted import restrictions
from gateway.headers import has_anthropics_version, speaks_anthropic
from gateway.request import Request
from gateway.resolve.refusals.classify import Verdict, classify
from gateway.resolve.resolver import ModelQuery, Resolver
from gateway.shapes import CallTimeouts, RawHeaders, Send, Shape, UpstreamCall, UpstreamReply

_NO_ROUTE = (404, 405)
_WITH_A_BODY = ("POST", "PUT", "PATCH")


@dataclass(frozen=True, slots=True)
class _Routed:
    """Where a request goes, and as what."""

    upstream: str
    body: bytes | AsyncIterator[bytes] = field(repr=False)
    model: str | None = None
    """The model as sent."""
    timeouts: CallTimeouts | None = None
    """Those of its model, if they are not the upstream's."""


class Passing:
    """Forwards what the gateway does not translate."""

    def __init__(self, settings: Settings, resolver: Resolver, send: Send) -> None:
        self._settings = settings
        self._resolver = resolver
        self._send = send
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

    async def run(
        self, call: Request, decision: Decision, named: Sequence[str] = ()
    ) -> ClientReply:
        """Forward one request; raises `GatewayError` before the reply has begun.

        `named` are the models that the path may be about, the likeliest first.
        """
        if call.client is not None and call.client.is_restricted:
            call = await restrictions.admitted(call, self._settings.server.max_body_bytes)
        default = self._default(call)
        routed = _Routed(default, call.body, call.model)
        if self._by_model or call.model is not None:
            routed = await self._routed(call, decision, named)
        decision.upstream = routed.upstream
        decision.endpoint = f"/v1{call.path}"
        first = self._settings.upstreams[0].name
        decision.resolved_by = "config" if routed.upstream != first else "default"
        decision.attempts = 1
        sent = UpstreamCall(
            routed.upstream,
            call.method,
            call.path,
            body=routed.body,
            query=call.query,
            client_headers=call.headers,
            body_length=call.length if routed.body is call.body else None,
            model=routed.model,
            timeouts=routed.timeouts,
        )
        try:
            reply = await self._send(sent)
        finally:
            decision.repeats = sent.repeats
            decision.address = sent.address
        decision.identified(reply.headers)
        if not named and reply.status in _NO_ROUTE and _is_of_anthropics_client(call):
            failure = await read_error(reply)
            _check_route(call, failure, decision)
            return failures.untouched(failure)
        return await self._answer(call, routed.upstream, reply, about_a_model=bool(named))

    def _default(self, call: Request) -> str:
        """Return the upstream of a request that names no model.

        For Anthropic's API that is the first one that has it. Raises `UnknownRoute` where none has,
        and the path is not OpenAI's as well.
        """
        upstreams = self._settings.upstreams
        if not speaks_anthropic(call.path, call.headers):
            return upstreams[0].name
        for likely in (_has_messages, _may_have_messages):
            found = next((each.name for each in upstreams if likely(each)), None)
            if found is not None:
                return found
        if call.path.startswith(Shape.MESSAGES.path):
            raise UnknownRoute(
                "No upstream of this gateway serves this path: it is Anthropic's, and the gateway "
                "translates only /v1/messages and /v1/messages/count_tokens."
            )
        return upstreams[0].name

    async def _answer(
        self, call: Request, upstream: str, reply: UpstreamReply, *, about_a_model: bool
    ) -> ClientReply:
        """Return the client's reply; raises `UpstreamError` where it cannot be the upstream's."""
        try:
            failures.check_own_key(self._settings.upstream(upstream), reply.status)
        except UpstreamError:
            await reply.aclose()
            raise
        is_card = about_a_model and call.method == "GET"
        if reply.status >= 400 and call.method != "HEAD" and (is_card or _is_short(reply)):
            # Whole, or not at all: half an error says nothing to a client.
            return failures.untouched(await read_error(reply))
        if is_card:
            # Small JSON may be an error in a success.
            answered = await untouched_answer(None, reply, self._settings.server.first_byte_grace)
            if isinstance(answered, ErrorReply):
                return failures.untouched(answered)
            return answered
        return passed_on(reply, counted=call.path == "/embeddings")

    async def _routed(self, call: Request, decision: Decision, named: Sequence[str]) -> _Routed:
        """Return where a request goes, by the model that its body names, or else its path."""
        if call.method in _WITH_A_BODY:
            routed = await self._routed_by_body(call, decision)
        elif call.model is not None:
            routed = await self._sent(call.model, call, decision)
        else:
            routed = _Routed(self._default(call), call.body)
        if routed.model is None and named:
            upstream = await self._resolver.upstream_of(named[0], call.headers, *named[1:])
            return replace(routed, upstream=upstream)
        return routed

    async def _routed_by_body(self, call: Request, decision: Decision) -> _Routed:
        """Find the model in the body; return its upstream and the body with the name to send."""
        prefix, rest = await read_ahead(call.body)
        limit = self._settings.server.max_body_bytes
        if call.path == batches.PATH and call.method == "POST":
            body = prefix if rest is None else await read_body(rest, limit, prefix)
            named = await self._batches.named(call, body, decision)
            return _Routed(named.upstream or self._default(call), named.body)
        given_type = header(call.headers, b"content-type")
        content_type = given_type.lower()
        multipart = b"multipart/" in content_type
        if call.model is not None and not multipart and rest is not None:
            prefix, rest = await read_body(rest, limit, prefix), None
        if call.model is not None:
            prefix = _named_by_path(prefix, call.model, given_type, decision)
        found = form_model(prefix) if multipart else None
        if found is None and (rest is None or b"json" in content_type):
            if rest is not None:
                prefix, rest = await read_body(rest, limit, prefix), None
            found = json_model(prefix)
        if found is None:
            return _Routed(self._default(call), _again(prefix, rest))
        routed = await self._sent(found, call, decision)
        if routed.model is not None and routed.model != found:
            prefix = _renamed(prefix, routed.model, given_type)
        return replace(routed, body=_again(prefix, rest))

    async def _sent(self, named: str, call: Request, decision: Decision) -> _Routed:
        """Return where a request for a model goes, and the model as sent, with the same body."""
        # A form's field may hold what looks like the field that was looked for.
        failures.check_allowed(call.client, named)
        asked = self._resolver.redirected(named) or named
        decision.warn(failures.redirect_warning(named, asked))
        rule = self._resolver.rule_for(asked)
        sent = self._resolver.standing_in.sent(rule, asked, call.path)
        if rule is not None and sent != (rule.model_for(asked) or sent):
            upstream = await self._resolver.upstream_of(asked, call.headers, as_named=True)
            return _Routed(upstream, call.body, sent)
        upstream = await self._upstream(asked, rule, call.headers)
        return _Routed(upstream, call.body, sent, None if rule is None else rule.timeouts)

    async def _upstream(self, model: str, rule: ModelRule | None, headers: RawHeaders) -> str:
        if rule is not None and rule.upstream is not None:
            return rule.upstream
        if len(self._settings.upstreams) == 1:
            return self._settings.upstreams[0].name
        return (
            await self._resolver.resolve(ModelQuery(model, Shape.CHAT, headers=headers))
        ).upstream


def _is_of_anthropics_client(call: Request) -> bool:
    """Whether a client reads errors in Anthropic's envelope; to HEAD there is none."""
    if call.method == "HEAD":
        return False
    return speaks_anthropic(call.path, call.headers) or has_anthropics_version(call.headers)


def _check_route(call: Request, failure: ErrorReply, decision: Decision) -> None:
    """Raise `UnknownRoute` where a server says in its own way that it has no such path."""
    known = decode_body(failure.body)
    if isinstance(known, dict) and known.get("type") == "error":
        return
    refusal = classify(None, failure.status, failure.body, model="")
    if refusal.verdict is Verdict.UNKNOWN_ROUTE:
        decision.anthropic = True
        raise UnknownRoute(
            f"The upstream '{decision.upstream}' has no endpoint for {call.method} "
            f"/v1{call.path[:200]}."
        )


def _has_messages(upstream: UpstreamSettings) -> bool:
    return upstream.kind.needs_version or upstream.messages_url is not None


def _may_have_messages(upstream: UpstreamSettings) -> bool:
    return Shape.MESSAGES not in upstream.kind.lacks


def _is_short(reply: UpstreamReply) -> bool:
    """Whether a body says that it can be read as an error."""
    length = content_length(reply.headers)
    return length is not None and length <= MAX_ERROR_BYTES


def _named_by_path(prefix: bytes, model: str, content_type: bytes, decision: Decision) -> bytes:
    """Return the body with the model that the path names; a form's field within `prefix` only."""
    if b"multipart/" not in content_type.lower():
        return with_path_model(prefix, model, decision)
    named = form_model(prefix)
    if named is not None and named != model:
        decision.warn(PATH_MODEL_WINS)
    return form_with_model(prefix, checked_model(model), content_type)


def _renamed(prefix: bytes, model: str, content_type: bytes) -> bytes:
    if b"multipart/" in content_type.lower():
        return form_with_model(prefix, model, content_type)
    return json_with_model(prefix, model)


def _again(beginning: bytes, rest: AsyncIterator[bytes] | None) -> bytes | AsyncIterator[bytes]:
    return beginning if rest is None else pieces_of(rest, beginning)
