"""Makes the client's reply if no attempt has succeeded, from the failure that says most."""

from dataclasses import replace
from functools import partial

from gateway.config.checks.addresses import path_of
from gateway.config.settings import Settings, UpstreamSettings
from gateway.errors import GatewayError, InvalidRequest
from gateway.exchange import client_warnings
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.description import describe
from gateway.exchange.errors import failures
from gateway.exchange.errors.error_replies import (
    error_in_success,
    in_clients_terms,
    renamed_failure,
    translated_failure,
)
from gateway.exchange.errors.model_errors import (
    Search,
    lives_elsewhere,
    model_not_found,
)
from gateway.exchange.errors.names_of_aliases import named_as_asked, upstreams_words
from gateway.exchange.errors.redirections import check_redirect, led_nowhere
from gateway.exchange.restricted.allowed_models import is_allowed
from gateway.exchange.retries import Refused, Retries
from gateway.request import GenerationRequest
from gateway.resolve.evidence import Route, Source
from gateway.resolve.refusals.classify import Verdict
from gateway.resolve.resolver import Resolver
from gateway.resolve.today import WallClock, today
from gateway.translate.parts.sentences import joined


class FinalFailure:
    """Answers requests that every attempt has failed."""

    def __init__(self, settings: Settings, resolver: Resolver, wall_clock: WallClock) -> None:
        self._settings = settings
        self._resolver = resolver
        self._wall_clock = wall_clock

    async def reply(
        self,
        call: GenerationRequest,
        decision: Decision,
        route: Route,
        retries: Retries,
        last: Refused,
    ) -> ClientReply:
        """Return the first failure, unless the last adds something, or raise it reworded.

        Raises `GatewayError` where the upstream's own reply would not help the client.
        """
        if retries.is_absent_everywhere(last) and route.exists:
            await self._resolver.renew(route, call.headers)
        refused = retries.most_telling(last)
        if refused is not last:
            describe(decision, refused.attempt, route)
        day = today(self._wall_clock)
        client_warnings.take_back_shutdown(decision, route, refused.failure.status, day)
        upstream = self._settings.upstream(route.upstream)
        unfit = _unfit(upstream, route, retries, refused.refusal.verdict)
        if unfit is not None:
            raise unfit
        if retries.lacks_routes:
            failures.check_has_endpoints(upstream, route, retries.tried, retries.unfit)
        foreign = _in_another_format(route, retries, refused)
        if foreign is not None:
            raise foreign
        error = lives_elsewhere(route, refused.refusal, refused.failure.status, day)
        if error is not None:
            raise error
        if refused.refusal.verdict in (Verdict.MODEL_NOT_FOUND, Verdict.MODEL_RETIRED):
            raise await self._not_found(call, route, retries, refused)
        return self.relayed(call, decision, route, refused)

    def relayed(
        self, call: GenerationRequest, decision: Decision, route: Route, refused: Refused
    ) -> ClientReply:
        """Return a failure as it came, where the client can use it; raises like `reply`."""
        failure, attempt = refused.failure, refused.attempt
        if refused.refusal.verdict is Verdict.OTHER:
            upstream = self._settings.upstream(route.upstream)
            failures.check_own_key(upstream, failure.status, failure.body)
        check_redirect(failure.status, failure.headers)
        moved = attempt.shape is not call.shape or len(attempt.calls) > 1
        renamed = renamed_failure(attempt, failure, moved=moved)
        if renamed is not None:
            raise renamed
        if attempt.translation is not None and moved:
            raise translated_failure(attempt.translation, failure, attempt)
        named = None if moved else in_clients_terms(attempt, failure, call.body)
        if named is not None:
            raise named
        if failure.status < 400:
            # Its status is not an error's, so the error must be noted.
            nowhere = led_nowhere(failure.status, failure.headers)
            decision.failed(route.upstream, nowhere or error_in_success(failure), final=True)
        return failures.untouched(named_as_asked(failure, attempt.models))

    async def _not_found(
        self, call: GenerationRequest, route: Route, retries: Retries, refused: Refused
    ) -> GatewayError:
        nearest = await self._resolver.suggested.nearest(
            route, call.headers, partial(is_allowed, call.client)
        )
        if call.client is not None and call.client.is_restricted:
            route = _as_shown(route)
        search = Search(retries.tried or (refused.attempt.shape,), retries.unfit, nearest)
        day = today(self._wall_clock)
        return model_not_found(route, refused.refusal, refused.failure.status, search, day)


def _unfit(
    upstream: UpstreamSettings, route: Route, retries: Retries, verdict: Verdict
) -> InvalidRequest | None:
    """Return why the request does not fit the endpoint where it would have had to go; else None.

    That is the endpoint where the model is known to live. If a route is missing and no such
    endpoint is known, it is the first that the request does not fit, unless the base URL is
    doubtful: then the missing route may be there after all.
    """
    unfit = retries.unfit.get(route.shape)
    if unfit is not None and verdict in (Verdict.WRONG_ENDPOINT, Verdict.UNKNOWN_ROUTE):
        return unfit
    is_doubtful = route.kind.path_doubt(path_of(upstream.base_url)) is not None
    if verdict is not Verdict.UNKNOWN_ROUTE or is_doubtful:
        return None
    return next(iter(retries.unfit.values()), None)


def _in_another_format(route: Route, retries: Retries, refused: Refused) -> InvalidRequest | None:
    """Return the error for a model that an upstream serves by another API only; else None.

    OpenCode Zen has Gemini's models in Google's format only, and refuses other formats with 401,
    which clients would take for a fault of their key.
    """
    if refused.refusal.verdict is not Verdict.WRONG_ENDPOINT or refused.failure.status != 401:
        return None
    endpoints = ", ".join(shape.endpoint for shape in retries.tried)
    return InvalidRequest(
        joined(
            upstreams_words(refused.refusal, route),
            f"Upstream '{route.upstream}' has the model '{route.model_asked}' at none of "
            f"{endpoints}, only by another API, such as Gemini's, which is not translated",
        ),
        param="model",
        status=404,
    )


def _as_shown(route: Route) -> Route:
    """Return a route without the evidence that a restricted client may not see."""
    shown = [
        piece for piece in route.evidence if piece.exists or piece.source is not Source.CAPABILITY
    ]
    return replace(route, evidence=tuple(shown))
