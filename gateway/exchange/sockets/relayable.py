"""Finds the turns that an upstream's own socket can serve: those that need no change at all."""

from dataclasses import dataclass
from typing import Final

from msgspec import structs

from gateway.errors import InvalidRequest
from gateway.exchange.attempt import Attempt
from gateway.exchange.bodies.request_fields import (
    Routed,
    features_of,
    has_prompt_object,
    model_of,
    read_routed,
)
from gateway.exchange.flow import Exchange
from gateway.request import GenerationRequest
from gateway.resolve.evidence import Route
from gateway.resolve.memory import Features
from gateway.resolve.resolver import ModelQuery
from gateway.shapes import Shape

_RESPONSES: Final = Shape.RESPONSES


@dataclass(frozen=True, slots=True)
class Relayable:
    """A turn that can be relayed: its route, and what would be sent over HTTP."""

    route: Route
    attempt: Attempt
    prompt_ends: bool
    """Whether the turn names a reusable prompt at a server that will end such prompts."""


async def relayable(
    exchange: Exchange, call: GenerationRequest, message: bytes
) -> Relayable | None:
    """Return how a turn can be relayed; None if it has to be served over HTTP.

    That is also where the client gets the error for a message that is no request. `message` is the
    client's message, which would be sent as it is. Raises `PermissionDenied` for a model that the
    client may not use, and `InvalidRequest` for a message that a restricted client may not send.
    """
    if call.client is not None and call.client.is_restricted:
        await exchange.attempts.check_names(structs.replace(call, body=message))
    try:
        routed = read_routed(call.body)
        model = model_of(routed)
        if call.model not in (None, model):
            return None
        if exchange.params.any and exchange.params.report_on(call, model)[1].size:
            return None
        features = features_of(routed)
        query = ModelQuery(model, _RESPONSES, features, call.headers)
        route = await exchange.resolver.resolve(query)
        return _untouched(exchange, call, route, routed, features)
    except InvalidRequest:
        return None


def _untouched(
    exchange: Exchange, call: GenerationRequest, route: Route, routed: Routed, features: Features
) -> Relayable | None:
    """Return how the client's own bytes are sent by a route; None if they cannot be."""
    upstream = exchange.settings.upstream(route.upstream)
    has_sockets = upstream.websockets == "always" or route.kind.has_sockets
    if route.shape is not _RESPONSES or not has_sockets or upstream.websockets == "never":
        return None
    if upstream.model_header is not None:
        return None  # a socket has one set of these for all its turns
    scope = exchange.resolver.scope(route, call.headers)
    fixes = exchange.memory.fixes.recall(scope, route.model_sent, _RESPONSES, features)
    attempt = exchange.attempts.build(call, route, _RESPONSES, fixes, routed)
    is_same = attempt.translation is None and attempt.calls[0].body is call.body
    prompt_ends = route.kind.prompt_objects_end and has_prompt_object(routed)
    return Relayable(route, attempt, prompt_ends) if is_same else None
