"""Errors for clients about what an upstream has refused."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from types import MappingProxyType

from gateway.config.checks.addresses import path_of
from gateway.config.checks.own_keys import forwards_callers_key, holds_key
from gateway.config.settings import UpstreamSettings
from gateway.envelopes.refused_keys import refuses_certificate, refuses_key
from gateway.errors import (
    GatewayError,
    InvalidRequest,
    ModelNotFound,
    Reason,
    UpstreamError,
    UpstreamUnavailable,
)
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.client_warnings import is_retired, redirect_warning
from gateway.exchange.reply.classify import ErrorReply
from gateway.resolve.endpoint_order import PREFERENCE
from gateway.resolve.evidence import Route
from gateway.resolve.refusals.classify import Refusal, Verdict
from gateway.shapes import Shape
from gateway.translate.parts.sentences import joined

_SAME_KIND = frozenset({Verdict.WRONG_ENDPOINT, Verdict.MODEL_NOT_FOUND, Verdict.UNKNOWN_ROUTE})
_NOT_HERE = (404, 405)


def is_no_news(failure: ErrorReply, refusal: Refusal) -> bool:
    """Whether a retry's failure adds nothing to the first one: the model is not here either."""
    return refusal.verdict in _SAME_KIND or failure.status in _NOT_HERE


def lives_elsewhere(
    route: Route, failure: ErrorReply, refusal: Refusal, today: date
) -> GatewayError | None:
    """Return the refusal of a model that generates no text, with the endpoint to call.

    None where that is not what the refusal is about, or the endpoint is not known. What the
    upstream says counts more than what is known of the name, which says nothing about a model that
    was shut down, or a deployment that Azure does not have.
    """
    known = refusal.verdict is Verdict.WRONG_ENDPOINT or (
        refusal.verdict is Verdict.MODEL_NOT_FOUND and not route.kind.deployments
    )
    if refusal.other_endpoint is not None:
        homes: tuple[str, ...] = (refusal.other_endpoint,)
    elif known and not is_retired(route, today):
        homes = route.other_endpoints
    else:
        homes = ()
    if not homes:
        return None
    listed = " and ".join(f"/v1/{home}" for home in homes)
    which = "that endpoint" if len(homes) == 1 else "one of these endpoints"
    return InvalidRequest(
        joined(
            _said(refusal, route),
            f"The model '{route.model_asked}' lives at {listed}",
            f"Call {which}",
        ),
        param="model",
        code=_word(refusal.code),
        type=refusal.type,
        status=_status(failure),
    )


def _said(refusal: Refusal, route: Route) -> str:
    """Return an upstream's words; Anthropic's, which are the name alone, with the client's name."""
    said = refusal.message.strip()
    return (
        f"model: {route.model_asked}" if said.rstrip(".") == f"model: {route.model_sent}" else said
    )


def _status(failure: ErrorReply) -> int:
    """Return the upstream's status; 404 for a refusal that came as a success, or as a key's."""
    return failure.status if failure.status >= 400 and failure.status != 401 else 404


def _word(code: str | None) -> str | None:
    """Return an upstream's code, if it is a word: some give the status again."""
    return code if code and not code.isdecimal() else None


def model_not_found(
    route: Route,
    failure: ErrorReply,
    refusal: Refusal,
    tried: Sequence[Shape],
    nearest: Sequence[str],
    today: date,
    unfit: Mapping[Shape, GatewayError] = MappingProxyType({}),
) -> ModelNotFound:
    """Say what was checked, which ids come near, and whether the model was retired."""
    words = [_said(refusal, route) or f"The model '{route.model_asked}' does not exist"]
    if route.redirected_to is not None:
        words.append(f"({redirect_warning(route.model_asked, route.redirected_to)}.)")
    elif route.model_sent != route.model_asked:
        words.append(f"('{route.model_asked}' is an alias of '{route.model_sent}'.)")
    retired = is_retired(route, today)
    if retired:
        words.append(f"It was shut down on {route.retired}")
    if retired or refusal.replacement is not None or refusal.verdict is Verdict.MODEL_RETIRED:
        words.append(_alias_advice(route, refusal.replacement or route.replacement))
    endpoints = ", ".join(dict.fromkeys(shape.endpoint for shape in tried))
    words.append(f"The gateway asked upstream '{route.upstream}' at {endpoints}")
    for shape, error in unfit.items():
        words.append(f"It could not ask at {shape.endpoint}: {error.message}")
    words.append(f"What it knows: {'; '.join(piece.detail for piece in route.evidence)}")
    if nearest:
        words.append(f"Did you mean {' or '.join(repr(name) for name in nearest)}?")
    return ModelNotFound(
        joined(*words), param="model", code=_word(refusal.code), status=_status(failure)
    )


def _alias_advice(route: Route, replacement: str | None) -> str:
    if replacement is None:
        return "To keep the name working, alias it in the gateway's configuration"
    if " " in replacement:  # advice in words, or several names to choose from
        return joined(f"Suggested instead: {replacement}", _alias_advice(route, None))
    name = route.redirected_to or route.model_asked
    return (
        f"The suggested replacement is {replacement}; to keep the name working, add "
        f"`{name}: {{model: {replacement}}}` to `models:` in the gateway's configuration"
    )


def refuses_own_key(upstream: UpstreamSettings, status: int, body: bytes) -> bool:
    """Whether a reply, by its status or its error, refuses the gateway's own key."""
    if forwards_callers_key(upstream) or not holds_key(upstream):
        return False
    return status in (401, 403) or refuses_key(body)


def check_own_key(upstream: UpstreamSettings, status: int, body: bytes = b"") -> None:
    """Raise `UpstreamError` where a reply refuses the gateway's own key, or its certificate.

    The client can do nothing about that. Ask once the reply is the answer: some upstreams refuse a
    model with the same statuses, and another endpoint may have it.
    """
    if refuses_certificate(status, body):
        raise UpstreamUnavailable(
            f"Upstream '{upstream.name}' was not shown a client certificate that it accepts; check "
            "its tls.certificate.",
            reason=Reason.TLS,
        )
    if refuses_own_key(upstream, status, body):
        raise UpstreamError(
            f"The upstream '{upstream.name}' refused the key that the gateway is configured with. "
            "Your own key was not the problem; ask the gateway's operator.",
            reason=Reason.KEY_REFUSED,
            type="upstream_auth_error",
            code="upstream_auth_error",
        )


def check_has_endpoints(
    upstream: UpstreamSettings, route: Route, tried: Sequence[Shape], unfit: Collection[Shape]
) -> None:
    """Raise `UpstreamError` where an upstream has no endpoint, and probably a wrong base URL.

    So where all are missing, or the base URL is doubtful. `tried` are those that it lacks. The
    message has paths and no host, which may be internal.
    """
    path = path_of(upstream.base_url)
    asked, all_of_openais = {*tried, *unfit}, set(PREFERENCE[Shape.CHAT]) - route.lacking
    if route.kind.path_doubt(path) is None and not asked >= all_of_openais:
        return
    urls = " and ".join(f"{path}{shape.path}" for shape in tried)
    lacks = "" if path.endswith("/v1") else "Does the base_url of this upstream lack /v1?"
    raise UpstreamError(
        joined(
            f"The upstream '{upstream.name}' has no endpoint at {urls}",
            lacks,
            "Ask the gateway's operator to check it",
        ),
        reason=Reason.NO_ENDPOINT,
        status=404,
        type="invalid_request_error",
        code="unknown_url",
    )


def untouched(failure: ErrorReply) -> ClientReply:
    """Return an upstream's error as it came.

    Raises `UpstreamError` where it is not complete, and the error itself where there is one in the
    gateway's words.
    """
    if isinstance(failure.for_client, GatewayError):
        raise failure.for_client
    if failure.for_client is not None:
        return failure.for_client
    if failure.partial:
        raise UpstreamError(
            f"The upstream answered with status {failure.status}, and an error that broke off or "
            "is too long to be read.",
            upstream_status=failure.status,
        )
    if failure.as_came is not None:
        return failure.as_came
    return ClientReply(failure.status, list(failure.headers), failure.body)
