"""Xinference (`api/restful_api.py`, and `to_description` of its models)."""

from gateway.envelopes.json_fields import quoted, strings, text
from gateway.servers.presets import SELF_HOSTED, TEXT_ONLY
from gateway.servers.profile import Profile
from gateway.servers.reading import (
    EMBEDDINGS,
    IMAGES,
    SPEECH,
    TRANSCRIPTIONS,
    Capability,
    other,
    owned_by,
    shapes_if,
)
from gateway.shapes import Json, Shape

_ELSEWHERE = {"embedding": EMBEDDINGS, "image": IMAGES, "rerank": "rerank", "video": ""}
_TEXT = Shape.COMPLETIONS
_WITH_CHAT = frozenset({_TEXT, Shape.RESPONSES, Shape.MESSAGES})
_OF_AUDIO = {"text2audio": SPEECH, "audio2text": TRANSCRIPTIONS}


def _capability(entry: Json) -> Capability | None:
    """Read `model_type` and, for language models, `model_ability`.

    A model without `chat` has no template, so it has neither responses nor messages, which the
    server makes of chat. A model with `chat` has completions all the same.
    """
    kind, abilities = text(entry, "model_type"), strings(entry, "model_ability")
    detail = f"model_ability is {quoted(abilities)}"
    if kind == "LLM":
        shapes = shapes_if(("chat" in abilities, Shape.CHAT), ("generate" in abilities, _TEXT))
        silent_on = _WITH_CHAT - set(shapes) if Shape.CHAT in shapes else ()
        return Capability(detail, shapes, silent_on=tuple(sorted(silent_on))) if shapes else None
    if kind == "audio":
        return other(detail, *(path for name, path in _OF_AUDIO.items() if name in abilities))
    return other(f"model_type is {quoted(kind)}", _ELSEWHERE[kind]) if kind in _ELSEWHERE else None


PROFILE = Profile(
    name="xinference",
    marks=(owned_by("xinference"),),
    has_jobs=False,
    capability=_capability,
    # Its `context_length` is the family's: less may be loaded.
    capabilities={
        **SELF_HOSTED,
        **TEXT_ONLY,
        # `n` is left out of what the engine gets; a bias is 501 "Not implemented".
        "n": False,
        "logit_bias": False,
    },
)
