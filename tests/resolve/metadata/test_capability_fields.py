from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.settings import Kind
from gateway.resolve.metadata.capability_fields import read_capability
from gateway.shapes import Shape
from tests.resolve.payloads import JSON

CHAT, COMPLETIONS, RESPONSES = Shape.CHAT, Shape.COMPLETIONS, Shape.RESPONSES
NOTHING = None
NOT_GENERATIVE: tuple[Shape, ...] = ()


def azure(**flags: object) -> dict[str, Any]:
    return {"capabilities": flags}


def litellm(mode: object = None, **more: object) -> dict[str, Any]:
    return {"model_info": {"mode": mode, **more}}


CASES: list[tuple[Kind, dict[str, Any], tuple[Shape, ...] | None]] = [
    (Kind.AZURE, azure(chat_completion=True, completion=False, embeddings=False), (CHAT,)),
    (Kind.AZURE, azure(chat_completion=False, completion=True), (COMPLETIONS,)),
    (Kind.AZURE, azure(chat_completion=True, completion=True), (CHAT, COMPLETIONS)),
    (
        Kind.AZURE,
        azure(chat_completion=False, completion=False, embeddings=True),
        NOT_GENERATIVE,
    ),
    (Kind.AZURE, azure(chat_completion=False, completion=False, embeddings=False), NOTHING),
    (Kind.AZURE, azure(chat_completion="true", completion=1), NOTHING),
    (Kind.AZURE, {"capabilities": ["chat_completion"]}, NOTHING),
    (Kind.AZURE, {}, NOTHING),
    (Kind.MISTRAL, azure(completion_chat=True), (CHAT,)),
    (Kind.MISTRAL, azure(completion_chat=False, completion_fim=True), NOT_GENERATIVE),
    (Kind.MISTRAL, azure(ocr=True), NOTHING),
    (Kind.TOGETHER, {"type": "chat"}, (CHAT,)),
    (Kind.TOGETHER, {"type": "language"}, (COMPLETIONS,)),
    (Kind.TOGETHER, {"type": "code"}, (COMPLETIONS,)),
    (Kind.TOGETHER, {"type": "embedding"}, NOT_GENERATIVE),
    (Kind.TOGETHER, {"type": "rerank"}, NOT_GENERATIVE),
    (Kind.TOGETHER, {"type": "moderation"}, NOTHING),
    (Kind.TOGETHER, {"type": "unheard-of"}, NOTHING),
    (Kind.TOGETHER, {"type": ["chat"]}, NOTHING),
    (Kind.LMSTUDIO, {"id": "m", "type": "llm"}, (CHAT, COMPLETIONS)),
    (Kind.LMSTUDIO, {"id": "m", "type": "vlm"}, (CHAT, COMPLETIONS)),
    (Kind.LMSTUDIO, {"key": "m", "type": "llm"}, (CHAT, RESPONSES, COMPLETIONS)),
    (Kind.LMSTUDIO, {"id": "m", "type": "embeddings"}, NOT_GENERATIVE),
    (Kind.LMSTUDIO, {"key": "m", "type": "embedding"}, NOT_GENERATIVE),
    (Kind.LMSTUDIO, {"id": "m", "object": "model"}, NOTHING),
    (Kind.OLLAMA, {"capabilities": ["completion", "tools"]}, (CHAT, COMPLETIONS)),
    (Kind.OLLAMA, {"capabilities": ["completion", "embedding"]}, (CHAT, COMPLETIONS)),
    (Kind.OLLAMA, {"capabilities": ["embedding"]}, NOT_GENERATIVE),
    (Kind.OLLAMA, {"capabilities": ["image"]}, NOT_GENERATIVE),
    (Kind.OLLAMA, {"capabilities": ["vision"]}, NOTHING),
    (Kind.OLLAMA, {"capabilities": []}, NOTHING),
    (Kind.LOCALAI, {"capabilities": ["chat"]}, (CHAT,)),
    (Kind.LOCALAI, {"capabilities": ["completion"]}, (COMPLETIONS,)),
    (Kind.LOCALAI, {"capabilities": ["completion", "embeddings", "chat"]}, (CHAT, COMPLETIONS)),
    (Kind.LOCALAI, {"capabilities": ["tts"]}, NOT_GENERATIVE),
    (Kind.LOCALAI, {"capabilities": ["vision"]}, NOTHING),
    (Kind.LITELLM, litellm("chat"), (CHAT,)),
    (Kind.LITELLM, litellm("completion"), (COMPLETIONS,)),
    (Kind.LITELLM, litellm("responses"), (RESPONSES,)),
    (
        Kind.LITELLM,
        litellm("chat", supported_endpoints=["/v1/responses", "/v1/chat/completions"]),
        (CHAT, RESPONSES),
    ),
    (
        Kind.LITELLM,
        litellm("chat", supported_endpoints=["/v1/chat/completions", "/v1/completions"]),
        (CHAT,),
    ),
    (
        Kind.LITELLM,
        litellm("responses", supported_endpoints=["/v1/responses", "/v1/batch"]),
        (RESPONSES,),
    ),
    (Kind.LITELLM, litellm("embedding"), NOT_GENERATIVE),
    (Kind.LITELLM, litellm("audio_transcription"), NOT_GENERATIVE),
    (Kind.LITELLM, litellm("unheard-of"), NOTHING),
    (
        Kind.LITELLM,
        {"litellm_params": {"model": "text-completion-openai/davinci-002"}},
        (COMPLETIONS,),
    ),
    (Kind.LITELLM, {"litellm_params": {"model": "openai/gpt-4o"}}, NOTHING),
    (Kind.LITELLM, {"id": "gpt-4o", "object": "model"}, NOTHING),
    (Kind.FIREWORKS, {"kind": "HF_BASE_MODEL", "supports_chat": True}, (CHAT,)),
    (Kind.FIREWORKS, {"kind": "HF_BASE_MODEL", "supports_chat": False}, (COMPLETIONS,)),
    (Kind.FIREWORKS, {"kind": "EMBEDDING_MODEL", "supports_chat": True}, NOT_GENERATIVE),
    (Kind.FIREWORKS, {"kind": "HF_PEFT_ADDON", "conversationConfig": {}}, (CHAT,)),
    (Kind.FIREWORKS, {"kind": "HF_PEFT_ADDON", "conversationConfig": None}, NOTHING),
    (Kind.FIREWORKS, {"kind": "HF_PEFT_ADDON"}, NOTHING),
    (Kind.GEMINI, {"supportedGenerationMethods": ["generateContent"]}, (CHAT,)),
    (Kind.GEMINI, {"supportedGenerationMethods": ["embedContent"]}, NOT_GENERATIVE),
    (Kind.GEMINI, {"supportedGenerationMethods": ["bidiGenerateContent"]}, NOT_GENERATIVE),
    (Kind.GEMINI, {"id": "models/gemini-2.5-flash"}, NOTHING),
    (Kind.GITHUB, {"supported_output_modalities": ["text"]}, (CHAT,)),
    (Kind.GITHUB, {"supported_output_modalities": ["embeddings"]}, NOT_GENERATIVE),
    (Kind.GITHUB, {"supported_output_modalities": "text"}, NOTHING),
    (Kind.HUGGINGFACE, {"architecture": {"output_modalities": ["text"]}}, (CHAT,)),
    (Kind.OPENROUTER, {"architecture": {"output_modalities": ["image"]}}, NOT_GENERATIVE),
    (Kind.OPENROUTER, {"architecture": {"instruct_type": "chatml"}}, NOTHING),
    (Kind.DEEPSEEK, {"output_modalities": ["audio"]}, NOT_GENERATIVE),
    (Kind.SGLANG, {"is_generation": False}, NOT_GENERATIVE),
    (Kind.SGLANG, {"is_generation": None}, NOTHING),
    (Kind.LLAMACPP, {"capabilities": ["completion"]}, NOTHING),
    (Kind.OPENAI, azure(chat_completion=True), NOTHING),
    (Kind.VLLM, {"type": "chat"}, NOTHING),
    (Kind.TGI, {"model_pipeline_tag": "text-generation"}, NOTHING),
]


@pytest.mark.parametrize(("kind", "entry", "shapes"), CASES)
def test_the_field_of_each_kind_is_read(
    kind: Kind, entry: dict[str, Any], shapes: tuple[Shape, ...] | None
) -> None:
    capability = read_capability(entry, kind)
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
        (Kind.OPENROUTER, {"architecture": {"output_modalities": ["image", "text"]}}),
        (Kind.DEEPSEEK, {"output_modalities": ["text"]}),
        (Kind.SGLANG, {"is_generation": True}),
    ],
)
def test_some_fields_tell_that_a_model_generates_but_not_where(
    kind: Kind, entry: dict[str, Any]
) -> None:
    capability = read_capability(entry, kind)
    assert capability is not None
    assert (capability.shapes, capability.generative) == ((), True)


@pytest.mark.parametrize(
    ("kind", "entry", "silent_on"),
    [
        (Kind.AZURE, azure(chat_completion=True), (RESPONSES,)),
        (Kind.AZURE, azure(completion=True), ()),
        (Kind.TOGETHER, {"type": "chat"}, (COMPLETIONS, RESPONSES)),
        (Kind.TOGETHER, {"type": "language"}, ()),
        (Kind.FIREWORKS, {"supports_chat": True}, (COMPLETIONS, RESPONSES)),
        (Kind.FIREWORKS, {"supports_chat": False}, ()),
        (Kind.OLLAMA, {"capabilities": ["completion"]}, (RESPONSES,)),
        (Kind.LMSTUDIO, {"type": "llm"}, (RESPONSES,)),
        (Kind.LMSTUDIO, {"key": "m", "type": "llm"}, ()),
        (Kind.LOCALAI, {"capabilities": ["chat"]}, (RESPONSES,)),
        (Kind.LITELLM, litellm("chat"), (RESPONSES,)),
        (Kind.LITELLM, litellm("chat", supported_endpoints=["/v1/chat/completions"]), ()),
        (Kind.MISTRAL, azure(completion_chat=True), ()),
    ],
)
def test_a_field_is_silent_on_the_endpoints_that_it_never_names(
    kind: Kind, entry: dict[str, Any], silent_on: tuple[Shape, ...]
) -> None:
    capability = read_capability(entry, kind)
    assert capability is not None
    assert capability.silent_on == silent_on


@pytest.mark.parametrize(
    ("kind", "entry", "elsewhere"),
    [
        (Kind.AZURE, azure(chat_completion=False, embeddings=True), ("embeddings",)),
        (Kind.MISTRAL, azure(completion_chat=False, completion_fim=True), ("fim/completions",)),
        (Kind.MISTRAL, azure(completion_chat=False, moderation=True), ("moderations",)),
        (
            Kind.MISTRAL,
            azure(completion_chat=False, audio_transcription=True),
            ("audio/transcriptions",),
        ),
        (Kind.MISTRAL, azure(completion_chat=False, audio_speech=1), ()),
        (Kind.MISTRAL, azure(completion_chat=True, ocr=True), ()),
        (Kind.TOGETHER, {"type": "embedding"}, ("embeddings",)),
        (Kind.TOGETHER, {"type": "image"}, ("images/generations",)),
        (Kind.TOGETHER, {"type": "audio"}, ("audio/speech",)),
        (Kind.TOGETHER, {"type": "transcribe"}, ("audio/transcriptions",)),
        (Kind.TOGETHER, {"type": "video"}, ()),
        (Kind.LMSTUDIO, {"key": "m", "type": "embedding"}, ("embeddings",)),
        (Kind.OLLAMA, {"capabilities": ["embedding"]}, ("embeddings",)),
        (Kind.OLLAMA, {"capabilities": ["image"]}, ("images/generations",)),
        (Kind.OLLAMA, {"capabilities": ["completion", "image"]}, ()),
        (
            Kind.LOCALAI,
            {"capabilities": ["tts", "transcript"]},
            ("audio/transcriptions", "audio/speech"),
        ),
        (Kind.LOCALAI, {"capabilities": ["video"]}, ()),
        (Kind.LOCALAI, {"capabilities": ["chat", "tts"]}, ()),
        (Kind.LITELLM, litellm("embedding"), ("embeddings",)),
        (Kind.LITELLM, litellm("image_generation"), ("images/generations",)),
        (Kind.LITELLM, litellm("audio_speech"), ("audio/speech",)),
        (Kind.LITELLM, litellm("moderation"), ("moderations",)),
        (Kind.LITELLM, litellm("realtime"), ("realtime",)),
        (Kind.FIREWORKS, {"kind": "EMBEDDING_MODEL"}, ("embeddings",)),
        (Kind.GEMINI, {"supportedGenerationMethods": ["embedContent"]}, ("embeddings",)),
        (Kind.GEMINI, {"supportedGenerationMethods": ["predict"]}, ()),
        (Kind.GITHUB, {"supported_output_modalities": ["embeddings"]}, ("embeddings",)),
        (Kind.OPENROUTER, {"architecture": {"output_modalities": ["image"]}}, ()),
        (Kind.SGLANG, {"is_generation": False}, ()),
    ],
)
def test_where_a_model_lives_that_generates_no_text(
    kind: Kind, entry: dict[str, Any], elsewhere: tuple[str, ...]
) -> None:
    capability = read_capability(entry, kind)
    assert capability is not None
    assert capability.elsewhere == elsewhere


@given(st.dictionaries(st.text(max_size=5), JSON), st.sampled_from(Kind))
def test_any_entry_is_read_without_an_error(entry: dict[str, Any], kind: Kind) -> None:
    capability = read_capability(entry, kind)
    assert capability is None or capability.detail.isprintable()
