"""`POST /v1/messages/count_tokens`: where a model's server counts, and nowhere else.

An estimate would be worse than none: clients compact a conversation by this number, and estimate by
themselves where they get none (ericc-ch/copilot-api#210, musistudio/claude-code-router#1252).
"""

from typing import cast

import msgspec
from msgspec import structs

from gateway.errors import ModelNotFound, UnknownRoute
from gateway.exchange.attempt import Attempts
from gateway.exchange.bodies.context_marks import is_marked, unmarked
from gateway.exchange.bodies.request_fields import features_of, model_of, read_object
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.counting_translated import TranslatedCounts
from gateway.exchange.decision import Decision
from gateway.exchange.flow import Exchange
from gateway.exchange.params.count_fixes import more_fixes, without_refused
from gateway.exchange.params.fixing import for_clients
from gateway.exchange.params.rule_params import with_rule
from gateway.exchange.passthrough.forward import Forwarder
from gateway.exchange.retries import MAX_FIXED
from gateway.request import GenerationRequest, Request
from gateway.resolve.evidence import Route
from gateway.resolve.memory import Features
from gateway.resolve.refusals.classify import Verdict, classify
from gateway.resolve.resolver import ModelQuery
from gateway.shapes import Shape
from gateway.translate.contract import Report
from gateway.translate.parts.messages.signatures import PREFIX
from gateway.translate.parts.messages.unsigned import without_gateways_thinking

_HOME = Shape.MESSAGES


class TokenCounter:
    """Counts the tokens of messages requests at the endpoint where the model lives."""

    def __init__(self, exchange: Exchange, forwarder: Forwarder) -> None:
        self._exchange = exchange
        self._forwarder = forwarder
        self._translated = TranslatedCounts(exchange)

    @property
    def _attempts(self) -> Attempts:
        return self._exchange.attempts

    async def count_tokens(self, request: Request, decision: Decision) -> ClientReply:
        """Return `{"input_tokens": N}`; raises `GatewayError`, 404 where nothing counts."""
        body = request.body if isinstance(request.body, bytes) else b""
        call = GenerationRequest.at(
            Shape.MESSAGES, body, request.headers, request.query, request.client
        )
        routed = await self._attempts.bodies.fields(body)
        if is_marked(call, routed):
            rules = self._exchange.resolver.rules
            call, routed = await unmarked(call, routed, rules, self._attempts)
            request = structs.replace(request, body=call.body, length=None)
        if call.client is not None and call.client.is_restricted:
            await self._attempts.check_names(call)
        model = decision.model_asked = model_of(routed)
        changed = self._exchange.params.counted(request, Shape.MESSAGES, model, decision)
        if changed is not request:
            request, body = changed, cast("bytes", changed.body)
            call = structs.replace(call, body=body, headers=request.headers)
            routed = await self._attempts.bodies.fields(body)
        query = ModelQuery(model, Shape.MESSAGES, headers=request.headers)
        route = await self._exchange.resolver.resolve(query)
        if route.shape is Shape.MESSAGES:
            reply = await self._at_home(request, decision, route, features_of(routed))
            if reply is not None:
                return reply
        if Shape.RESPONSES in route.shapes:
            reply = await self._translated.count(call, decision, route, features_of(routed))
            if reply is not None:
                return reply
        raise _not_counted(model)

    async def _at_home(
        self, request: Request, decision: Decision, route: Route, features: Features
    ) -> ClientReply | None:
        """Return the reply of the model's own endpoint; None: its server does not count.

        Hints that the endpoint refuses are left out, as they are from generations, but that is not
        remembered: the endpoint for generations may take them.
        """
        report, model, attempts = Report(_HOME, _HOME), route.model_sent, 0
        request = _unsigned(request, report)
        scope = self._exchange.resolver.scope(route, request.headers)
        known = self._exchange.memory.fixes.recall(scope, model, _HOME, features)
        context = self._attempts.route_context(route, _HOME).context
        fixes = for_clients(known, _HOME, _HOME, context)
        while True:
            sent = without_refused(request, fixes, report)
            decision.translation = with_rule(report, decision)
            try:
                reply = await self._forwarder.run(sent, decision)
            except UnknownRoute:
                return None
            attempts += 1
            decision.attempts = attempts
            if reply.status < 400 or not isinstance(reply.body, bytes):
                return reply
            refusal = classify(None, reply.status, reply.body, model=model)
            if refusal.verdict is Verdict.UNKNOWN_ROUTE:
                return None
            more = more_fixes(sent, reply, model, fixes)
            if not more or len(fixes) > MAX_FIXED:
                return reply
            fixes = (*fixes, *more)


def _unsigned(request: Request, report: Report) -> Request:
    """Return the request without the thinking that a gateway has signed, as it would be sent."""
    if not isinstance(request.body, bytes) or PREFIX.encode() not in request.body:
        return request
    body = without_gateways_thinking(read_object(request.body), report)
    if not report.size:
        return request
    return structs.replace(request, body=msgspec.json.encode(body), length=None)


def _not_counted(model: str) -> ModelNotFound:
    return ModelNotFound(
        f"Tokens cannot be counted for the model '{model}': its server has no endpoint that does, "
        "and an estimate would mislead. Estimate in the client, or send the request: its usage has "
        "the number.",
        code="unsupported_endpoint",
    )
