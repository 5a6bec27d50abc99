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

_OF_THE_LIBRARY = ("engine", "deployment_id", "timeout")
"""What openai-python 0.28 may send in a body although the engine is in the path."""


def with_model(body: Json, engine: str) -> Json:
    """Return a request with the engine of its path as `model`.

    Raises `InvalidRequest` when the body names another model.
    """
    model = body.get("model")
    if model is not None and model != engine:
        named = f"'{model[:200]}'" if isinstance(model, str) else type_name(model)
        raise InvalidRequest(
            "Cannot specify both model and engine: the path names "
            f"'{engine[:200]}', the body {named}. Leave 'model' out.",
            param="model",
            code="invalid_value",
        )
    kept = {name: value for name, value in body.items() if name not in _OF_THE_LIBRARY}
    return {**kept, "model": engine}


def client_param(param: str | None) -> str | None:
    """Return the client's name of a parameter: a model is its engine."""
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
