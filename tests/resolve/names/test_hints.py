import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.resolve.names.hints import NameHint, hint_of

KINDS = {
    NameHint.BASE: """
        davinci-002 babbage-002 davinci curie ada text-davinci-003 code-davinci-002
        gpt-3.5-turbo-instruct gpt-3.5-turbo-instruct-0914 text-babbage-001 openai/davinci-002
        gpt-35-turbo-instruct davinci-instruct-beta openai/gpt-3.5-turbo-instruct:free
        ft:davinci-002:acme:bot:abc123 curie:ft-acme-2021-03-03-21-44-20
    """,
    NameHint.RESPONSES_ONLY: """
        o1-pro o3-pro o1-pro-2025-03-19 gpt-5-pro gpt-5.2-pro gpt-5-codex gpt-5.1-codex-max
        codex-mini-latest o3-deep-research computer-use-preview openai/gpt-5.3-codex
        [AWS]o3-pro openai.gpt-5-pro us.openai.o3-pro openai/gpt-5.4-pro:online
    """,
    NameHint.EMBEDDING: """
        text-embedding-3-small text-embedding-ada-002 embeddinggemma nomic-embed-text
        text-similarity-davinci-001 code-search-ada-text-001 BAAI/bge-m3 intfloat/e5-large-v2
    """,
    NameHint.IMAGE: "dall-e-3 gpt-image-1.5 chatgpt-image-latest qwen-image flux.1-schnell",
    NameHint.SPEECH: "tts-1 tts-1-hd gpt-4o-mini-tts",
    NameHint.TRANSCRIPTION: "whisper-1 gpt-4o-transcribe gpt-4o-transcribe-diarize canary-stt",
    NameHint.MODERATION: "omni-moderation-latest text-moderation-007",
    NameHint.REALTIME: "gpt-4o-realtime-preview gpt-realtime gpt-realtime-whisper",
    NameHint.VIDEO: "sora-2 sora-2-pro veo-3",
    NameHint.AUDIO_CHAT: "gpt-audio gpt-4o-audio-preview gpt-audio-mini",
    NameHint.NONE: """
        gpt-4o gpt-4o-mini gpt-35-turbo gpt-5.6 o1 o3-mini gemini-3.1-pro-preview gemini-2.5-pro
        claude-opus-4 llama3:8b grok-4.6 canada-1
        openai.gpt-5.6-luna bge-reranker-v2 gemini-2.5-flash-image
        ft:gpt-4o-mini:acme:davinci:abc123
        meta-llama/Llama-3.3-70B-Instruct-Turbo qwen.qwen3-235b-a22b-instruct-2507 kimi-k2-instruct
    """,
}


@pytest.mark.parametrize(
    ("model", "hint"),
    [(model, hint) for hint, models in KINDS.items() for model in models.split()],
)
def test_a_name_suggests_a_kind_of_model(model: str, hint: NameHint) -> None:
    assert hint_of(model) is hint


@pytest.mark.parametrize("model", ["", "/", "ft:", "\n", "x" * 5000])
def test_odd_names_suggest_nothing(model: str) -> None:
    assert hint_of(model) is NameHint.NONE


@given(st.text())
def test_no_name_raises(model: str) -> None:
    assert hint_of(model) in NameHint
