"""Which software answered, told by its model list. Pure, and unsure rather than wrong."""

from collections.abc import Callable, Mapping
from itertools import islice

from gateway.config.settings import Kind
from gateway.envelopes.json_fields import child, is_list, objects, strings, text
from gateway.shapes import Json

_SAMPLE = 50
"""Entries looked at: a list is written by one program, all alike."""
_LITELLM_CREATED = 1677610602
"""What LiteLLM says of every model's creation (litellm.constants, DEFAULT_MODEL_CREATED_AT_TIME);
OpenAI says it of gpt-3.5-turbo."""
_PLAIN_KEYS = {"id", "object", "created", "owned_by"}


def recognise(payload: object, headers: Mapping[str, str] | None = None) -> Kind | None:
    """Return the kind of server that gave this model list with these reply headers.

    Every entry must bear the same software's mark; a list that several could have written, or that
    mixes marks as aggregators' do, gives None. Header names may be in any case.
    """
    return _by_headers(headers or {}) or _by_entries(payload)


def _by_headers(headers: Mapping[str, str]) -> Kind | None:
    named = {name.lower(): value for name, value in headers.items()}
    if named.get("server") == "llama.cpp":
        return Kind.LLAMACPP
    if "x-litellm-version" in named:
        return Kind.LITELLM
    if "openai-version" in named:
        # Azure is a front of its own before the same service.
        return Kind.AZURE if "apim-request-id" in named else Kind.OPENAI
    return None


def _by_entries(payload: object) -> Kind | None:
    bare = is_list(payload)
    listed: object = payload
    if isinstance(payload, dict):
        listed = payload["data"] if is_list(payload.get("data")) else payload.get("models")
    sample = list(islice(objects(listed), _SAMPLE))
    if not sample:
        return None
    for kind, bears_mark in _BARE_MARKS if bare else _MARKS:
        if all(bears_mark(entry) for entry in sample):
            return kind
    return _by_whole_list(sample)


def _by_whole_list(sample: list[Json]) -> Kind | None:
    """Recognise lists by what their entries have in common, where one alone proves nothing."""
    if len(sample) > 1 and all(entry.get("created") == _LITELLM_CREATED for entry in sample):
        return Kind.LITELLM
    # Ollama names the owner's namespace, so one user's own models bear other names.
    tagged = all(set(entry) == _PLAIN_KEYS and ":" in (text(entry, "id") or "") for entry in sample)
    if tagged and any(entry["owned_by"] == "library" for entry in sample):
        return Kind.OLLAMA
    return None


def _owned_by(owner: str) -> Callable[[Json], bool]:
    return lambda entry: entry.get("owned_by") == owner


def _has(*keys: str) -> Callable[[Json], bool]:
    return lambda entry: all(key in entry for key in keys)


def _is_azure(entry: Json) -> bool:
    return "chat_completion" in child(entry, "capabilities") or (
        entry.get("object") == "deployment" and "scale_settings" in entry
    )


def _is_deepseek(entry: Json) -> bool:
    own_id = (text(entry, "id") or "").startswith("deepseek")
    return own_id and entry.get("owned_by") == "deepseek"


def _is_fireworks(entry: Json) -> bool:
    name = text(entry, "id") or text(entry, "name") or ""
    return name.startswith("accounts/") and "kind" in entry


def _is_gemini(entry: Json) -> bool:
    compatible = (text(entry, "id") or "").startswith("models/")
    return "supportedGenerationMethods" in entry or (
        compatible and entry.get("owned_by") == "google"
    )


def _is_huggingface(entry: Json) -> bool:
    return isinstance(entry.get("providers"), list) and "architecture" in entry


def _is_localai(entry: Json) -> bool:
    """Its /v1/models/capabilities; LM Studio lists capabilities beside its own fields."""
    return bool(strings(entry, "capabilities")) and "input_modalities" in entry


def _is_ollama(entry: Json) -> bool:
    """Its /api/tags; the compatible list is told by `_by_whole_list`."""
    return "digest" in entry and "quantization_level" in child(entry, "details")


def _is_openai(entry: Json) -> bool:
    """With the shutdown date of August 2026; the lists before it are everyone's."""
    return set(entry) == _PLAIN_KEYS | {"shutdown_date"}


def _is_openrouter(entry: Json) -> bool:
    return "instruct_type" in child(entry, "architecture") and "supported_parameters" in entry


def _is_tgi(entry: Json) -> bool:
    """Tell by the model being its own owner, created at zero."""
    return text(entry, "id") == entry.get("owned_by") and entry.get("created") == 0


def _is_together(entry: Json) -> bool:
    return "type" in entry and "hourly" in child(entry, "pricing")


_MARKS: tuple[tuple[Kind, Callable[[Json], bool]], ...] = (
    (Kind.VLLM, _owned_by("vllm")),
    (Kind.SGLANG, _owned_by("sglang")),
    (Kind.LLAMACPP, _owned_by("llamacpp")),
    (Kind.LMSTUDIO, _owned_by("organization_owner")),
    (Kind.LMSTUDIO, _has("compatibility_type", "max_context_length")),
    (Kind.LMSTUDIO, _has("key", "loaded_instances")),
    (Kind.LLAMA_CPP_PYTHON, lambda entry: entry.get("owned_by") == "me" and "permissions" in entry),
    (Kind.LITELLM, _has("model_name", "model_info")),
    (Kind.GROQ, _has("active", "context_window", "public_apps")),
    (Kind.MISTRAL, lambda entry: "completion_chat" in child(entry, "capabilities")),
    (Kind.AZURE, _is_azure),
    (Kind.DEEPSEEK, _is_deepseek),
    (Kind.FIREWORKS, _is_fireworks),
    (Kind.GEMINI, _is_gemini),
    (Kind.HUGGINGFACE, _is_huggingface),
    (Kind.LOCALAI, _is_localai),
    (Kind.OLLAMA, _is_ollama),
    (Kind.OPENAI, _is_openai),
    (Kind.OPENROUTER, _is_openrouter),
    (Kind.TGI, _is_tgi),
)
_BARE_MARKS: tuple[tuple[Kind, Callable[[Json], bool]], ...] = (
    (Kind.TOGETHER, _is_together),
    (Kind.GITHUB, _has("registry", "publisher", "supported_output_modalities")),
    (Kind.MISTRAL, lambda entry: "completion_chat" in child(entry, "capabilities")),
)
"""Marks in lists without an envelope, of those that send such."""
