"""LocalAI (`core/http`, `api-discovery.md`)."""

from gateway.envelopes.json_fields import quoted, strings
from gateway.servers.presets import UNKNOWN
from gateway.servers.profile import MetadataCall, Profile, any_path
from gateway.servers.reading import (
    EMBEDDINGS,
    IMAGES,
    SPEECH,
    TRANSCRIPTIONS,
    Capability,
    other,
    shapes_if,
)
from gateway.shapes import Json, Shape

_ELSEWHERE = {
    "edit": "edits",
    "embeddings": EMBEDDINGS,
    "rerank": "rerank",
    "transcript": TRANSCRIPTIONS,
    "tts": SPEECH,
    "image": IMAGES,
    "video": "",
}


def _is_localai(entry: Json) -> bool:
    """Whether an entry is of /v1/models/capabilities; LM Studio's have other fields beside it."""
    return bool(strings(entry, "capabilities")) and "input_modalities" in entry


def _capability(entry: Json) -> Capability | None:
    """Read `capabilities` of /v1/models/capabilities, which tells chat from completion."""
    found = set(strings(entry, "capabilities"))
    detail = f"capabilities are {quoted(sorted(found))}"
    if found & {"chat", "completion"}:
        shapes = shapes_if(
            ("chat" in found, Shape.CHAT), ("completion" in found, Shape.COMPLETIONS)
        )
        return Capability(detail, shapes, silent_on=(Shape.RESPONSES,))
    others = [path for capability, path in _ELSEWHERE.items() if capability in found]
    return other(detail, *others) if others else None


PROFILE = Profile(
    name="localai",
    path_doubt=any_path,
    marks=(_is_localai,),
    further_lists=(MetadataCall("/models/capabilities"),),
    has_jobs=False,
    capability=_capability,
    lacks=frozenset({Shape.MESSAGES}),
    # In a list of prompts, items that are not strings are silently skipped.
    capabilities={**UNKNOWN, "token_prompts": False, "reasoning_field": "reasoning"},
)
