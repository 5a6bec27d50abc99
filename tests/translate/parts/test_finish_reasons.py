"""Words for how a generation ended."""

import pytest

from gateway.errors import UpstreamError
from gateway.translate.parts.finish_reasons import (
    NATIVE,
    UNKNOWN,
    ending_word,
    finish_reason,
    is_cut_short,
    native_word,
    with_native,
)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", "stop"),
        ("eos_token", "stop"),
        ("END_TURN", "stop"),
        ("length", "length"),
        ("MAX_TOKENS", "length"),
        ("content_filter", "content_filter"),
        ("tool_calls", "stop"),
        ("function_call", "stop"),
    ],
)
@pytest.mark.parametrize("has_text", [True, False])
def test_known_words_have_openais_reason(word: str, reason: str, has_text: bool) -> None:
    assert finish_reason(word, has_text=has_text) == reason


@pytest.mark.parametrize("word", ["stop", "tool_calls", "function_call", "something", None])
def test_a_natural_end_with_tool_calls_is_tool_calls(word: object) -> None:
    assert finish_reason(word, has_text=False, has_tool_calls=True) == "tool_calls"


@pytest.mark.parametrize("word", ["length", "content_filter"])
def test_a_limit_stays_one_with_tool_calls(word: str) -> None:
    assert finish_reason(word, has_text=True, has_tool_calls=True) == word


@pytest.mark.parametrize("word", ["something", None, 5])
def test_an_unknown_word_is_a_stop_if_there_is_text(word: object) -> None:
    assert finish_reason(word, has_text=True) == "stop"
    with pytest.raises(UpstreamError, match="finish_reason"):
        finish_reason(word, has_text=False)


@pytest.mark.parametrize("word", ["abort", "error", "insufficient_system_resource"])
@pytest.mark.parametrize("has_text", [True, False])
def test_a_failure_is_never_a_stop(word: str, has_text: bool) -> None:
    with pytest.raises(UpstreamError, match=word):
        finish_reason(word, has_text=has_text, has_tool_calls=has_text)


@pytest.mark.parametrize("word", [None, "", "null", "None", "FINISH_REASON_UNSPECIFIED"])
def test_words_that_end_no_choice(word: object) -> None:
    choice = {"finish_reason": word}
    assert ending_word(choice) is None
    assert ending_word({}) is None
    assert native_word(choice) is None


@pytest.mark.parametrize("word", ["stop", "abort", "something", UNKNOWN, 5, {"type": "stop"}])
def test_every_other_word_ends_its_choice(word: object) -> None:
    assert ending_word({"finish_reason": word}) == word


def test_a_word_may_be_the_type_of_an_object() -> None:
    assert finish_reason({"type": "length", "length": 3}, has_text=True) == "length"
    assert finish_reason({"type": "stop", "matched": 2}, has_text=False) == "stop"
    assert is_cut_short({"type": "length"})
    with pytest.raises(UpstreamError, match="abort"):
        finish_reason({"type": "abort", "message": "x"}, has_text=True)


FILTERS = [
    *(
        "SAFETY",
        "RECITATION",
        "PROHIBITED_CONTENT",
        "BLOCKLIST",
        "SPII",
        "LANGUAGE",
        "IMAGE_SAFETY",
    ),
    *("IMAGE_PROHIBITED_CONTENT", "MODEL_ARMOR", "content_filter: RECITATION", "sensitive"),
    *("function_call_filter: MALFORMED_FUNCTION_CALL", "MALFORMED_FUNCTION_CALL", "refusal"),
    *("UNEXPECTED_TOOL_CALL", "guardrail_intervened", "blocked", "CONTENT_POLICY_VIOLATION"),
    *("content-filtered", "FINISH_REASON_SAFETY", "ERROR_TOXIC", "moderation", "flagged"),
    *("unsafe_content", "filter_error"),
]
LIMITS = ["max_length", "max_new_tokens", "MAX_OUTPUT_TOKENS", "model_context_window_exceeded"]
LIMITS += ["token_limit", "max-tokens", "FINISH_REASON_MAX_TOKENS", "max_time", "time_limit"]
LIMITS += ["incomplete", "repetition_truncation", "thinking_budget"]
FAILURES = ["aborted", "network_error", "ERROR", "cancelled", "Canceled", "timeout", "timed-out"]
FAILURES += ["not_finished", "unfinished", "interrupted", "rate_limit_reached", "client_disconnect"]


@pytest.mark.parametrize("word", FILTERS)
@pytest.mark.parametrize("has_text", [True, False])
def test_what_names_a_filter_is_one_with_or_without_text(word: str, has_text: bool) -> None:
    assert finish_reason(word, has_text=has_text) == "content_filter"
    assert finish_reason(word, has_text=has_text, has_tool_calls=True) == "content_filter"
    assert native_word({"finish_reason": word}) == word


@pytest.mark.parametrize("word", LIMITS)
def test_what_names_a_limit_is_one(word: str) -> None:
    assert finish_reason(word, has_text=False) == "length"
    assert finish_reason(word, has_text=True, has_tool_calls=True) == "length"


@pytest.mark.parametrize("word", ["tool_use", "tool-calls", "COMPLETE", "FINISH_REASON_STOP"])
def test_more_words_for_a_natural_end(word: str) -> None:
    assert finish_reason(word, has_text=True) == "stop"
    assert finish_reason(word, has_text=False, has_tool_calls=True) == "tool_calls"


@pytest.mark.parametrize("word", FAILURES)
def test_a_generation_that_broke_off_is_not_a_success(word: str) -> None:
    for has_tool_calls in (False, True):
        with pytest.raises(UpstreamError, match=word):
            finish_reason(word, has_text=True, has_tool_calls=has_tool_calls)
    assert is_cut_short(word)


@pytest.mark.parametrize("word", ["stop", "something", "MISSING", None, "tool_calls"])
def test_other_ends_are_not_cut_short(word: object) -> None:
    assert not is_cut_short(word)
    assert is_cut_short("length")
    assert is_cut_short("unsafe")


@pytest.mark.parametrize(
    ("choice", "word"),
    [
        ({}, None),
        ({"finish_reason": None}, None),
        ({"finish_reason": "stop", NATIVE: "STOP"}, None),
        ({"finish_reason": "length", NATIVE: "max_tokens"}, None),
        ({"finish_reason": "stop", NATIVE: "SAFETY"}, "SAFETY"),
        ({"finish_reason": "content_filter", NATIVE: "SPII"}, "SPII"),
        ({"finish_reason": "SAFETY", NATIVE: "SPII"}, "SAFETY"),
        ({"finish_reason": "whatever"}, "whatever"),
        ({"finish_reason": "x" * 200}, "x" * 100),
        ({"finish_reason": 5, NATIVE: ["x"]}, None),
    ],
)
def test_a_word_is_kept_where_openais_says_less(
    choice: dict[str, object], word: str | None
) -> None:
    assert native_word(choice) == word
    expected = {"a": 1} if word is None else {"a": 1, NATIVE: word}
    assert with_native({"a": 1}, word) == expected
