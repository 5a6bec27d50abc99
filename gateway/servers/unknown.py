"""Servers that have no profile of their own.

Some name the endpoints of each model in their list: GitHub Copilot and Poe as paths in
`supported_endpoints` (caozhiyuan/copilot-api#113), Novita and Tinfoil in `endpoints` (Novita's
messages, `anthropic`, have another base URL), new-api as words in `supported_endpoint_types` (its
constant/endpoint_type.go and common/endpoint_type.go).
"""

from dataclasses import replace

from gateway.envelopes.json_fields import quoted, strings
from gateway.servers.profile import Profile
from gateway.servers.reading import EMBEDDINGS, IMAGES, SPEECH, TRANSCRIPTIONS, Capability, other
from gateway.shapes import Json, Shape

_PATHS, _WORDS = ("supported_endpoints", "endpoints"), "supported_endpoint_types"
_SHAPES = {
    **{shape.path.removeprefix("/"): shape for shape in Shape},
    "openai": Shape.CHAT,
    "openai-response": Shape.RESPONSES,
    "anthropic": Shape.MESSAGES,
}
_ELSEWHERE = {
    **{
        path: path for path in (EMBEDDINGS, IMAGES, SPEECH, TRANSCRIPTIONS, "moderations", "rerank")
    },
    "image-generation": IMAGES,
    "jina-rerank": "rerank",
    "openai-video": "videos",
}


def _capability(entry: Json) -> Capability | None:
    """Read the field that has endpoints as paths, or else the one that has them as words.

    Paths name all endpoints of a model. Words name chat for every model that new-api converts
    requests for; such a model may live at other endpoints, too.
    """
    key = next((each for each in _PATHS if strings(entry, each)), _WORDS)
    named = strings(entry, key)
    detail = f"{key} are {quoted(named)}"
    homes = [name.removeprefix("/").removeprefix("v1/") for name in named]
    shapes = tuple(dict.fromkeys(_SHAPES[home] for home in homes if home in _SHAPES))
    if not shapes:
        others = [_ELSEWHERE[home] for home in homes if home in _ELSEWHERE]
        return other(detail, *others) if others else None
    is_whole = key in _PATHS or Shape.CHAT not in shapes
    silent_on = () if is_whole else tuple(shape for shape in Shape if shape not in shapes)
    return Capability(detail, shapes, silent_on=silent_on)


OTHER = Profile(
    name="other",
    is_unknown=True,
    capability=_capability,
    base_fields=("parent",),
    context_fields=("max_model_len",),
)
"""Software without a profile."""

AUTO = replace(OTHER, name="auto", prompt_objects_end=True)
"""Software that is not known yet: the model list will show it."""
