import pytest

from gateway.resolve.refusals.destinations import (
    Destination,
    at,
    behind_a_misleading_hint,
    not_at_completions,
    not_at_responses,
    not_for_this_operation,
    nowhere,
    other_endpoint_by_name,
    remaining,
)
from gateway.shapes import Shape

COMPLETIONS, CHAT, RESPONSES = Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES
EMBEDDINGS = Destination((), "embeddings")
REALTIME = Destination((), "realtime")
SPEECH = Destination((), "audio/speech")


def to(*right: Shape) -> Destination:
    return Destination(right)


@pytest.mark.parametrize(
    ("model", "hinted", "from_completions", "from_responses", "from_operation"),
    [
        ("davinci-002", to(COMPLETIONS), to(CHAT), to(COMPLETIONS), to(COMPLETIONS)),
        (
            "o1-pro",
            to(RESPONSES, COMPLETIONS),
            to(RESPONSES, CHAT),
            to(CHAT, COMPLETIONS),
            to(RESPONSES),
        ),
        ("gpt-4o", to(RESPONSES, COMPLETIONS), to(CHAT), to(CHAT, COMPLETIONS), to(CHAT)),
        ("text-embedding-3-large", EMBEDDINGS, to(CHAT), EMBEDDINGS, EMBEDDINGS),
        ("gpt-audio", to(), to(CHAT), to(CHAT, COMPLETIONS), to(CHAT)),
        ("gpt-realtime", REALTIME, to(CHAT), REALTIME, REALTIME),
        ("tts-1", SPEECH, to(CHAT), SPEECH, SPEECH),
        ("", to(RESPONSES, COMPLETIONS), to(CHAT), to(CHAT, COMPLETIONS), to(CHAT)),
        (
            "meta-llama/Llama-3.3-70B-Instruct-Turbo",
            to(RESPONSES, COMPLETIONS),
            to(CHAT),
            to(CHAT, COMPLETIONS),
            to(CHAT),
        ),
    ],
)
def test_a_name_decides_where_a_refusal_does_not(
    model: str,
    hinted: Destination,
    from_completions: Destination,
    from_responses: Destination,
    from_operation: Destination,
) -> None:
    assert behind_a_misleading_hint(model) == hinted
    assert not_at_completions(model) == from_completions
    assert not_at_responses(model) == from_responses
    assert not_for_this_operation(model) == from_operation


@pytest.mark.parametrize(
    ("model", "other_endpoint"),
    [
        ("text-embedding-3-small", "embeddings"),
        ("gpt-image-1.5", "images/generations"),
        ("gpt-4o-mini-tts", "audio/speech"),
        ("whisper-1", "audio/transcriptions"),
        ("omni-moderation-latest", "moderations"),
        ("gpt-realtime", "realtime"),
        ("sora-2", "videos"),
        ("gpt-audio", None),
        ("gpt-4o", None),
        ("davinci-002", None),
        ("", None),
    ],
)
def test_a_model_that_generates_no_text_lives_elsewhere(
    model: str, other_endpoint: str | None
) -> None:
    assert other_endpoint_by_name(model) == other_endpoint
    assert nowhere(model) == Destination((), other_endpoint)
    if other_endpoint is not None:
        assert remaining(model, CHAT) == Destination((), other_endpoint)


@pytest.mark.parametrize(
    ("model", "refused", "right"),
    [
        ("gpt-5.6", [CHAT], [RESPONSES, COMPLETIONS]),
        ("gpt-5.6", [RESPONSES], [CHAT, COMPLETIONS]),
        ("gpt-5.6", [COMPLETIONS], [CHAT, RESPONSES]),
        ("gpt-5.6", [COMPLETIONS, CHAT], [RESPONSES]),
        ("davinci-002", [CHAT], [COMPLETIONS, RESPONSES]),
        ("davinci-002", [RESPONSES], [COMPLETIONS, CHAT]),
        ("gpt-5.3-codex", [COMPLETIONS], [RESPONSES, CHAT]),
        ("gpt-audio", [RESPONSES], [CHAT, COMPLETIONS]),
        ("qwen.qwen3-235b-a22b-instruct-2507", [RESPONSES], [CHAT, COMPLETIONS]),
    ],
)
def test_what_remains_is_ordered_by_the_name(
    model: str, refused: list[Shape], right: list[Shape]
) -> None:
    assert remaining(model, *refused) == to(*right)


def test_an_endpoint_is_a_destination() -> None:
    assert at(CHAT) == to(CHAT)
    assert at("embeddings") == EMBEDDINGS
