"""Each side counts a prompt in its own arithmetic, and both mean the same tokens."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.translate.parts.messages.usage import (
    chat_usage_of,
    messages_usage,
    openai_tier,
    responses_usage_of,
)

ZEROS = {
    "input_tokens": 0,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "output_tokens": 0,
}
CHAT = {
    "prompt_tokens": 1144,
    "completion_tokens": 41,
    "total_tokens": 1185,
    "prompt_tokens_details": {"cached_tokens": 1000, "cache_write_tokens": 24},
    "completion_tokens_details": {"reasoning_tokens": 12},
}
RESPONSES = {
    "input_tokens": 1144,
    "output_tokens": 41,
    "total_tokens": 1185,
    "input_tokens_details": {"cached_tokens": 1000, "cache_write_tokens": 24},
    "output_tokens_details": {"reasoning_tokens": 12},
}
MESSAGES = {
    "input_tokens": 120,
    "cache_creation_input_tokens": 24,
    "cache_read_input_tokens": 1000,
    "output_tokens": 41,
    "output_tokens_details": {"thinking_tokens": 12},
}


@pytest.mark.parametrize("usage", [CHAT, RESPONSES])
def test_what_a_cache_has_read_and_written_is_counted_apart(usage: Any) -> None:
    assert messages_usage(usage) == MESSAGES


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None, "completion_tokens": 1}, "x"])
def test_an_unknown_usage_is_zeros(usage: object) -> None:
    assert messages_usage(usage) == ZEROS


@pytest.mark.parametrize(
    ("prompt", "read", "written", "shown"),
    [
        (2168, 2161, 2161, (0, 7, 2161)),
        (9, 9, 9, (0, 0, 9)),
        (9, 4, 5, (0, 5, 4)),
        # Of a prompt that does not include them, as behind LiteLLM, both are kept.
        (5, 1000, 200, (0, 200, 1000)),
    ],
)
def test_what_was_read_and_written_as_well_counts_once(
    prompt: int, read: int, written: int, shown: tuple[int, int, int]
) -> None:
    cached = {"cached_tokens": read, "cache_write_tokens": written}
    usage = {"prompt_tokens": prompt, "completion_tokens": 1, "prompt_tokens_details": cached}
    assert tuple(messages_usage(usage).values())[:3] == shown


def test_counts_are_never_negative() -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 0, "cached_tokens": 9}
    assert messages_usage(usage)["input_tokens"] == 0


@pytest.mark.parametrize(
    ("tier", "shown"),
    [("default", "standard"), ("flex", "standard"), ("priority", "priority"), ("batch", "batch")],
)
def test_openais_service_tiers_become_anthropics(tier: str, shown: str) -> None:
    assert messages_usage(CHAT, tier)["service_tier"] == shown


@pytest.mark.parametrize("tier", [None, 1, "gold"])
def test_an_unknown_tier_is_left_out(tier: object) -> None:
    assert "service_tier" not in messages_usage(CHAT, tier)


@pytest.mark.parametrize(
    ("tier", "shown"), [("standard", "default"), ("priority", "priority"), ("batch", None)]
)
def test_anthropics_service_tiers_become_openais(tier: str, shown: str | None) -> None:
    assert openai_tier({"service_tier": tier}) == shown
    assert openai_tier(None) is None


def test_fields_that_only_one_server_has_are_kept() -> None:
    assert messages_usage({**CHAT, "cost": 0.25})["cost"] == 0.25
    usage = chat_usage_of({**MESSAGES, "server_tool_use": {"web_search_requests": 1}})
    assert usage is not None
    assert usage["server_tool_use"] == {"web_search_requests": 1}


def test_a_prompt_is_the_sum_of_its_parts() -> None:
    chat, responses = chat_usage_of(MESSAGES), responses_usage_of(MESSAGES)
    assert chat is not None
    assert chat["prompt_tokens"] == 1144
    assert chat["total_tokens"] == 1185
    assert chat["prompt_tokens_details"]["cached_tokens"] == 1000
    assert chat["completion_tokens_details"]["reasoning_tokens"] == 12
    assert responses == RESPONSES


def test_writes_to_a_cache_may_be_given_by_their_lifetime() -> None:
    created = {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 6, "x": None}
    usage = {"input_tokens": 1, "output_tokens": 2, "cache_creation": created}
    assert responses_usage_of(usage) == {
        "input_tokens": 11,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 10},
        "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 13,
    }


@pytest.mark.parametrize(
    "usage", [None, {}, {"input_tokens": 1}, {"input_tokens": -1, "output_tokens": 1}]
)
def test_an_unknown_messages_usage_stays_unknown(usage: object) -> None:
    assert chat_usage_of(usage) is None
    assert responses_usage_of(usage) is None


COUNT = st.integers(0, 2**40)


@given(COUNT, COUNT, COUNT, COUNT, COUNT)
def test_there_and_back_is_the_same(
    fresh: int, written: int, read: int, output: int, thinking: int
) -> None:
    usage = {
        "input_tokens": fresh,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": output,
        "output_tokens_details": {"thinking_tokens": thinking},
    }
    assert messages_usage(chat_usage_of(usage)) == usage
    assert messages_usage(responses_usage_of(usage)) == usage
