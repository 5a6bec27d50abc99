"""One request's story: resolve → translate → send → (refused? learn, once more) → fold back.

The network is a callable; so the whole story is tested without one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gateway.config.settings import CredentialPolicy, Settings
from gateway.errors import GatewayError, InvalidRequest
from gateway.exchange import failures, restrictions
from gateway.exchange.answers import (
    answer_at_once,
    answer_in_time,
    as_date,
    local_answer,
    perform,
)
from gateway.exchange.attempt import (
    Attempt,
    Attempts,
    describe,
    parameter_names,
)
from gateway.exchange.message import (
    ClientReply,
    Decision,
    features_of,
    model_of,
    read_object,
    read_routed,
)
from gateway.exchange.refusal_memory import Fixes, KnownFixes
from gateway.exchange.remembering import ResponseMemory
from gateway.exchange.sending import Failure
from gateway.request import GenerationRequest
from gateway.resolve.evidence import Route
from gateway.resolve.memory import Features, LearnedEndpoints, Owner
from gateway.resolve.preference import PREFERENCE
from gateway.resolve.refusals import Refusal, Verdict, classify
from gateway.resolve.resolver import Question, Resolver
from gateway.shapes import Send, Shape
from gateway.translate.plain_way import PlainTranslation
from gateway.translate.plan import can_translate

MAX_ATTEMPTS = 3
AZURE_NOT_DEPLOYED = "DeploymentNotFound"


@dataclass(frozen=True, slots=True)
class Memory:
    """What exchanges teach later ones."""

    endpoints: LearnedEndpoints
    fixes: KnownFixes


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
        self.send = send
        self.attempts = attempts
        self.memory = memory
        self.responses = responses

    async def run(self, call: GenerationRequest, decision: Decision) -> ClientReply:
        """Serve one request; `decision` is filled in on the way, also when an error is raised.

        Raises `GatewayError`: whatever goes wrong before the reply has begun. It is `bare()`: some
        of what raised it holds it in a variable, and would live on with it, and with the request.
        """
        try:
            routed = read_routed(call.body)
            if call.client is not None and call.client.is_restricted:
                restrictions.check_generation(call)
            model = model_of(routed)
            features = features_of(routed)
            route = self.resolver.recent(call.headers, model, call.shape, features)
            if route is None:
                question = Question(model, call.shape, features, call.headers)
                route = await self.resolver.resolve(question)
            decision.upstream, decision.resolved_by = route.upstream, route.resolved_by
            if route.retired is not None or route.redirected_to is not None:
                today = as_date(self.attempts.wall_clock())
                decision.warn(failures.retirement_warning(route, today))
            streamed = routed.stream is True
            first: tuple[Attempt, Failure] | None = None
            if can_translate(call.shape, route.shape) and not moves_a_conversation(
                call, route.shape
            ):
                # Most requests end here; the story is told of the others.
                owner = route.owner or self.resolver.owner(route, call.headers)
                fixes = self.memory.fixes.recall(owner, route.model_sent, route.shape)
                attempt = self.attempts.build(call, route, route.shape, fixes)
                result = await self.make(call, decision, route, attempt, streamed=streamed)
                if isinstance(result, ClientReply):
                    return result
                first = attempt, result
            story = _Story(self, call, decision, route, features)
            return await story.tell(streamed=streamed, first=first)
        except GatewayError as error:
            raise error.bare() from None

    async def make(
        self,
        call: GenerationRequest,
        decision: Decision,
        route: Route,
        attempt: Attempt,
        *,
        streamed: bool,
    ) -> ClientReply | Failure:
        """Make an attempt; return the client's reply or the failure."""
        decision.attempts += 1
        describe(decision, attempt, route)
        translation = attempt.translation
        try:
            if translation is None or (type(translation) is PlainTranslation and not streamed):
                reply = await self.send(attempt.calls[0])
                result = answer_at_once(translation, reply) or await answer_in_time(
                    call.shape, translation, reply
                )
                if translation is not None and not translation.stayed_plain:
                    describe(decision, attempt, route)
                return result
            local = translation.local_reply()
            if local is not None:
                return local_answer(call, local, streamed=streamed)
            said = translation.report.size
            result = await perform(
                self.send, call, attempt, translation, self.settings, streamed=streamed
            )
            if translation.report.size > said:
                # Again: folding a whole reply can add to the report.
                describe(decision, attempt, route)
            return result
        finally:
            for sent in attempt.calls:
                decision.repeats += sent.repeats


def moves_a_conversation(call: GenerationRequest, shape: Shape) -> bool:
    """Whether the conversation that the client continues is the gateway's to know.

    A model that lives at responses keeps its conversations itself.
    """
    return call.shape is Shape.RESPONSES and shape is not Shape.RESPONSES


@dataclass(frozen=True, slots=True)
class _Refused:
    """An attempt that failed, and what its failure means."""

    attempt: Attempt
    failure: Failure
    refusal: Refusal


@dataclass(slots=True)
class _Story:
    """The attempts of one request: never the same endpoint twice, but for a mended parameter."""

    exchange: Exchange
    call: GenerationRequest
    decision: Decision
    route: Route
    features: Features
    shape: Shape = field(init=False)
    owner: Owner = field(init=False)
    fixes: Fixes = field(init=False)
    tried: tuple[Shape, ...] = ()
    mended: frozenset[str] = frozenset()
    first: _Refused | None = None
    request_dependent: bool = False

    def __post_init__(self) -> None:
        known = self.route.owner
        self.owner = known or self.exchange.resolver.owner(self.route, self.call.headers)
        self._turn_to(self._reachable(self.route.shapes) or self._unreachable())

    async def tell(self, *, streamed: bool, first: tuple[Attempt, Failure] | None) -> ClientReply:
        """Try until something answers, or until a failure is the answer.

        `first` is an attempt that was made already, and its failure.
        """
        if first is not None:
            refused = _Refused(*first, self._judge(*first))
            if not self._goes_on(refused):
                return await self._give_up(refused)
        exchange = self.exchange
        while True:
            call, watched = self.call, None
            moves = moves_a_conversation(call, self.shape)
            if moves:
                call = await exchange.responses.continue_from(call)
            attempt = exchange.attempts.build(call, self.route, self.shape, self.fixes)
            if moves and attempt.translation is not None:
                watched = exchange.responses.watch(self.call, attempt.translation)
                if watched is not None:
                    attempt = replace(attempt, translation=watched)
            result = await exchange.make(
                call, self.decision, self.route, attempt, streamed=streamed
            )
            if isinstance(result, ClientReply):
                self._learn(result)
                return await exchange.responses.keep(call, result, watched) if watched else result
            refused = _Refused(attempt, result, self._judge(attempt, result))
            if not self._goes_on(refused):
                return await self._give_up(refused)

    def _reachable(self, shapes: Sequence[Shape]) -> Shape | None:
        for shape in shapes:
            if shape not in self.tried and can_translate(self.call.shape, shape):
                return shape
        return None

    def _unreachable(self) -> Shape:
        home = self.route.shape.endpoint
        raise InvalidRequest(
            f"The model '{self.route.model_asked}' is served at {home}, which cannot be reached "
            f"from {self.call.shape.endpoint}. Call {home} instead.",
            param="model",
            code="model_not_supported",
        )

    def _turn_to(self, shape: Shape) -> None:
        self.shape = shape
        self.fixes = self.exchange.memory.fixes.recall(self.owner, self.route.model_sent, shape)

    def _judge(self, attempt: Attempt, failure: Failure) -> Refusal:
        sent = attempt.sent[failure.call]
        if attempt.translation is None:
            sent = parameter_names(read_object(self.call.body))
        return classify(
            attempt.shape, failure.status, failure.body, model=self.route.model_sent, sent=sent
        )

    def _goes_on(self, refused: _Refused) -> bool:
        """Prepare another attempt, or return False: this failure is the answer."""
        refusal, shape = refused.refusal, refused.attempt.shape
        if refusal.verdict is Verdict.WRONG_ENDPOINT:
            self.exchange.memory.endpoints.forget(
                self.owner, self.route.model_sent, self.features, shape
            )
        if self.decision.attempts >= MAX_ATTEMPTS:
            return False
        if refusal.verdict is Verdict.UNSUPPORTED_PARAMETER:
            return self._mend(refusal)
        self.tried = (*self.tried, shape)
        following = self._reachable(self._elsewhere(refused))
        if following is None:
            return False
        self.first = self.first or refused
        self.request_dependent = self.request_dependent or refusal.request_dependent
        self._turn_to(following)
        return True

    def _elsewhere(self, refused: _Refused) -> Sequence[Shape]:
        """Return the endpoints that a refusal leaves to be tried, best first.

        "Does not exist" is a wrong endpoint too where the metadata shows that the model exists, or
        its id says what it derives from. An upstream that lacks the route may have the others.
        Where an earlier refusal named several endpoints, the rest of them stay to be tried: the
        upstream may lack the route that it was sent to first. Azure lists models, not deployments:
        what it says of a deployment holds at every endpoint.
        """
        refusal = refused.refusal
        if refusal.code == AZURE_NOT_DEPLOYED:
            return ()
        if refusal.verdict is Verdict.WRONG_ENDPOINT:
            return refusal.right
        if refusal.verdict is Verdict.MODEL_NOT_FOUND and (self.route.exists or self.route.base):
            return (*self.route.shapes, *PREFERENCE[self.call.shape])
        if refusal.verdict is Verdict.UNKNOWN_ROUTE and self._only_routes_lacked():
            return (*self.route.shapes, *PREFERENCE[self.call.shape])
        if self.first is not None and failures.is_no_news(refused.failure, refusal):
            return self.first.refusal.right
        return ()

    def _only_routes_lacked(self) -> bool:
        """Whether nothing was refused so far but routes: that says nothing about the model."""
        return self.first is None or self.first.refusal.verdict is Verdict.UNKNOWN_ROUTE

    def _mend(self, refusal: Refusal) -> bool:
        """Add the fixes for refused parameters; each name is touched once, so this ends."""
        names = {fix.name for fix in refusal.fixes}
        if not names or names & self.mended:
            self.exchange.memory.fixes.forget(self.owner, self.route.model_sent, self.shape)
            return False
        self.mended |= names | {fix.to for fix in refusal.fixes if fix.to}
        self.fixes = (*self.fixes, *refusal.fixes)
        return True

    def _learn(self, reply: ClientReply) -> None:
        """Remember what worked, where it was not known before."""
        if not (self.tried or self.mended) or not 200 <= reply.status < 300:
            return
        memory, model = self.exchange.memory, self.route.model_sent
        if self.tried:
            whenever = self.call.shape if self._only_routes_lacked() else None
            scope = self.features if self.request_dependent else whenever
            memory.endpoints.learn(self.owner, model, scope, self.shape)
        if self.mended:
            memory.fixes.remember(self.owner, model, self.shape, self.fixes)

    async def _give_up(self, refused: _Refused) -> ClientReply:
        """Give the failure that says most: the first one, unless the last is of another kind."""
        if self.first is not None and failures.is_no_news(refused.failure, refused.refusal):
            refused = self.first
            describe(self.decision, refused.attempt, self.route)
        failure, attempt = refused.failure, refused.attempt
        if refused.refusal.verdict in (Verdict.MODEL_NOT_FOUND, Verdict.MODEL_RETIRED):
            raise await self._not_found(refused)
        upstream = self.exchange.settings.upstream(self.route.upstream)
        if upstream.credential is CredentialPolicy.KEY and failure.status in (401, 403):
            raise failures.own_key_refused(self.route.upstream)
        moved = attempt.shape is not self.call.shape or len(attempt.calls) > 1
        if attempt.translation is not None and moved:
            raise failures.translated_failure(attempt.translation, failure)
        if failure.status < 400:
            # Its status says success, so what it is must be noted.
            told = failures.told_in_success(failure)
            self.decision.failed(self.route.upstream, told, final=True)
        return failures.untouched(failure)

    async def _not_found(self, refused: _Refused) -> GatewayError:
        resolver, client = self.exchange.resolver, self.call.client
        nearest = await resolver.nearest(self.route, self.call.headers)
        return failures.model_not_found(
            self.route,
            refused.failure,
            refused.refusal,
            self.tried or (refused.attempt.shape,),
            [name for name in nearest if failures.is_allowed(client, name)],
            as_date(self.exchange.attempts.wall_clock()),
        )
