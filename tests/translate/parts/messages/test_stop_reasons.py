"""Why a message ended, in the words of each shape."""

import pytest

from gateway.errors import UpstreamError
from gateway.translate.parts.finish_reasons import FinishReason
from gateway.translate.parts.messages.stop_reasons import (
    Stop,
    StopReason,
    chat_reason,
    incomplete_reason,
    stop_reason,
)

PAIRS: list[tuple[FinishReason, StopReason]] = [
    ("stop", "end_turn"),
    ("length", "max_tokens"),
    ("content_filter", "refusal"),
    ("tool_calls", "tool_use"),
]


@pytest.mark.parametrize(("finish", "stopped"), PAIRS)
def test_chats_reasons_there_and_back(finish: FinishReason, stopped: StopReason) -> None:
    assert stop_reason(finish) == stop_reason(finish, "x") == stopped
    assert chat_reason(stopped) == finish


@pytest.mark.parametrize("word", ["model_context_window_exceeded", "model_length", "MODEL_LENGTH"])
def test_a_full_window_is_told_from_the_limit_of_the_request(word: str) -> None:
    assert stop_reason("length", word) == "model_context_window_exceeded"
    assert stop_reason("length", "max_tokens") == "max_tokens"
    assert stop_reason("stop", word) == "end_turn"


@pytest.mark.parametrize("stopped", ["stop_sequence", "pause_turn", "compaction", None, "new"])
def test_other_reasons_are_natural_ends(stopped: object) -> None:
    assert chat_reason(stopped) == "stop"
    assert incomplete_reason(stopped) is None


@pytest.mark.parametrize("stopped", ["abort", "error", "insufficient_system_resource"])
def test_a_failure_is_not_an_end(stopped: str) -> None:
    for meaning in (chat_reason, incomplete_reason):
        with pytest.raises(UpstreamError, match=stopped):
            meaning(stopped)


@pytest.mark.parametrize(
    ("stopped", "incomplete"),
    [
        ("length", "max_output_tokens"),
        ("sensitive", "content_filter"),
        ("max_tokens", "max_output_tokens"),
        ("model_context_window_exceeded", "max_output_tokens"),
        ("refusal", "content_filter"),
        ("tool_use", None),
    ],
)
def test_responses_that_are_incomplete(stopped: str, incomplete: str | None) -> None:
    assert incomplete_reason(stopped) == incomplete


def test_a_message_says_why_it_ended() -> None:
    assert Stop("stop_sequence", "END").fields() == {
        "stop_reason": "stop_sequence",
        "stop_sequence": "END",
        "stop_details": None,
    }
    assert Stop("refusal", explanation="No.").fields() == {
        "stop_reason": "refusal",
        "stop_sequence": None,
        "stop_details": {"type": "refusal", "category": None, "explanation": "No."},
    }
