"""Counting a messages request's tokens at OpenAI's `/v1/responses/input_tokens`, translated.

Parameters that the model or its server has refused in generations are left out here, too, and so
are those that the count refuses. Otherwise a model that takes no effort of `max` would answer every
turn and count none.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from gateway.errors import UpstreamError
from gateway.exchange.bodies.body_pieces import encode_in_pieces
from gateway.exchange.bodies.json_label import labelled_json
from gateway.exchange.bodies.request_fields import read_object
from gateway.exchange.client_reply import ClientReply, json_reply
from gateway.exchange.decision import Decision
from gateway.exchange.errors import failures
from gateway.exchange.errors.clients_names import in_clients_names
from gateway.exchange.errors.error_replies import error_of_reply
from gateway.exchange.flow import Exchange
from gateway.exchange.params.count_fixes import are_new
from gateway.exchange.params.fixing import (
    fixed_bodies,
    for_clients,
    knowing,
    parameter_names,
)
from gateway.exchange.params.known_fixes import Fixes
from gateway.exchange.params.moved_parts import before_fixing
from gateway.exchange.params.rule_params import with_rule
from gateway.exchange.reply.classify import ErrorReply, answer_or_error
from gateway.exchange.reply.reading import decode_object
from gateway.exchange.retries import MAX_FIXED
from gateway.lazy import Lazy
from gateway.request import GenerationRequest
from gateway.resolve.evidence import Route
from gateway.resolve.memory import Features
from gateway.resolve.refusals.classify import Refusal, Verdict, classify
from gateway.resolve.refusals.fixed_bodies import LOWERING
from gateway.shapes import Json, Shape, UpstreamCall
from gateway.translate.contract import Context, Report
from gateway.translate.parts.from_messages.prepared import PreparedRequest
from gateway.translate.parts.model_names import ModelNames, name_as_asked

_PATH = "/responses/input_tokens"
_OF_GENERATIONS = ("stream", "whole", *LOWERING)
"""Actions of fixes on what a request to count does not have: a delivery, a limit."""


@dataclass(frozen=True, slots=True)
class _Counted:
    """A translated request to count, before refused parameters are left out of it."""

    report: Report
    prepared: PreparedRequest
    fixes: Fixes

    @property
    def calls(self) -> Sequence[Json]:
        """The body of the one call."""
        return self.prepared.calls

    def client_param(self, call: int, param: str | None) -> str | None:
        """Return the client's name of a parameter of that body; None if it has none."""
        return self.prepared.client_param(call, param)

    def refused_param(self, param: str | None) -> str | None:
        """Return the client's name of a parameter of what was sent."""
        if param is None:
            return None
        return self.client_param(0, before_fixing(self.calls[0], self.fixes, param))


class TranslatedCounts:
    """Counts where a model lives at `/v1/responses`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._request_to_count = Lazy(_request_to_count)

    async def count(
        self, call: GenerationRequest, decision: Decision, route: Route, features: Features
    ) -> ClientReply | None:
        """Return what the endpoint counts; None: the upstream has none. Raises `GatewayError`.

        Parameters that the count refuses are not remembered: generations may take them.
        """
        exchange, model, shape = self._exchange, route.model_sent, Shape.RESPONSES
        scope = exchange.resolver.scope(route, call.headers)
        known = exchange.memory.fixes.recall(scope, model, shape, features)
        context = exchange.attempts.sealing_context(call, route, shape)
        fixes = _of_counts(for_clients(known, call.shape, shape, context))
        decision.upstream, decision.endpoint = route.upstream, f"/v1{_PATH}"
        decision.resolved_by = route.resolved_by
        decision.sent_as(route.model_sent)
        while True:
            counted, body = await self._written(call, knowing(context, fixes), fixes)
            decision.translation = with_rule(counted.report, decision)
            decision.attempts += 1
            answer = await self._asked(call, route, body, decision)
            if isinstance(answer, ClientReply):
                return answer
            sent = parameter_names(read_object(body))
            refusal = classify(shape, answer.status, answer.body, model=model, sent=sent)
            if refusal.verdict is Verdict.UNKNOWN_ROUTE:
                return None
            more = _more(refusal, fixes)
            if not more:
                raise self._error(answer, route, counted, call.body)
            fixes = (*fixes, *more)

    async def _written(
        self, call: GenerationRequest, context: Context, fixes: Fixes
    ) -> tuple[_Counted, bytes]:
        """Return the translated request, and its body as it is sent; large ones in a thread."""
        request_to_count = await self._request_to_count.get()

        def written() -> tuple[_Counted, bytes]:
            report = Report(call.shape, Shape.RESPONSES)
            prepared = request_to_count(read_object(call.body), context, report)
            counted = _Counted(report, prepared, fixes)
            (body,) = fixed_bodies(counted, fixes)
            return counted, encode_in_pieces(body, len(call.body))

        return await self._exchange.attempts.apart.run_large(len(call.body), written)

    async def _asked(
        self, call: GenerationRequest, route: Route, body: bytes, decision: Decision
    ) -> ClientReply | ErrorReply:
        """Send a request to count; return the client's reply, or the refusal."""
        sent = UpstreamCall(
            route.upstream,
            "POST",
            _PATH,
            body,
            client_headers=labelled_json(call.headers),
            model=route.model_sent,
        )
        reply = await self._exchange.runner.send(sent)
        decision.identified(reply.headers)
        whole = await answer_or_error(reply, "whole")
        if isinstance(whole, ErrorReply):
            return whole
        number = decode_object(whole.body).get("input_tokens")
        if type(number) is not int:
            raise UpstreamError("The upstream's count of input tokens has no 'input_tokens'.")
        return json_reply(msgspec.json.encode({"input_tokens": number}))

    def _error(
        self, refused: ErrorReply, route: Route, counted: _Counted, body: bytes
    ) -> Exception:
        """Return a refusal as the client gets it; raises `UpstreamError` for the gateway's key."""
        upstream = self._exchange.settings.upstream(route.upstream)
        failures.check_own_key(upstream, refused.status, refused.body)
        names = counted.refused_param
        error = error_of_reply(refused.status, refused.headers, refused.body, names)
        name_as_asked(error, ModelNames.of(route.model_sent, route.model_asked))
        return in_clients_names(error, body)


def _request_to_count() -> Callable[[Json, Context, Report], PreparedRequest]:
    from gateway.translate.messages_via_responses.counting import count_tokens_request

    return count_tokens_request


def _of_counts(fixes: Fixes) -> Fixes:
    return tuple(fix for fix in fixes if fix.action not in _OF_GENERATIONS)


def _more(refusal: Refusal, fixes: Fixes) -> Fixes:
    """Return the fixes that a refusal adds to those there are; none if the refusal is final."""
    more = _of_counts(refusal.fixes)
    is_new = len(more) == len(refusal.fixes) and are_new(more, fixes)
    return more if is_new and len(fixes) + len(more) <= MAX_FIXED else ()
