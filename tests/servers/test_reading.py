from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.servers import PROFILES, Profile
from gateway.shapes import Shape
from tests import kinds
from tests.resolve.payloads import JSON

CHAT, COMPLETIONS, RESPONSES = Shape.CHAT, Shape.COMPLETIONS, Shape.RESPONSES
NOTHING = None
NOT_GENERATIVE: tuple[Shape, ...] = ()


def azure(**flags: object) -> dict[str, Any]:
    return {"capabilities": flags}


def litellm(mode: object = None, **more: object) -> dict[str, Any]:
    return {"model_info": {"mode": mode, **more}}


CASES: list[tuple[Profile, dict[str, Any], tuple[Shape, ...] | None]] = [
    (kinds.AZURE, azure(chat_completion=True, completion=False, embeddings=False), (CHAT,)),
    (kinds.AZURE, azure(chat_completion=False, completion=True), (COMPLETIONS,)),
    (kinds.AZURE, azure(chat_completion=True, completion=True), (CHAT, COMPLETIONS)),
    (
        kinds.AZURE,
        azure(chat_completion=False, completion=False, embeddings=True),
        NOT_GENERATIVE,
    ),
    (kinds.AZURE, azure(chat_completion=False, completion=False, embeddings=False), NOTHING),
    (kinds.AZURE, azure(chat_completion="true", completion=1), NOTHING),
    (kinds.AZURE, {"capabilities": ["chat_completion"]}, NOTHING),
    (kinds.AZURE, {}, NOTHING),
    (kinds.MISTRAL, azure(completion_chat=True), (CHAT,)),
    (kinds.MISTRAL, azure(completion_chat=False, completion_fim=True), NOT_GENERATIVE),
    (kinds.MISTRAL, azure(ocr=True), NOTHING),
    (kinds.TOGETHER, {"type": "chat"}, (CHAT,)),
    (kinds.TOGETHER, {"type": "language"}, (COMPLETIONS,)),
    (kinds.TOGETHER, {"type": "code"}, (COMPLETIONS,)),
    (kinds.TOGETHER, {"type": "embedding"}, NOT_GENERATIVE),
    (kinds.TOGETHER, {"type": "rerank"}, NOT_GENERATIVE),
    (kinds.TOGETHER, {"type": "moderation"}, NOTHING),
    (kinds.TOGETHER, {"type": "unheard-of"}, NOTHING),
    (kinds.TOGETHER, {"type": ["chat"]}, NOTHING),
    (kinds.LMSTUDIO, {"id": "m", "type": "llm"}, (CHAT, COMPLETIONS)),
    (kinds.LMSTUDIO, {"id": "m", "type": "vlm"}, (CHAT, COMPLETIONS)),
    (kinds.LMSTUDIO, {"key": "m", "type": "llm"}, (CHAT, RESPONSES, COMPLETIONS)),
    (kinds.LMSTUDIO, {"id": "m", "type": "embeddings"}, NOT_GENERATIVE),
    (kinds.LMSTUDIO, {"key": "m", "type": "embedding"}, NOT_GENERATIVE),
    (kinds.LMSTUDIO, {"id": "m", "object": "model"}, NOTHING),
    (kinds.OLLAMA, {"capabilities": ["completion", "tools"]}, (CHAT, COMPLETIONS)),
    (kinds.OLLAMA, {"capabilities": ["completion", "embedding"]}, (CHAT, COMPLETIONS)),
    (kinds.OLLAMA, {"capabilities": ["embedding"]}, NOT_GENERATIVE),
    (kinds.OLLAMA, {"capabilities": ["image"]}, NOT_GENERATIVE),
    (kinds.OLLAMA, {"capabilities": ["vision"]}, NOTHING),
    (kinds.OLLAMA, {"capabilities": []}, NOTHING),
    (kinds.LOCALAI, {"capabilities": ["chat"]}, (CHAT,)),
    (kinds.LOCALAI, {"capabilities": ["completion"]}, (COMPLETIONS,)),
    (kinds.LOCALAI, {"capabilities": ["completion", "embeddings", "chat"]}, (CHAT, COMPLETIONS)),
    (kinds.LOCALAI, {"capabilities": ["tts"]}, NOT_GENERATIVE),
    (kinds.LOCALAI, {"capabilities": ["vision"]}, NOTHING),
    (kinds.LITELLM, litellm("chat"), (CHAT,)),
    (kinds.LITELLM, litellm("completion"), (COMPLETIONS,)),
    (kinds.LITELLM, litellm("responses"), (RESPONSES,)),
    (
        kinds.LITELLM,
        litellm("chat", supported_endpoints=["/v1/responses", "/v1/chat/completions"]),
        (CHAT, RESPONSES),
    ),
    (
        kinds.LITELLM,
        litellm("chat", supported_endpoints=["/v1/chat/completions", "/v1/completions"]),
        (CHAT,),
    ),
    (
        kinds.LITELLM,
        litellm("responses", supported_endpoints=["/v1/responses", "/v1/batch"]),
        (RESPONSES,),
    ),
    (kinds.LITELLM, litellm("embedding"), NOT_GENERATIVE),
    (kinds.LITELLM, litellm("audio_transcription"), NOT_GENERATIVE),
    (kinds.LITELLM, litellm("unheard-of"), NOTHING),
    (
        kinds.LITELLM,
        {"litellm_params": {"model": "text-completion-openai/davinci-002"}},
        (COMPLETIONS,),
    ),
    (kinds.LITELLM, {"litellm_params": {"model": "openai/gpt-4o"}}, NOTHING),
    (kinds.LITELLM, {"id": "gpt-4o", "object": "model"}, NOTHING),
    (kinds.FIREWORKS, {"kind": "HF_BASE_MODEL", "supports_chat": True}, (CHAT,)),
    (kinds.FIREWORKS, {"kind": "HF_BASE_MODEL", "supports_chat": False}, (COMPLETIONS,)),
    (kinds.FIREWORKS, {"kind": "EMBEDDING_MODEL", "supports_chat": True}, NOT_GENERATIVE),
    (kinds.FIREWORKS, {"kind": "HF_PEFT_ADDON", "conversationConfig": {}}, (CHAT,)),
    (kinds.FIREWORKS, {"kind": "HF_PEFT_ADDON", "conversationConfig": None}, NOTHING),
    (kinds.FIREWORKS, {"kind": "HF_PEFT_ADDON"}, NOTHING),
    (kinds.GEMINI, {"supportedGenerationMethods": ["generateContent"]}, (CHAT,)),
    (kinds.GEMINI, {"supportedGenerationMethods": ["embedContent"]}, NOT_GENERATIVE),
    (kinds.GEMINI, {"supportedGenerationMethods": ["bidiGenerateContent"]}, NOT_GENERATIVE),
    (kinds.GEMINI, {"id": "models/gemini-2.5-flash"}, NOTHING),
    (kinds.GITHUB, {"supported_output_modalities": ["text"]}, (CHAT,)),
    (kinds.GITHUB, {"supported_output_modalities": ["embeddings"]}, NOT_GENERATIVE),
    (kinds.GITHUB, {"supported_output_modalities": "text"}, NOTHING),
    (kinds.HUGGINGFACE, {"architecture": {"output_modalities": ["text"]}}, (CHAT,)),
    (kinds.OPENROUTER, {"architecture": {"output_modalities": ["image"]}}, NOT_GENERATIVE),
    (kinds.OPENROUTER, {"architecture": {"instruct_type": "chatml"}}, NOTHING),
    (kinds.DEEPSEEK, {"output_modalities": ["audio"]}, NOT_GENERATIVE),
    (kinds.SGLANG, {"is_generation": False}, NOT_GENERATIVE),
    (kinds.SGLANG, {"is_generation": None}, NOTHING),
    (kinds.LLAMACPP, {"capabilities": ["completion"]}, NOTHING),
    (kinds.OPENAI, azure(chat_completion=True), NOTHING),
    (kinds.VLLM, {"type": "chat"}, NOTHING),
    (kinds.TGI, {"model_pipeline_tag": "text-generation"}, NOTHING),
]


@pytest.mark.parametrize(("kind", "entry", "shapes"), CASES)
def test_the_field_of_each_kind_is_read(
    kind: Profile, entry: dict[str, Any], shapes: tuple[Shape, ...] | None
) -> None:
    capability = kind.capability(entry)
    if shapes is None:
        assert capability is None
    else:
        assert capability is not None
        assert capability.shapes == shapes
        assert capability.generative is bool(shapes)
        assert capability.detail


@pytest.mark.parametrize(
    ("kind", "entry"),
    [
        (kinds.OPENROUTER, {"architecture": {"output_modalities": ["image", "text"]}}),
        (kinds.DEEPSEEK, {"output_modalities": ["text"]}),
        (kinds.SGLANG, {"is_generation": True}),
    ],
)
def test_some_fields_tell_that_a_model_generates_but_not_where(
    kind: Profile, entry: dict[str, Any]
) -> None:
    capability = kind.capability(entry)
    assert capability is not None
    assert (capability.shapes, capability.generative) == ((), True)


@pytest.mark.parametrize(
    ("kind", "entry", "silent_on"),
    [
        (kinds.AZURE, azure(chat_completion=True), (RESPONSES,)),
        (kinds.AZURE, azure(completion=True), ()),
        (kinds.TOGETHER, {"type": "chat"}, (COMPLETIONS, RESPONSES)),
        (kinds.TOGETHER, {"type": "language"}, ()),
        (kinds.FIREWORKS, {"supports_chat": True}, (COMPLETIONS, RESPONSES)),
        (kinds.FIREWORKS, {"supports_chat": False}, ()),
        (kinds.OLLAMA, {"capabilities": ["completion"]}, (RESPONSES,)),
        (kinds.LMSTUDIO, {"type": "llm"}, (RESPONSES,)),
        (kinds.LMSTUDIO, {"key": "m", "type": "llm"}, ()),
        (kinds.LOCALAI, {"capabilities": ["chat"]}, (RESPONSES,)),
        (kinds.LITELLM, litellm("chat"), (RESPONSES,)),
        (kinds.LITELLM, litellm("chat", supported_endpoints=["/v1/chat/completions"]), ()),
        (kinds.MISTRAL, azure(completion_chat=True), ()),
    ],
)
def test_a_field_is_silent_on_the_endpoints_that_it_never_names(
    kind: Profile, entry: dict[str, Any], silent_on: tuple[Shape, ...]
) -> None:
    capability = kind.capability(entry)
    assert capability is not None
    assert capability.silent_on == silent_on


@pytest.mark.parametrize(
    ("kind", "entry", "other_endpoints"),
    [
        (kinds.AZURE, azure(chat_completion=False, embeddings=True), ("embeddings",)),
        (kinds.MISTRAL, azure(completion_chat=False, completion_fim=True), ("fim/completions",)),
        (kinds.MISTRAL, azure(completion_chat=False, moderation=True), ("moderations",)),
        (
            kinds.MISTRAL,
            azure(completion_chat=False, audio_transcription=True),
            ("audio/transcriptions",),
        ),
        (kinds.MISTRAL, azure(completion_chat=False, audio_speech=1), ()),
        (kinds.MISTRAL, azure(completion_chat=True, ocr=True), ()),
        (kinds.TOGETHER, {"type": "embedding"}, ("embeddings",)),
        (kinds.TOGETHER, {"type": "image"}, ("images/generations",)),
        (kinds.TOGETHER, {"type": "audio"}, ("audio/speech",)),
        (kinds.TOGETHER, {"type": "transcribe"}, ("audio/transcriptions",)),
        (kinds.TOGETHER, {"type": "video"}, ()),
        (kinds.LMSTUDIO, {"key": "m", "type": "embedding"}, ("embeddings",)),
        (kinds.OLLAMA, {"capabilities": ["embedding"]}, ("embeddings",)),
        (kinds.OLLAMA, {"capabilities": ["image"]}, ("images/generations",)),
        (kinds.OLLAMA, {"capabilities": ["completion", "image"]}, ()),
        (
            kinds.LOCALAI,
            {"capabilities": ["tts", "transcript"]},
            ("audio/transcriptions", "audio/speech"),
        ),
        (kinds.LOCALAI, {"capabilities": ["video"]}, ()),
        (kinds.LOCALAI, {"capabilities": ["chat", "tts"]}, ()),
        (kinds.LITELLM, litellm("embedding"), ("embeddings",)),
        (kinds.LITELLM, litellm("image_generation"), ("images/generations",)),
        (kinds.LITELLM, litellm("audio_speech"), ("audio/speech",)),
        (kinds.LITELLM, litellm("moderation"), ("moderations",)),
        (kinds.LITELLM, litellm("realtime"), ("realtime",)),
        (kinds.FIREWORKS, {"kind": "EMBEDDING_MODEL"}, ("embeddings",)),
        (kinds.GEMINI, {"supportedGenerationMethods": ["embedContent"]}, ("embeddings",)),
        (kinds.GEMINI, {"supportedGenerationMethods": ["predict"]}, ()),
        (kinds.GITHUB, {"supported_output_modalities": ["embeddings"]}, ("embeddings",)),
        (kinds.OPENROUTER, {"architecture": {"output_modalities": ["image"]}}, ()),
        (kinds.SGLANG, {"is_generation": False}, ()),
    ],
)
def test_where_a_model_lives_that_generates_no_text(
    kind: Profile, entry: dict[str, Any], other_endpoints: tuple[str, ...]
) -> None:
    capability = kind.capability(entry)
    assert capability is not None
    assert capability.other_endpoints == other_endpoints


@given(st.dictionaries(st.text(max_size=5), JSON), st.sampled_from(PROFILES))
def test_any_entry_is_read_without_an_error(entry: dict[str, Any], kind: Profile) -> None:
    capability = kind.capability(entry)
    assert capability is None or capability.detail.isprintable()
