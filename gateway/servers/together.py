"""Together (together-python, resources and types)."""

from gateway.envelopes.json_fields import child, quoted, text
from gateway.servers.presets import HOSTED, TEXT_ONLY
from gateway.servers.profile import Profile
from gateway.servers.reading import (
    EMBEDDINGS,
    IMAGES,
    SPEECH,
    TRANSCRIPTIONS,
    Capability,
    other,
)
from gateway.shapes import Json, Shape

_TYPES = {"chat": Shape.CHAT, "language": Shape.COMPLETIONS, "code": Shape.COMPLETIONS}
_ELSEWHERE = {
    "image": IMAGES,
    "embedding": EMBEDDINGS,
    "rerank": "rerank",
    "audio": SPEECH,
    "transcribe": TRANSCRIPTIONS,
    "video": "",
}


def _is_together(entry: Json) -> bool:
    return "type" in entry and "hourly" in child(entry, "pricing")


def _capability(entry: Json) -> Capability | None:
    """Read `type`. `moderation` decides nothing: Llama Guard generates its verdict."""
    kind_of_model = text(entry, "type")
    if kind_of_model in _TYPES:
        silent_on = (Shape.COMPLETIONS, Shape.RESPONSES) if kind_of_model == "chat" else ()
        return Capability(
            f"type is {quoted(kind_of_model)}", (_TYPES[kind_of_model],), silent_on=silent_on
        )
    if kind_of_model in _ELSEWHERE:
        return other(f"type is {quoted(kind_of_model)}", _ELSEWHERE[kind_of_model])
    return None


PROFILE = Profile(
    name="together",
    hosts=("api.together.xyz", "api.together.ai"),
    bare_marks=(_is_together,),
    own_fine_tunes=True,
    capability=_capability,
    context_fields=("context_length",),
    routes=frozenset({Shape.CHAT, Shape.COMPLETIONS}),
    lacks=frozenset({Shape.MESSAGES}),
    capabilities={**HOSTED, **TEXT_ONLY},
    # At Together's chat, `logprobs` is a number, without a `top_logprobs` beside it.
    at_endpoint={Shape.CHAT: {"logprobs": False}},
)
