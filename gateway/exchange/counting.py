"""`POST /v1/messages/count_tokens`: where a model's server counts, and nowhere else.

An estimate would be worse than none: clients compact a conversation by this number, and estimate by
themselves where they get none (ericc-ch/copilot-api#210, musistudio/claude-code-router#1252).
"""

from collections.abc import Callable

import msgspec
from msgspec import structs

from gateway.errors import ModelNotFound, UnknownRoute, UpstreamError
from gateway.exchange.attempt import Attempts
from gateway.exchange.bodies.body_pieces import encode_in_pieces
from gateway.exchange.bodies.context_marks import is_marked, unmarked
from gateway.exchange.bodies.json_label import labelled_json
from gateway.exchange.bodies.request_fields import features_of, model_of, read_object
from gateway.exchange.client_reply import ClientReply, json_reply
from gateway.exchange.decision import Decision
from gateway.exchange.errors import failures
from gateway.exchange.errors.clients_names import in_clients_names
from gateway.exchange.errors.error_replies import error_of_reply
from gateway.exchange.flow import Exchange
from gateway.exchange.params.count_fixes import more_fixes, without_refused
from gateway.exchange.params.fixing import for_clients
from gateway.exchange.passthrough.forward import Forwarder
from gateway.exchange.reply.classify import ErrorReply, answer_or_error
from gateway.exchange.reply.reading import decode_object
from gateway.exchange.retries import MAX_FIXED
from gateway.lazy import Lazy
from gateway.request import GenerationRequest, Request
from gateway.resolve.evidence import Route
from gateway.resolve.memory import Features
from gateway.resolve.refusals.classify import Verdict, classify
from gateway.resolve.resolver import ModelQuery
from gateway.shapes import Json, Shape, UpstreamCall
from gateway.translate.contract import Context, Report
from gateway.translate.parts.messages.signatures import PREFIX
from gateway.translate.parts.messages.unsigned import without_gateways_thinking
from gateway.translate.parts.model_names import ModelNames, name_as_asked

_HOME = Shape.MESSAGES
_INPUT_TOKENS = "/responses/input_tokens"


class TokenCounter:
    """Counts the tokens of messages requests at the endpoint where the model lives."""

    def __init__(self, exchange: Exchange, forwarder: Forwarder) -> None:
        self._exchange = exchange
        self._forwarder = forwarder
        self._request_to_count = Lazy(_request_to_count)

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
        query = ModelQuery(model, Shape.MESSAGES, headers=request.headers)
        route = await self._exchange.resolver.resolve(query)
        if route.shape is Shape.MESSAGES:
            reply = await self._at_home(request, decision, route, features_of(routed))
            if reply is not None:
                return reply
        if Shape.RESPONSES in route.shapes:
            return await self._at_responses(call, decision, route)
        raise _not_counted(model)

    async def _at_home(
        self, request: Request, decision: Decision, route: Route, features: Features
    ) -> ClientReply | None:
        """Return the reply of the model's own endpoint; None: its server does not count.

        What that refuses of hints is left out, as it is from generations, but not remembered: their
        endpoint may take it.
        """
        report, model, attempts = Report(_HOME, _HOME), route.model_sent, 0
        request = _unsigned(request, report)
        scope = self._exchange.resolver.scope(route, request.headers)
        known = self._exchange.memory.fixes.recall(scope, model, _HOME, features)
        context = self._attempts.route_context(route, _HOME).context
        fixes = for_clients(known, _HOME, _HOME, context)
        while True:
            sent = without_refused(request, fixes, report)
            decision.translation = report.header() if report.size else ""
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

    async def _at_responses(
        self, call: GenerationRequest, decision: Decision, route: Route
    ) -> ClientReply:
        """Return what OpenAI's `/v1/responses/input_tokens` counts for the translated request."""
        context = self._attempts.sealing_context(call, route, Shape.RESPONSES)
        report = Report(Shape.MESSAGES, Shape.RESPONSES)
        request_to_count = await self._request_to_count.get()

        def counted() -> bytes:
            return encode_in_pieces(request_to_count(read_object(call.body), context, report))

        sent = UpstreamCall(
            route.upstream,
            "POST",
            _INPUT_TOKENS,
            await self._attempts.apart.run_large(len(call.body), counted),
            client_headers=labelled_json(call.headers),
            model=route.model_sent,
        )
        decision.upstream, decision.endpoint = route.upstream, f"/v1{_INPUT_TOKENS}"
        decision.resolved_by, decision.attempts = route.resolved_by, 1
        decision.translation = report.header()
        reply = await self._exchange.runner.send(sent)
        decision.identified(reply.headers)
        whole = await answer_or_error(reply, "whole")
        if isinstance(whole, ErrorReply):
            refusal = classify(None, whole.status, whole.body, model=route.model_sent)
            if refusal.verdict is Verdict.UNKNOWN_ROUTE:
                raise _not_counted(route.model_asked)
            upstream = self._exchange.settings.upstream(route.upstream)
            failures.check_own_key(upstream, whole.status, whole.body)
            error = error_of_reply(whole.status, whole.headers, whole.body, lambda _: None)
            name_as_asked(error, ModelNames.of(route.model_sent, route.model_asked))
            raise in_clients_names(error, call.body)
        number = decode_object(whole.body).get("input_tokens")
        if type(number) is not int:
            raise UpstreamError("The upstream's count of input tokens has no 'input_tokens'.")
        return json_reply(msgspec.json.encode({"input_tokens": number}))


def _request_to_count() -> Callable[[Json, Context, Report], Json]:
    from gateway.translate.messages_via_responses.counting import count_tokens_request

    return count_tokens_request


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
