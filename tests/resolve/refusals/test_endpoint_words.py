import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.resolve.refusals.endpoint_words import ENDPOINT, Home, home_named
from gateway.shapes import Shape

PATTERN = re.compile(rf"(?:the )?['`\"]?(?P<it>{ENDPOINT})")

NAMES: dict[Home, list[str]] = {
    Shape.CHAT: [
        "/v1/chat/completions",
        "v1/chat/completions",
        "/chat/completions",
        "chat/completions",
        "/openai/v1/chat/completions",
        "/api/v1/chat/completions",
        "/compatible-mode/v1/chat/completions",
        "POST /v1/chat/completions",
        "https://api.example.com/v1/chat/completions",
        "Chat Completions API",
        "chat completions endpoint",
        "chat completion API",
        "chatCompletions endpoint",
        "chat API",
    ],
    Shape.COMPLETIONS: [
        "/v1/completions",
        "v1/completions",
        "/completions",
        "/openai/v1/completions",
        "Completions API",
        "completion endpoint",
        "text completions API",
    ],
    Shape.RESPONSES: [
        "/v1/responses",
        "/responses",
        "/openai/v1/responses",
        "/backend-api/codex/responses",
        "Responses API",
        "response endpoint",
    ],
    Shape.MESSAGES: ["/v1/messages", "/anthropic/v1/messages", "Messages API"],
    "embeddings": ["/v1/embeddings", "Embeddings API", "embedding endpoint"],
    "images/generations": ["/v1/images/generations", "/v1/images/edits", "Images API"],
    "audio/speech": ["/v1/audio/speech", "Speech API"],
    "audio/transcriptions": ["/v1/audio/transcriptions", "/v1/audio/translations"],
    "moderations": ["/v1/moderations", "moderations endpoint"],
    "realtime": ["/v1/realtime", "Realtime API"],
    "videos": ["/v1/videos", "Videos API"],
}


@pytest.mark.parametrize(("home", "name"), [(h, name) for h, ns in NAMES.items() for name in ns])
def test_an_endpoint_is_found_by_its_path_or_in_words(home: Home, name: str) -> None:
    for before in ("", "the ", "'", "`"):
        match = PATTERN.match(f"{before}{name}")
        assert match is not None
        assert home_named(match["it"]) == home


@pytest.mark.parametrize(
    "text",
    [
        "responses",
        "completions of any kind",
        "chat",
        "/v1/chat/completions/batch",
        "/v1/responses-lite",
        "/v1/messages/batches",
        "/v1/completionsX",
        "/v1/",
        "speech",
        "",
    ],
)
def test_other_words_are_not_an_endpoint(text: str) -> None:
    assert PATTERN.match(text) is None


@pytest.mark.parametrize(
    ("sort", "home"),
    [
        ("embedding", "embeddings"),
        ("image generation", "images/generations"),
        ("text-to-speech", "audio/speech"),
        ("speech-to-text", "audio/transcriptions"),
        ("video generation", "videos"),
    ],
)
def test_a_sort_of_model_names_its_endpoint(sort: str, home: str) -> None:
    assert home_named(sort) == home


@given(st.from_regex(PATTERN))
def test_whatever_is_found_has_a_home(text: str) -> None:
    match = PATTERN.search(text)
    assert match is not None
    assert home_named(match["it"])
