"""The fields by which each kind of server says what a model can do, read from one list entry.

Flags that are known not to be dependable do not decide: Fireworks says `supports_chat` of embedding
models too, llama.cpp says `completion` of every model and answers chat with a default template,
TGI's pipeline tag is the Hub's. Kinds without a reader here publish no such field.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.config.settings import Kind
from gateway.envelopes.json_fields import child, shown, strings, text
from gateway.shapes import Json, Shape

_CHAT, _COMPLETIONS, _RESPONSES = Shape.CHAT, Shape.COMPLETIONS, Shape.RESPONSES
_EMBEDDINGS, _IMAGES = "embeddings", "images/generations"
_SPEECH, _TRANSCRIPTIONS = "audio/speech", "audio/transcriptions"


@dataclass(frozen=True, slots=True)
class Capability:
    """What one field says about where a model lives."""

    detail: str
    """The field and its value, in a sentence."""
    shapes: tuple[Shape, ...] = ()
    """The endpoints it establishes; empty: it only tells generating models from others."""
    generative: bool = True
    """False: embeds, draws, ranks …, and lives at none of the three endpoints."""
    silent_on: tuple[Shape, ...] = ()
    """Endpoints that such a server may have but this field never mentions, so that their absence
    from `shapes` means nothing."""
    elsewhere: tuple[str, ...] = ()
    """Where it lives if it is not generative, as paths below `/v1`; empty: the field does not say,
    or the server has no such path."""


def read_capability(entry: Json, kind: Kind) -> Capability | None:
    """Return what an entry of that kind's model list says; None when it says nothing."""
    reader = _READERS.get(kind)
    return reader(entry) if reader else None


def _azure(entry: Json) -> Capability | None:
    """`capabilities` {chat_completion, completion, embeddings} (azure-rest-api-specs)."""
    flags = child(entry, "capabilities")
    chat, completion = flags.get("chat_completion") is True, flags.get("completion") is True
    if chat or completion:
        return Capability(
            f"capabilities.chat_completion is {shown(chat)}, .completion is {shown(completion)}",
            _chosen((chat, _CHAT), (completion, _COMPLETIONS)),
            silent_on=(_RESPONSES,) if chat else (),
        )
    if flags.get("embeddings") is True:
        return _other("of its capabilities only embeddings is true", _EMBEDDINGS)
    return None


_MISTRAL_OTHERS = {
    "completion_fim": "fim/completions",
    "classification": "classifications",
    "moderation": "moderations",
    "ocr": "ocr",
    "audio_transcription": "audio/transcriptions",
    "audio_speech": "audio/speech",
}


def _mistral(entry: Json) -> Capability | None:
    """`capabilities.completion_chat`; fill-in-the-middle has an endpoint of its own there."""
    flags = child(entry, "capabilities")
    chat = flags.get("completion_chat")
    if not isinstance(chat, bool):
        return None
    detail = f"capabilities.completion_chat is {shown(chat)}"
    if chat:
        return Capability(detail, (_CHAT,))
    return _other(
        detail, *(path for flag, path in _MISTRAL_OTHERS.items() if flags.get(flag) is True)
    )


_TOGETHER_TYPES: dict[str, tuple[Shape, ...]] = {
    "chat": (_CHAT,),
    "language": (_COMPLETIONS,),
    "code": (_COMPLETIONS,),
}
_TOGETHER_OTHERS = {
    "image": _IMAGES,
    "embedding": _EMBEDDINGS,
    "rerank": "rerank",
    "audio": _SPEECH,
    "transcribe": _TRANSCRIPTIONS,
    "video": "",
}


def _together(entry: Json) -> Capability | None:
    """`type`; a `moderation` model (Llama Guard) generates its verdict, so that decides nothing."""
    kind_of_model = text(entry, "type")
    if kind_of_model in _TOGETHER_TYPES:
        shapes = _TOGETHER_TYPES[kind_of_model]
        silent_on = (_COMPLETIONS, _RESPONSES) if kind_of_model == "chat" else ()
        return Capability(f"type is {shown(kind_of_model)}", shapes, silent_on=silent_on)
    if kind_of_model in _TOGETHER_OTHERS:
        return _other(f"type is {shown(kind_of_model)}", _TOGETHER_OTHERS[kind_of_model])
    return None


def _lmstudio(entry: Json) -> Capability | None:
    """`type` of /api/v0/models and /api/v1/models.

    Any language model is served at every endpoint; /v1/responses came after v0 and before v1, whose
    entries have a `key`.
    """
    kind_of_model = text(entry, "type")
    if kind_of_model in {"embedding", "embeddings"}:
        return _other(f"type is {shown(kind_of_model)}", _EMBEDDINGS)
    if kind_of_model not in {"llm", "vlm"}:
        return None
    detail = f"type is {shown(kind_of_model)}"
    if "key" in entry:
        return Capability(detail, (_CHAT, _RESPONSES, _COMPLETIONS))
    return Capability(detail, (_CHAT, _COMPLETIONS), silent_on=(_RESPONSES,))


_OLLAMA_OTHERS = {"embedding": _EMBEDDINGS, "image": _IMAGES}


def _ollama(entry: Json) -> Capability | None:
    """`capabilities` of /api/show: `completion` means chat and completions alike.

    /v1/responses exists since 0.13.3, which the reply does not tell.
    """
    found = strings(entry, "capabilities")
    detail = f"capabilities are {shown(found)}"
    if "completion" in found:
        return Capability(detail, (_CHAT, _COMPLETIONS), silent_on=(_RESPONSES,))
    others = [path for capability, path in _OLLAMA_OTHERS.items() if capability in found]
    return _other(detail, *others) if others else None


_LOCALAI_OTHERS = {
    "edit": "edits",
    "embeddings": _EMBEDDINGS,
    "rerank": "rerank",
    "transcript": _TRANSCRIPTIONS,
    "tts": _SPEECH,
    "image": _IMAGES,
    "video": "",
}


def _localai(entry: Json) -> Capability | None:
    """`capabilities` of /v1/models/capabilities, which names chat and completion apart."""
    found = set(strings(entry, "capabilities"))
    detail = f"capabilities are {shown(sorted(found))}"
    if found & {"chat", "completion"}:
        shapes = _chosen(("chat" in found, _CHAT), ("completion" in found, _COMPLETIONS))
        return Capability(detail, shapes, silent_on=(_RESPONSES,))
    others = [path for capability, path in _LOCALAI_OTHERS.items() if capability in found]
    return _other(detail, *others) if others else None


_LITELLM_MODES = {"chat": _CHAT, "completion": _COMPLETIONS, "responses": _RESPONSES}
_LITELLM_OTHERS = {
    "embedding": _EMBEDDINGS,
    "image_generation": _IMAGES,
    "image_edit": "images/edits",
    "audio_transcription": _TRANSCRIPTIONS,
    "audio_speech": _SPEECH,
    "moderation": "moderations",
    "rerank": "rerank",
    "realtime": "realtime",
    "video_generation": "videos",
}
_LITELLM_PATHS = {"/v1/chat/completions": _CHAT, "/v1/responses": _RESPONSES}


def _litellm(entry: Json) -> Capability | None:
    """`model_info.mode` of /model/info, widened by `supported_endpoints` where that is known.

    Not by its /v1/completions, which LiteLLM's table claims for models that refuse it (o3).
    """
    model_info = child(entry, "model_info")
    mode = text(model_info, "mode")
    if mode in _LITELLM_OTHERS:
        return _other(f"model_info.mode is {shown(mode)}", _LITELLM_OTHERS[mode])
    if mode in _LITELLM_MODES:
        listed = strings(model_info, "supported_endpoints")
        also = tuple(shape for path, shape in _LITELLM_PATHS.items() if path in listed)
        shapes = tuple(dict.fromkeys((_LITELLM_MODES[mode], *also)))
        silent_on = (_RESPONSES,) if mode == "chat" and not listed else ()
        return Capability(f"model_info.mode is {shown(mode)}", shapes, silent_on=silent_on)
    target = text(child(entry, "litellm_params"), "model")
    if mode is None and target and target.startswith("text-completion-openai/"):
        return Capability(f"litellm_params.model is {shown(target)}", (_COMPLETIONS,))
    return None


def _fireworks(entry: Json) -> Capability | None:
    """`kind`, then `supports_chat` (inference API) or `conversationConfig` (control plane)."""
    if text(entry, "kind") == "EMBEDDING_MODEL":
        return _other('kind is "EMBEDDING_MODEL"', _EMBEDDINGS)
    supports_chat = entry.get("supports_chat")
    if isinstance(supports_chat, bool):
        detail = f"supports_chat is {shown(supports_chat)}"
    elif isinstance(entry.get("conversationConfig"), dict):
        supports_chat, detail = True, "conversationConfig is set"
    else:
        return None
    if supports_chat:
        return Capability(detail, (_CHAT,), silent_on=(_COMPLETIONS, _RESPONSES))
    return Capability(detail, (_COMPLETIONS,))


def _gemini(entry: Json) -> Capability | None:
    """`supportedGenerationMethods` of the native list; the compatible API generates at chat."""
    methods = strings(entry, "supportedGenerationMethods")
    if not methods:
        return None
    detail = f"supportedGenerationMethods are {shown(methods)}"
    if "generateContent" in methods:
        return Capability(detail, (_CHAT,))
    return _other(detail, _EMBEDDINGS if "embedContent" in methods else "")


def _github(entry: Json) -> Capability | None:
    """`supported_output_modalities`; chat is the one endpoint where GitHub Models makes text."""
    return _by_modalities(entry, "supported_output_modalities", text_at=(_CHAT,))


def _huggingface(entry: Json) -> Capability | None:
    """`architecture.output_modalities`; the router lists chat models only."""
    architecture = child(entry, "architecture")
    return _by_modalities(architecture, "output_modalities", (_CHAT,), silent_on=(_RESPONSES,))


def _openrouter(entry: Json) -> Capability | None:
    """`architecture.output_modalities`: text models are offered at every endpoint."""
    return _by_modalities(child(entry, "architecture"), "output_modalities")


def _deepseek(entry: Json) -> Capability | None:
    """`output_modalities` of the list as it is since 2026."""
    return _by_modalities(entry, "output_modalities")


def _sglang(entry: Json) -> Capability | None:
    """`is_generation` of /model_info: false for embedding and reward models."""
    flag = entry.get("is_generation")
    if not isinstance(flag, bool):
        return None
    return Capability(f"is_generation is {shown(flag)}", generative=flag)


def _by_modalities(
    holder: Json,
    key: str,
    text_at: tuple[Shape, ...] = (),
    silent_on: tuple[Shape, ...] = (),
) -> Capability | None:
    modalities = strings(holder, key)
    if not modalities:
        return None
    detail = f"{key} are {shown(modalities)}"
    if "text" in modalities:
        return Capability(detail, text_at, silent_on=silent_on)
    return _other(detail, _EMBEDDINGS if "embeddings" in modalities else "")


def _other(detail: str, *paths: str) -> Capability:
    """Return the capability of a model that generates no text; an empty path is none."""
    return Capability(detail, generative=False, elsewhere=tuple(filter(None, paths)))


def _chosen(*options: tuple[bool, Shape]) -> tuple[Shape, ...]:
    return tuple(shape for holds, shape in options if holds)


_READERS: dict[Kind, Callable[[Json], Capability | None]] = {
    Kind.AZURE: _azure,
    Kind.DEEPSEEK: _deepseek,
    Kind.FIREWORKS: _fireworks,
    Kind.GEMINI: _gemini,
    Kind.GITHUB: _github,
    Kind.HUGGINGFACE: _huggingface,
    Kind.LITELLM: _litellm,
    Kind.LMSTUDIO: _lmstudio,
    Kind.LOCALAI: _localai,
    Kind.MISTRAL: _mistral,
    Kind.OLLAMA: _ollama,
    Kind.OPENROUTER: _openrouter,
    Kind.SGLANG: _sglang,
    Kind.TOGETHER: _together,
}
