"""Errors for clients about a model that the upstream does not have, or not for generation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from gateway.errors import GatewayError, InvalidRequest, ModelNotFound
from gateway.exchange.client_warnings import is_retired, redirect_warning
from gateway.exchange.errors.names_of_aliases import upstreams_words
from gateway.resolve.evidence import Route
from gateway.resolve.refusals.classify import Refusal, Verdict
from gateway.shapes import Shape
from gateway.translate.parts.sentences import joined


@dataclass(frozen=True, slots=True)
class Search:
    """Where the gateway has looked for a model."""

    tried: Sequence[Shape]
    """The endpoints that were asked, in order."""
    unfit: Mapping[Shape, GatewayError] = field(default_factory=dict)
    """The endpoints that the request cannot be translated for, and why."""
    nearest: Sequence[str] = ()
    """Ids of models that are similar to the one asked for."""


def lives_elsewhere(
    route: Route, refusal: Refusal, status: int, today: date
) -> GatewayError | None:
    """Return the refusal of a model that generates no text, with the endpoint to call.

    None if the refusal is about something else, or the endpoint is not known. `status` is the
    upstream's. The upstream's words count more than what is known of the model's name, which says
    nothing about a model that was shut down, or a deployment that Azure does not have.
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
            upstreams_words(refusal, route),
            f"The model '{route.model_asked}' lives at {listed}",
            f"Call {which}",
        ),
        param="model",
        code=_word(refusal.code),
        type=refusal.type,
        status=_status(status),
    )


def _status(status: int) -> int:
    """Return the upstream's status; 404 for a refusal under a status of success, or under 401."""
    return status if status >= 400 and status != 401 else 404


def _word(code: str | None) -> str | None:
    """Return an upstream's code if it is a word: some upstreams repeat the status there."""
    return code if code and not code.isdecimal() else None


def model_not_found(
    route: Route, refusal: Refusal, status: int, search: Search, today: date
) -> ModelNotFound:
    """Return the error: what was checked, similar ids, and whether the model was retired."""
    words = [upstreams_words(refusal, route) or f"The model '{route.model_asked}' does not exist"]
    if route.redirected_to is not None:
        words.append(f"({redirect_warning(route.model_asked, route.redirected_to)}.)")
    elif route.model_sent != route.model_asked:
        words.append(f"('{route.model_asked}' is an alias of '{route.model_sent}'.)")
    retired = is_retired(route, today)
    if retired:
        words.append(f"It was shut down on {route.retired}")
    if retired or refusal.replacement is not None or refusal.verdict is Verdict.MODEL_RETIRED:
        words.append(_alias_advice(route, refusal.replacement or route.replacement))
    endpoints = ", ".join(dict.fromkeys(shape.endpoint for shape in search.tried))
    words.append(f"The gateway asked upstream '{route.upstream}' at {endpoints}")
    for shape, error in search.unfit.items():
        words.append(f"It could not ask at {shape.endpoint}: {error.message}")
    words.append(f"What it knows: {'; '.join(piece.detail for piece in route.evidence)}")
    if search.nearest:
        words.append(f"Did you mean {' or '.join(repr(name) for name in search.nearest)}?")
    return ModelNotFound(
        joined(*words), param="model", code=_word(refusal.code), status=_status(status)
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
