"""LiteLLM's proxy (`model_management.md`)."""

from collections.abc import Sequence

from gateway.envelopes.json_fields import child, quoted, strings, text
from gateway.servers.presets import UNKNOWN
from gateway.servers.profile import MetadataCall, Profile, any_path
from gateway.servers.reading import (
    EMBEDDINGS,
    IMAGES,
    SPEECH,
    TRANSCRIPTIONS,
    Capability,
    has,
    other,
)
from gateway.shapes import Json, Shape

_CREATED = 1677610602
"""The `created` of all models on LiteLLM's list (litellm.constants, DEFAULT_MODEL_CREATED_AT_TIME);
at OpenAI, gpt-3.5-turbo has it."""
_MODES = {"chat": Shape.CHAT, "completion": Shape.COMPLETIONS, "responses": Shape.RESPONSES}
_ELSEWHERE = {
    "embedding": EMBEDDINGS,
    "image_generation": IMAGES,
    "image_edit": "images/edits",
    "audio_transcription": TRANSCRIPTIONS,
    "audio_speech": SPEECH,
    "moderation": "moderations",
    "rerank": "rerank",
    "realtime": "realtime",
    "video_generation": "videos",
}
_PATHS = {"/v1/chat/completions": Shape.CHAT, "/v1/responses": Shape.RESPONSES}


def _all_created_at_once(entries: Sequence[Json]) -> bool:
    return len(entries) > 1 and all(entry.get("created") == _CREATED for entry in entries)


def _capability(entry: Json) -> Capability | None:
    """Read `model_info.mode` of /model/info, and `supported_endpoints` if LiteLLM knows them.

    /v1/completions among these is ignored: LiteLLM's table has it for models that refuse it (o3).
    """
    model_info = child(entry, "model_info")
    mode = text(model_info, "mode")
    if mode in _ELSEWHERE:
        return other(f"model_info.mode is {quoted(mode)}", _ELSEWHERE[mode])
    if mode in _MODES:
        listed = strings(model_info, "supported_endpoints")
        also = tuple(shape for path, shape in _PATHS.items() if path in listed)
        shapes = tuple(dict.fromkeys((_MODES[mode], *also)))
        silent_on: tuple[Shape, ...] = (Shape.MESSAGES,)
        if mode == "chat" and not listed:
            silent_on = (Shape.RESPONSES, Shape.MESSAGES)
        return Capability(f"model_info.mode is {quoted(mode)}", shapes, silent_on=silent_on)
    target = text(child(entry, "litellm_params"), "model")
    if mode is None and target and target.startswith("text-completion-openai/"):
        return Capability(f"litellm_params.model is {quoted(target)}", (Shape.COMPLETIONS,))
    return None


PROFILE = Profile(
    name="litellm",
    tried="1.108.7",
    path_doubt=any_path,
    is_front=True,
    header_mark=lambda headers: "x-litellm-version" in headers,
    marks=(has("model_name", "model_info"),),
    list_mark=_all_created_at_once,
    # Served with and without /v1, whichever the base URL has.
    further_lists=(MetadataCall("/model/info"),),
    name_keys=("model_name", "id"),
    capability=_capability,
    base_fields=("model_info.base_model", "litellm_params.model", "model_info.key"),
    # Lists of prompts reach providers unchanged; these join them, or refuse them (litellm#5558,
    # litellm#3215).
    capabilities={**UNKNOWN, "prompt_list": False},
)
