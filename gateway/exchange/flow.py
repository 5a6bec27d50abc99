"""The retry loop of one request: resolve → translate → send → (refused? learn, try again) → reply.

The network is a callable, so the loop is tested without one.
"""

from typing import Final, cast

import msgspec
from msgspec.structs import replace

from gateway.config.settings import Settings
from gateway.errors import GatewayError, InvalidRequest
from gateway.exchange import client_warnings
from gateway.exchange.attempt import Attempt, Attempts
from gateway.exchange.attempt_runner import AttemptRunner
from gateway.exchange.bodies.context_marks import is_marked, unmarked
from gateway.exchange.bodies.misplaced_bodies import routed_to
from gateway.exchange.bodies.request_fields import Routed, features_of, has_prompt_object, model_of
from gateway.exchange.bodies.unreadable_body import INVALID_JSON
from gateway.exchange.calls.upstream_calls import same_calls
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.errors.clients_names import in_clients_names
from gateway.exchange.errors.failed_attempt import judge_apart
from gateway.exchange.errors.final_failure import FinalFailure
from gateway.exchange.params.betas import without_betas
from gateway.exchange.params.known_fixes import Fixes
from gateway.exchange.params.rule_params import RuleParams, attributed
from gateway.exchange.reply.classify import ErrorReply
from gateway.exchange.retries import Memory, Refused, Retries
from gateway.exchange.stored.conversations import ResponseMemory
from gateway.exchange.stored.errors import of_kept_items
from gateway.exchange.stored.recording import RecordingTranslation
from gateway.request import GenerationRequest
from gateway.resolve.evidence import Route, Source
from gateway.resolve.memory import CacheScope, Features
from gateway.resolve.refusals.classify import Refusal, Verdict
from gateway.resolve.resolver import ModelQuery, Resolver
from gateway.resolve.today import today
from gateway.shapes import Send, Shape, UpstreamReply
from gateway.translate.contract import Translation

_CHAT: Final = Shape.CHAT
_RESPONSES: Final = Shape.RESPONSES  # an Enum's attribute takes ten times as long as a global


class RoutedRequest(msgspec.Struct, gc=False):
    """A request, and where it goes."""

    call: GenerationRequest
    decision: Decision
    """What the reply's headers and operators show of the request."""
    route: Route
    routed: Routed
    """The fields of the body that routing has read."""
    features: Features


class Exchange:
    """Serves the generation endpoints."""

    def __init__(
        self,
        settings: Settings,
        resolver: Resolver,
        send: Send,
        attempts: Attempts,
        memory: Memory,
        responses: ResponseMemory,
    ) -> None:
        self.settings = settings
        self.resolver = resolver
        self.attempts = attempts
        self.memory = memory
        self.responses = responses
        self.runner = AttemptRunner(settings, resolver, send, attempts, memory.fixes)
        self.params = RuleParams(resolver.rules)
        self._failure = FinalFailure(settings, resolver, attempts.wall_clock)

    async def run(self, call: GenerationRequest, decision: Decision) -> ClientReply:
        """Serve one request; `decision` is filled in, also when an error is raised.

        Raises `GatewayError` for everything that goes wrong before the reply has begun. The error
        is `bare()`: a traceback would keep the frames of the request, and so its body, alive.
        """
        try:
            call, routed = await self.attempts.bodies.read(call)
            if is_marked(call, routed):
                call, routed = await unmarked(call, routed, self.resolver.rules, self.attempts)
            if call.client is not None and call.client.is_restricted:
                await self.attempts.check_names(call)
            if routed.model is None and call.shape is Shape.RESPONSES:
                named = await self.responses.with_stored_model(call)
                if named is None:
                    return await self._unnamed(call, decision, streamed=routed.stream is True)
                call, routed = await self.attempts.bodies.read(named)
            model = decision.model_asked = model_of(routed)
            if routed.input and call.shape is _CHAT:
                call = await self.attempts.as_written(call, routed)
            if self.params.any:
                call, routed = self.params.applied(call, routed, model, decision)
            features = features_of(routed)
            key = call.headers, model, call.shape, features
            route = None if call.as_chat else self.resolver.recent(*key)
            if route is None:
                # No look-ups for a body that no upstream takes.
                call = await self.attempts.bodies.checked(call)
                query = ModelQuery(model, call.shape, features, call.headers)
                route = await routed_to(self.resolver, query, as_chat=call.as_chat)
            decision.upstream, decision.resolved_by = route.upstream, route.resolved_by
            may_end = call.shape is _RESPONSES and route.kind.prompt_objects_end
            ends = may_end and has_prompt_object(routed)
            if ends or route.retired is not None or route.redirected_to is not None:
                day = today(self.attempts.wall_clock)
                client_warnings.warn_of_ends(decision, route, day, prompt_object=ends)
            return await self._follow(RoutedRequest(call, decision, route, routed, features))
        except (GatewayError, RecursionError) as error:
            raise for_client(error, call, decision) from None

    async def go_on(
        self, request: RoutedRequest, attempt: Attempt, reply: UpstreamReply
    ) -> ClientReply:
        """Serve a request whose first attempt was already sent and got `reply`; see `run`."""
        call, decision = request.call, request.decision
        try:
            result = await self.runner.answer(call, decision, request.route, attempt, reply)
            if isinstance(result, ClientReply):
                return result
            retries = self._retries(request, attempt.fixes)
            refused = await judge_apart(self.attempts.apart, request.route, call, attempt, result)
            if retries.after(refused):
                return await self._follow(request, retries, refused)
            return await self._ended(request, retries, refused)
        except (GatewayError, RecursionError) as error:
            raise for_client(error, call, decision) from None

    async def _unnamed(
        self, call: GenerationRequest, decision: Decision, *, streamed: bool
    ) -> ClientReply:
        """Serve a request whose model comes from a prompt or conversation stored upstream."""
        upstream, shape, source = self.settings.upstreams[0], _RESPONSES, Source.DEFAULT
        route = Route(upstream.name, "", "", upstream.kind, shape, (shape,), source)
        decision.resolved_by = source
        attempt = await self.attempts.build_apart(call, route, shape, ())
        result = await self.runner.run(call, decision, route, attempt, streamed=streamed)
        if isinstance(result, ClientReply):
            return result
        refused = Refused(attempt, result, Refusal(Verdict.OTHER))
        return self._failure.relayed(call, decision, route, refused)

    async def _follow(
        self,
        request: RoutedRequest,
        retries: Retries | None = None,
        last: Refused | None = None,
    ) -> ClientReply:
        """Make attempts until an upstream answers, or until a failure is final.

        `retries` and `last` are given if an attempt was already refused: `last` is that attempt,
        and `retries` says what to try next.
        """
        call, decision, route = request.call, request.decision, request.route
        shape, stored = route.shape, self.responses
        scope = self.resolver.scope(route, call.headers)
        fixes = self.memory.fixes.recall(scope, route.model_sent, shape, request.features)
        if retries is not None:
            shape, fixes = retries.shape, retries.fixes
        while True:
            try:
                sent, attempt, recording = await self._built(request, shape, fixes)
            except InvalidRequest as error:
                retries = retries or self._retries(request, fixes)
                if retries.after_unfit(error):
                    shape, fixes = retries.shape, retries.fixes
                    continue
                if retries.first is None or not retries.is_guessing:
                    raise retries.misfit(error) from None
                return await self._failure.reply(call, decision, route, retries, retries.first)
            result = await self._tried(request, sent, attempt, last)
            if isinstance(result, ClientReply):
                if retries is not None or route.unconfirmed:
                    self._learn(result, decision, route, scope, retries)
                return await stored.keep(sent, result, recording, decision) if recording else result
            retries = retries or self._retries(request, fixes)
            last = await judge_apart(self.attempts.apart, route, call, attempt, result)
            if not retries.after(last):
                return await self._ended(request, retries, last)
            shape, fixes = retries.shape, retries.fixes

    async def _tried(
        self,
        request: RoutedRequest,
        call: GenerationRequest,
        attempt: Attempt,
        last: Refused | None,
    ) -> ClientReply | ErrorReply:
        """Make an attempt; return the reply or the failure.

        If its calls are those of `last`, the attempt before it, nothing is sent and the failure of
        `last` is returned: the same calls would be refused again.
        """
        if last is not None and same_calls(attempt.calls, last.attempt.calls):
            return last.failure
        decision, route, streamed = request.decision, request.route, request.routed.stream is True
        return await self.runner.run(call, decision, route, attempt, streamed=streamed)

    async def _built(
        self, request: RoutedRequest, shape: Shape, fixes: Fixes
    ) -> tuple[GenerationRequest, Attempt, RecordingTranslation | None]:
        """Return the client's call, the attempt made of it, and what records its reply, if any.

        Raises `InvalidRequest` if the request cannot be sent to the endpoint of `shape`.
        """
        call, fixes = without_betas(request.call, shape, fixes, request.decision)
        route, routed = request.route, request.routed
        if call.shape is _RESPONSES and shape is not _RESPONSES:
            return await self._continued(replace(request, call=call), shape, fixes)
        # An upstream's own responses endpoint keeps the conversations of its models itself.
        return call, await self.attempts.build_apart(call, route, shape, fixes, routed), None

    async def _ended(
        self, request: RoutedRequest, retries: Retries, refused: Refused
    ) -> ClientReply:
        """Return the client's reply to a failure that is final; raises `GatewayError`."""
        call, route = request.call, request.route
        if refused.attempt.shape is call.shape is Shape.RESPONSES:
            await self.responses.refuse_kept(call, refused.failure.status)
        return await self._failure.reply(call, request.decision, route, retries, refused)

    async def _continued(
        self, request: RoutedRequest, shape: Shape, fixes: Fixes
    ) -> tuple[GenerationRequest, Attempt, RecordingTranslation | None]:
        """Do what `_built` does for a responses request that is translated.

        The call that is returned has the whole conversation that the request continues.
        """
        call, routed = request.call, request.routed
        continued = await self.responses.continue_from(call, routed)
        whole, known = continued.call, routed if continued.call is call else None
        try:
            attempt = await self.attempts.build_apart(whole, request.route, shape, fixes, known)
        except InvalidRequest as error:
            raise of_kept_items(error) from None
        translation = cast("Translation", attempt.translation)  # as always in another shape
        recording = self.responses.recording(routed, translation, continued.known)
        if recording is None or call.as_chat:
            # The client gets a chat completion, which has no id by which it could be continued.
            return whole, attempt, None
        return whole, replace(attempt, translation=recording, fast=None), recording

    def _retries(self, request: RoutedRequest, fixes: Fixes) -> Retries:
        shape, route, features = request.call.shape, request.route, request.features
        scope = self.resolver.scope(route, request.call.headers)
        return Retries(self.memory, self.resolver.notes, shape, route, scope, features, fixes)

    def _learn(
        self,
        reply: ClientReply,
        decision: Decision,
        route: Route,
        scope: CacheScope,
        retries: Retries | None,
    ) -> None:
        if not 200 <= reply.status < 300 or decision.has_failed:
            return
        if route.unconfirmed:
            self.resolver.notes.note_answer(scope, route.model_sent, (retries or route).shape)
        if retries is not None:
            retries.succeeded()
            misplaced = client_warnings.misplaced_rule(route, retries.tried, retries.shape)
            if misplaced and route.rule is not None:
                decision.warn(misplaced)
                decision.misplaced_rule = route.rule.pattern


def for_client(
    error: GatewayError | RecursionError, call: GenerationRequest, decision: Decision
) -> GatewayError:
    """Return an error as the client gets it: with the client's names, and `bare()`.

    If the body cannot be read and nothing was sent, the decision loses its upstream: such a request
    goes nowhere, even if the route of its model is already known.
    """
    known = attributed(in_clients_names(error, call.body), decision.params).bare()
    if known.code == INVALID_JSON and not decision.attempts:
        decision.upstream = decision.resolved_by = ""
    return known
