"""Errors for clients about what an upstream has refused."""

from collections.abc import Collection, Sequence

from gateway.config.checks.addresses import path_of
from gateway.config.checks.own_keys import forwards_callers_key, holds_key, quotes_key
from gateway.config.settings import UpstreamSettings
from gateway.envelopes.refused_keys import refuses_certificate, refuses_key
from gateway.errors import GatewayError, Reason, UpstreamError, UpstreamUnavailable
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.reply.classify import ErrorReply
from gateway.resolve.endpoint_order import PREFERENCE
from gateway.resolve.evidence import Route
from gateway.resolve.refusals.classify import Refusal, Verdict
from gateway.shapes import Shape
from gateway.translate.parts.sentences import joined

_SAME_KIND = frozenset({Verdict.WRONG_ENDPOINT, Verdict.MODEL_NOT_FOUND, Verdict.UNKNOWN_ROUTE})
NO_ROUTE = (404, 405)
"""The statuses with which servers answer at a path, or for a method, that they do not have."""


def is_no_news(failure: ErrorReply, refusal: Refusal) -> bool:
    """Whether a retry's failure adds nothing to the first one: the model is not here either."""
    return refusal.verdict in _SAME_KIND or failure.status in NO_ROUTE


def has_own_key(upstream: UpstreamSettings) -> bool:
    """Whether a key that an upstream refuses can only be the gateway's own."""
    return holds_key(upstream) and not forwards_callers_key(upstream)


def refuses_own_key(upstream: UpstreamSettings, status: int, body: bytes) -> bool:
    """Whether a reply, by its status or its error, refuses the gateway's own key.

    An error that quotes the key in clear counts as such: no client may read the key.
    """
    if has_own_key(upstream) and (status in (401, 403) or refuses_key(body)):
        return True
    return quotes_key(upstream, body)


def check_own_key(upstream: UpstreamSettings, status: int, body: bytes = b"") -> None:
    """Raise `UpstreamError` where a reply refuses the gateway's own key, or its certificate.

    The client can do nothing about such an error. Call this only once the reply is final: some
    upstreams refuse a model with the same statuses, and another endpoint may have it.
    """
    if refuses_certificate(status, body):
        raise UpstreamUnavailable(
            f"Upstream '{upstream.name}' was shown no client certificate that it accepts; check "
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
    """Raise `UpstreamError` if an upstream has no endpoint, and so probably a wrong base URL.

    That is so if all endpoints are missing, or if the base URL is doubtful. `tried` are the
    endpoints that it lacks. The message has paths and no host, which may be internal.
    """
    path = path_of(upstream.base_url)
    missing, all_of_openais = {*tried, *unfit}, set(PREFERENCE[Shape.CHAT]) - route.lacking
    if route.kind.path_doubt(path) is None and not missing >= all_of_openais:
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

    Raises `UpstreamError` if the reply is incomplete, and the failure's own error if it has one in
    the gateway's words.
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
    return ClientReply(failure.status, failure.headers, failure.body)
