"""Engines, the name of models until 2022: their cards, and requests with one in the path.

OpenAI shut `/v1/engines` down in December 2022. openai-python 0.28 still calls
`/v1/engines/{engine}/completions` and similar paths if a program passes `engine=`.
"""

from collections.abc import Iterable, Mapping

from gateway.envelopes.upstream_json import NOT_JSON, decode
from gateway.errors import InvalidRequest, UpstreamError
from gateway.shapes import Json
from gateway.translate.parts.fields import finite_number
from gateway.translate.schema.errors import type_name

MODERN_PATHS: Mapping[str, str] = {
    "completions": "/completions",
    "chat/completions": "/chat/completions",
    "edits": "/edits",
    "embeddings": "/embeddings",
}
"""The path below an engine, and the path that serves it with `model` in the body."""

REMOVED = frozenset(
    {"search", "answers", "classifications", "generate", "completions/browser_stream"}
)
"""Paths below an engine without a successor: see `removed`."""

_NAMES = ("model", "engine", "deployment_id")
"""Fields of a body that may name the model, besides the path."""
WITHOUT_PLACE = ("timeout",)
"""Fields that libraries of those years send only to engines, to wait until one is ready."""


def with_model(body: Json, engine: str) -> Json:
    """Return a request with the engine of its path as `model`, without `WITHOUT_PLACE` fields.

    Raises `InvalidRequest` if the body names another model, in any field.
    """
    for name in _NAMES:
        _check_name(name, body.get(name), engine)
    left_out = (*_NAMES, *WITHOUT_PLACE)
    kept = {name: value for name, value in body.items() if name not in left_out}
    return {**kept, "model": engine}


def without_place(body: Json) -> list[str]:
    """Return the names of the fields, other than the model's, that `with_model` leaves out."""
    return [name for name in WITHOUT_PLACE if body.get(name) is not None]


def _check_name(name: str, given: object, engine: str) -> None:
    if given is None or given == engine:
        return
    named = f"'{given[:200]}'" if isinstance(given, str) else type_name(given)
    both = "both model and engine" if name == "model" else f"two engines, one in '{name}'"
    raise InvalidRequest(
        f"Cannot specify {both}: the path names '{engine[:200]}', the body {named}. Leave '{name}' "
        "out.",
        param=name,
        code="invalid_value",
    )


def client_param(param: str | None) -> str | None:
    """Return the client's name of a parameter: its name for the model is `engine`."""
    return "engine" if param == "model" else param


def engine_from_model(card: object) -> Json:
    """Return the card of a model as an engine; raises `UpstreamError` for a card without id."""
    if not isinstance(card, dict) or not isinstance(card.get("id"), str):
        raise UpstreamError("The upstream's model card has no id.")
    owner = card.get("owned_by")
    created = finite_number(card.get("created"))
    return {
        "id": card["id"],
        "object": "engine",
        "created": None if created is None else int(created),
        "owner": owner if isinstance(owner, str) else None,
        "permissions": None,
        "ready": True,
    }


def engines_from_cards(cards: Iterable[bytes]) -> list[Json]:
    """Return the cards of models, as JSON, as engines; unreadable ones are left out."""
    found: list[Json] = []
    for card in cards:
        try:
            found.append(engine_from_model(decode(card)))
        except (*NOT_JSON, UpstreamError):
            continue
    return found
