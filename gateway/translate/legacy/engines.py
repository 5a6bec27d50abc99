"""Engines, as models were called until 2022: their cards, and requests with one in the path.

OpenAI shut `/v1/engines` down in December 2022. openai-python 0.28 still calls
`/v1/engines/{engine}/completions` and its like whenever a program says `engine=`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from gateway.errors import InvalidRequest, UpstreamError
from gateway.shapes import Json
from gateway.translate.checks import type_name
from gateway.translate.fields import finite_number

MODERN_PATHS: Mapping[str, str] = {
    "completions": "/completions",
    "chat/completions": "/chat/completions",
    "edits": "/edits",
    "embeddings": "/embeddings",
}
"""What follows the engine in a path, and the path that serves it with `model` in the body."""

REMOVED: Mapping[str, str] = {
    "search": (
        "the search endpoint is gone, and its scores cannot be reproduced. Embed the documents "
        "and the query with /v1/embeddings and rank by cosine similarity"
    ),
    "answers": (
        "the answers endpoint is gone. Find the relevant texts with /v1/embeddings, put them into "
        "a prompt, and ask the question at /v1/chat/completions"
    ),
    "classifications": (
        "the classifications endpoint is gone. Put the labelled examples into a prompt for "
        "/v1/chat/completions, or fine-tune a model on them"
    ),
    "generate": (
        "the endpoint of the API's first year is gone. Call /v1/completions, with `context` as "
        "`prompt`, `length` as `max_tokens` and `completions` as `n`"
    ),
}
"""Endpoints without a successor, and what to do instead: completes "…: "."""

_PATH = re.compile(r"/engines(?:/(?P<engine>[^/]+)(?:/(?P<action>.+))?)?\Z", re.DOTALL)
_OF_THE_LIBRARY = ("engine", "deployment_id", "timeout")
"""What openai-python 0.28 may leave in a body beside the engine in the path."""


@dataclass(frozen=True, slots=True)
class EnginePath:
    """A path below `/v1/engines`, taken apart."""

    engine: str | None
    """Decoded; None: all engines."""
    action: str | None
    """What is asked of the engine: `completions`; None: its card."""


def read_path(path: str) -> EnginePath | None:
    """Take apart a raw path below `/v1`; None if it is not about engines.

    The engine is percent-encoded as a form value (`+` is a space): `quote_plus` made it.
    """
    match = _PATH.match(path)
    if match is None:
        return None
    engine = match["engine"]
    return EnginePath(None if engine is None else unquote_plus(engine), match["action"])


def with_model(body: Json, engine: str) -> Json:
    """Return a request with the engine of its path as its `model`.

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
    """Return the client's name of a parameter: its model is an engine."""
    return "engine" if param == "model" else param


def engine_from_model(card: object) -> Json:
    """Return a model's card as an engine's; raises `UpstreamError` for what is no card."""
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


def engines_from_models(models: Json) -> Json:
    """Return a model list as a list of engines; what is no card is left out.

    Raises `UpstreamError` when it is no list.
    """
    cards = models.get("data")
    if not isinstance(cards, list):
        raise UpstreamError("The upstream's model list has no 'data'.")
    named = [c for c in cards if isinstance(c, dict) and isinstance(c.get("id"), str)]
    return {"object": "list", "data": [engine_from_model(card) for card in named]}
