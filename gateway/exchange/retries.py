"""What is tried after a refusal, and what the refusals teach. Sends nothing.

Each endpoint gets one attempt, and further ones only with other fixes of parameters. A name is
fixed once per endpoint, so the attempts come to an end. Nothing is learned of an endpoint before it
has shown that the model lives there: by a success, or by refusing a parameter in the model's name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.errors import InvalidRequest
from gateway.exchange.attempt import Attempt
from gateway.exchange.errors import failures
from gateway.exchange.params.fixing import for_own_clients, is_the_upstreams, subject_of
from gateway.exchange.params.known_fixes import Fixes, KnownFixes, lessons
from gateway.exchange.reply.classify import ErrorReply
from gateway.resolve.endpoint_order import home_order
from gateway.resolve.evidence import Route, Source
from gateway.resolve.features import effort_of
from gateway.resolve.memory import CacheScope, Features, LearnedEndpoints
from gateway.resolve.names.model_notes import ModelNotes
from gateway.resolve.refusals.classify import Refusal, Verdict
from gateway.shapes import Shape

MAX_FIXED: Final = 32
"""The most parameters that are fixed for one request, however many an upstream refuses."""

AZURE_NOT_DEPLOYED: Final = "DeploymentNotFound"

_OPTIONAL: Final = frozenset({Shape.MESSAGES, Shape.RESPONSES})
"""Endpoints that many servers do not have at all."""
_MOVED: Final = (Verdict.WRONG_ENDPOINT, Verdict.UNKNOWN_ROUTE)


@dataclass(frozen=True, slots=True)
class Memory:
    """What the gateway has learned from requests, for later ones."""

    endpoints: LearnedEndpoints
    fixes: KnownFixes


@dataclass(frozen=True, slots=True)
class Refused:
    """An attempt that failed, and what its failure means."""

    attempt: Attempt
    failure: ErrorReply
    refusal: Refusal


class Retries:
    """The course of one request after its first refusal.

    `shape` and `fixes` are what to try next, after a method has returned True.
    """

    def __init__(
        self,
        memory: Memory,
        notes: ModelNotes,
        client: Shape,
        route: Route,
        scope: CacheScope,
        features: Features,
        fixes: Fixes,
    ) -> None:
        self._memory = memory
        self._notes = notes
        self._client = client
        self._route = route
        self._scope = scope
        self._features = features
        self.shape = route.shape
        self.fixes = fixes
        self.tried: tuple[Shape, ...] = ()
        """Endpoints that have refused, in order."""
        self.unfit: dict[Shape, InvalidRequest] = {}
        """Endpoints that the request cannot be translated for, and why."""
        self.first: Refused | None = None
        """The first refusal that led on to another endpoint."""
        self._telling: Refused | None = None
        """The first such refusal that was not about a missing route."""
        self.is_guessing = False
        """Whether the next endpoint is only one left to try: no refusal has named it."""
        self.lacks_routes = True
        """Whether every refusal so far was about a missing route, whatever the model."""
        self._left: tuple[Shape, ...] = ()
        self._fixed: frozenset[str] = frozenset()
        self._fix_count = 0
        self._thinking: Refused | None = None
        """The refusal after which thinking was switched off."""
        self._is_here = False
        """Whether the current endpoint has refused a parameter in the model's name."""
        self._request_dependent = False
        self._missing_routes = frozenset[Shape]()
        self._order = home_order(client, route.kind, route.lacking)

    def after(self, refused: Refused) -> bool:
        """Prepare another attempt and return True; False if this failure is final."""
        refusal, shape = refused.refusal, refused.attempt.shape
        self.lacks_routes = self.lacks_routes and refusal.verdict is Verdict.UNKNOWN_ROUTE
        if refusal.verdict is Verdict.UNSUPPORTED_PARAMETER:
            own = self._client is shape is Shape.MESSAGES
            if own and for_own_clients(refusal.fixes, shape) != refusal.fixes:
                # Clients of messages fix their requests themselves, by the words of the refusal.
                return False
            if any(fix.action == "unthink" for fix in refusal.fixes):
                self._thinking = refused
            return self._add_fixes(refusal)
        if refusal.verdict is Verdict.MODEL_NOT_FOUND:
            self._notes.note_denial(self._scope, self._route.model_sent)
        if not self._is_passing_fault(refused):
            self._drop(refusal.verdict, shape)
        elsewhere = self._elsewhere(refused)
        self.tried = (*self.tried, shape)
        if refusal.verdict is Verdict.UNKNOWN_ROUTE and not self._is_passing_fault(refused):
            self._missing_routes |= {shape}
            if shape in _OPTIONAL and self._route.kind.is_front:
                # At once: LiteLLM rests a model for some seconds after such a refusal.
                self._notes.note_missing_route_behind(self._scope, self._route.model_sent, shape)
        if elsewhere is None or not self._turn_to((*elsewhere, *self._left)):
            return False
        self.first = self.first or refused
        if refusal.verdict is not Verdict.UNKNOWN_ROUTE:
            self._telling = self._telling or refused
        self.is_guessing = self.shape not in refusal.alternatives
        self._request_dependent = self._request_dependent or refusal.request_dependent
        return True

    def after_unfit(self, error: InvalidRequest) -> bool:
        """Prepare an attempt elsewhere, since the request cannot be translated for `shape`.

        False, unless that endpoint is a guess, or was learned and may not be the model's only one.
        """
        learned = self.first is None and self._route.resolved_by is Source.LEARNED
        if self._is_here or not (learned or self.is_guessing):
            return False
        self.unfit[self.shape] = error.bare()
        return self._turn_to((*self._left, *self._order))

    def misfit(self, error: InvalidRequest) -> InvalidRequest:
        """Return the reason why a request fits nowhere; `error` is that of the last endpoint.

        Unless a refusal has led on, the model lives at its route's endpoint, whose reason helps.
        """
        return error if self.first is not None else self.unfit.get(self._route.shape, error)

    def succeeded(self) -> None:
        """Learn what worked, where it was not known before."""
        if self.unfit and self.first is None:
            # What was learned of the model does not hold for every request of it.
            self._forget(self._route.shape)
        elif self.tried and not (self.lacks_routes and all(map(self._has_answered, self.tried))):
            self._learn_endpoint()
        if self._fixed:
            self._learn_fixes()
        for shape in _OPTIONAL & self._missing_routes:
            if not (self._has_answered(shape) or self._route.kind.is_front):
                self._notes.note_missing_route(self._route.upstream, shape)

    def most_telling(self, last: Refused) -> Refused:
        """Return the first refusal, unless the last one adds something.

        A missing route says least: only clients of that endpoint have called it.
        """
        said = last.refusal.message
        if self._thinking is not None and ("thinking" in said or "effort" in said):
            return self._thinking  # the client has not switched it off
        if self.first is None or not failures.is_no_news(last.failure, last.refusal):
            return last
        if self._telling is None and last.refusal.verdict is not Verdict.UNKNOWN_ROUTE:
            return last
        return self._telling or self.first

    def is_absent_everywhere(self, last: Refused) -> bool:
        """Whether all endpoints have denied the model, which is then remembered for a while."""
        first = self.first or last
        if first.refusal.verdict is not Verdict.MODEL_NOT_FOUND or self.unfit:
            return False
        asked_all = set(self._order) <= set(self.tried)
        if not asked_all or not failures.is_no_news(last.failure, last.refusal):
            return False
        self._notes.note_absence(self._scope, self._route.model_sent)
        return True

    def _turn_to(self, candidates: Sequence[Shape]) -> bool:
        done = {*self.tried, *self.unfit}
        self._left = tuple(shape for shape in dict.fromkeys(candidates) if shape not in done)
        if not self._left:
            return False
        self.shape = self._left[0]
        model, features = self._route.model_sent, self._features
        self.fixes = self._memory.fixes.recall(self._scope, model, self.shape, features)
        self._fixed, self._is_here = frozenset(), False
        return True

    def _elsewhere(self, refused: Refused) -> Sequence[Shape] | None:
        """Return the endpoints that a refusal adds to those left; None if the refusal is final.

        Azure lists models, not deployments: what it says of a deployment holds at every endpoint.
        """
        refusal = refused.refusal
        if refusal.code == AZURE_NOT_DEPLOYED or self._lives_elsewhere(refusal):
            return None
        lacking = {*self._route.lacking, *self.tried, refused.attempt.shape}
        order = (*self._route.shapes, *home_order(self._client, self._route.kind, lacking))
        if refusal.verdict is Verdict.WRONG_ENDPOINT:
            return refusal.alternatives
        if refusal.verdict is Verdict.MODEL_NOT_FOUND and self._may_be_elsewhere():
            return order
        if refusal.verdict is Verdict.UNKNOWN_ROUTE and self._only_routes_lacked():
            return None if self._is_passing_fault(refused) else order
        # An upstream may lack the endpoint that a refusal has led to, and have the next one.
        is_no_news = failures.is_no_news(refused.failure, refusal)
        return () if self.first is not None and is_no_news else None

    def _lives_elsewhere(self, refusal: Refusal) -> bool:
        """Whether the model lives at no generation endpoint, as far as is known."""
        if refusal.alternatives:
            return False
        return refusal.other_endpoint is not None or bool(self._route.other_endpoints)

    def _may_be_elsewhere(self) -> bool:
        """Whether "does not exist" may be said of one endpoint alone.

        It may where something shows that the model exists, or names its base, or a rule says where
        it lives; and where the metadata that would decide it cannot be read. Once every endpoint
        has denied the model, it may not for a while.
        """
        route = self._route
        likely = (
            route.exists
            or route.base is not None
            or route.unreadable
            or route.resolved_by is Source.CONFIG
        )
        return likely and not self._notes.is_absent(self._scope, route.model_sent)

    def _only_routes_lacked(self) -> bool:
        """Whether only routes were refused so far, which says nothing about the model."""
        return self.first is None or self.first.refusal.verdict is Verdict.UNKNOWN_ROUTE

    def _is_passing_fault(self, refused: Refused) -> bool:
        """Whether a route is said to be missing that servers of this kind are known to have.

        Then the base URL is wrong, or the route will be back in a moment: nothing is learned.
        """
        missing = refused.refusal.verdict is Verdict.UNKNOWN_ROUTE
        return missing and refused.attempt.shape in self._route.kind.routes

    def _has_answered(self, shape: Shape) -> bool:
        """Whether an endpoint answered a moment ago: if it is missing now, it may soon be back.

        False for a front, which relays to servers with different endpoints.
        """
        return not self._route.kind.is_front and self._notes.has_route(self._route.upstream, shape)

    def _add_fixes(self, refusal: Refusal) -> bool:
        """Add the fixes for refused parameters; each name is touched once, so this ends."""
        if self.tried and refusal.model_is_here:
            self._learn_endpoint()
            if self._fixed:
                self._learn_fixes()
        self._is_here = self._is_here or refusal.model_is_here
        names = {subject_of(fix) for fix in refusal.fixes}
        own = self.shape is self._client
        if own and any(is_the_upstreams(fix, self.shape) for fix in refusal.fixes):
            return False
        if names & self._fixed:
            self._memory.fixes.forget(self._scope, self._route.model_sent, self.shape)
            return False
        if not names or self._fix_count + len(names) > MAX_FIXED:
            return False
        self._fix_count += len(names)
        self._fixed |= names | {fix.to for fix in refusal.fixes if fix.to and fix.action != "yield"}
        self.fixes = (*self.fixes, *refusal.fixes)
        return True

    def _drop(self, verdict: Verdict, shape: Shape) -> None:
        """Forget that the model lives where it was just refused."""
        if verdict in _MOVED or verdict is Verdict.MODEL_NOT_FOUND:
            self._forget(shape)

    def _forget(self, shape: Shape) -> None:
        self._memory.endpoints.forget(self._scope, self._route.model_sent, self._features, shape)

    def _learn_endpoint(self) -> None:
        if self._request_dependent and not self._features:
            return  # no feature has moved this request, so later ones could not be recognised
        whenever = self._client if self._only_routes_lacked() else None
        holds_for = self._features if self._request_dependent else whenever
        self._memory.endpoints.learn(self._scope, self._route.model_sent, holds_for, self.shape)

    def _learn_fixes(self) -> None:
        effort = effort_of(self._features)
        for fix, model in lessons(self.fixes, self._fixed, effort, is_here=self._is_here):
            name = self._route.model_sent if model is None else model
            self._memory.fixes.add(self._scope, name, self.shape, fix)
