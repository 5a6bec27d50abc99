from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.shapes import Json
from gateway.translate.parts.fields import finite_number
from gateway.translate.parts.tokens import usage_sums
from gateway.translate.parts.tokens.usage_sums import complete_usage, richer_usage, sum_usage

USAGE = {
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "total_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": None},
    "completion_tokens_details": {"reasoning_tokens": 2},
}


def added(total: object, usage: object) -> Json | None:
    """Return the sum of two usages with prompts of their own, as far as they are known."""
    known = [each for each in (total, usage) if usage_sums.numbers(each)]
    return sum_usage(known, lambda _: True)


def test_usage_is_summed_with_its_details() -> None:
    first = added(None, USAGE)
    assert added(first, USAGE) == {
        "prompt_tokens": 20,
        "completion_tokens": 10,
        "total_tokens": 30,
        "prompt_tokens_details": {"cached_tokens": 8},
        "completion_tokens_details": {"reasoning_tokens": 4},
    }
    assert first == {**USAGE, "prompt_tokens_details": {"cached_tokens": 4}}


def test_a_prompt_is_counted_once_whatever_calls_share_it() -> None:
    assert sum_usage([USAGE, USAGE]) == {
        "prompt_tokens": 10,
        "completion_tokens": 10,
        "total_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 4},
    }


BARE: Json = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


@pytest.mark.parametrize(
    ("more", "details"),
    [
        ({"prompt_cache_hit_tokens": 4}, {"prompt_tokens_details": {"cached_tokens": 4}}),
        ({"cached_tokens": 4}, {"prompt_tokens_details": {"cached_tokens": 4}}),
        (
            {"cache_read_input_tokens": 4, "cache_creation_input_tokens": 2},
            {"prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2}},
        ),
        ({"reasoning_tokens": 3}, {"completion_tokens_details": {"reasoning_tokens": 3}}),
        (
            {"cached_tokens": 4, "prompt_tokens_details": {"cached_tokens": 3, "text_tokens": 1}},
            {"prompt_tokens_details": {"cached_tokens": 3, "text_tokens": 1}},
        ),
        ({"cached_tokens": 0}, {}),
        ({"cost": 0.5}, {}),
    ],
)
def test_what_is_counted_beside_the_totals_is_a_detail_too(more: Json, details: Json) -> None:
    assert complete_usage({**BARE, **more}) == {**BARE, **more, **details}


def without_prompt(usage: Json) -> Json:
    """Return what a usage adds to that of a call before it with the same prompt."""
    total = sum_usage([{"before": 1}, usage])
    assert total is not None
    assert total.pop("before") == 1
    return total


def test_the_prompt_of_a_responses_usage_is_left_out_too() -> None:
    usage = {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}
    assert without_prompt(usage) == {"output_tokens": 3, "total_tokens": 3}


def test_without_a_count_of_the_prompt_the_total_is_taken_as_it_is() -> None:
    usage = {"completion_tokens": 3, "total_tokens": 3}
    assert without_prompt(usage) == usage
    without_total = {"prompt_tokens": 2, "completion_tokens": 3}
    assert without_prompt(without_total) == {"completion_tokens": 3}
    odd = {"prompt_tokens": {"text": 1}, "total_tokens": 3}
    assert without_prompt(odd) == {"total_tokens": 3}


@pytest.mark.parametrize(
    "usage",
    [None, [], "x", {}, {"prompt_tokens": "5"}, {"prompt_tokens": True}, {"details": {"a": None}}],
)
def test_unknown_usage_stays_unknown_and_adds_nothing(usage: object) -> None:
    assert added(None, usage) is None
    assert added({"prompt_tokens": 1}, usage) == {"prompt_tokens": 1}


def test_details_and_numbers_of_one_name_do_not_break_a_sum() -> None:
    assert added({"a": 1, "b": {"c": 1}}, {"a": {"c": 1}, "b": 2}) == {"a": {"c": 1}, "b": 2}


usages = st.dictionaries(
    st.sampled_from(["prompt_tokens", "completion_tokens", "prompt_tokens_details", "x"]),
    st.none()
    | st.booleans()
    | st.integers(0, 1000)
    | st.text(max_size=2)
    | st.dictionaries(st.sampled_from(["cached_tokens", "y"]), st.none() | st.integers(0, 9)),
)


@given(usages, usages)
def test_sums_of_any_usage_have_numbers_only_and_change_no_argument(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    before = repr((one, other))
    total = added(added(None, one), other)
    for value in (total or {}).values():
        numbers = list(value.values()) if isinstance(value, dict) else [value]
        assert numbers
        assert all(finite_number(number) is not None for number in numbers)
    assert repr((one, other)) == before


def test_a_total_that_is_not_a_number_is_left_alone() -> None:
    odd = {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": {"text": 5}}
    assert without_prompt(odd) == {
        "completion_tokens": 3,
        "total_tokens": {"text": 5},
    }


@given(st.lists(usages | st.just("none"), max_size=4), st.integers(1, 3))
def test_the_usage_of_all_calls_is_the_sum_of_each(each: list[Any], per_prompt: int) -> None:
    total = None
    for call, usage in enumerate(each):
        if added(None, usage) is None:
            total = None
            break
        opens_prompt = not total or call % per_prompt == 0
        total = added(total, usage if opens_prompt else without_prompt(usage))
    assert sum_usage(each, lambda call: call % per_prompt == 0) == total


def test_one_prompt_of_all_calls_counts_once() -> None:
    usage = {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5}
    expected = {"prompt_tokens": 2, "completion_tokens": 6, "total_tokens": 8}
    assert sum_usage([usage, usage]) == expected
    assert sum_usage([usage, None]) is None
    assert sum_usage([]) is None


RICH = {
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "total_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 4},
}


@pytest.mark.parametrize(
    "poorer",
    [
        None,
        "x",
        {},
        {"output_tokens": 0},
        {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        {"prompt_tokens": 10, "completion_tokens": 0, "total_tokens": 10},
        {"prompt_tokens": 0, "completion_tokens": 5, "total_tokens": 5},
        {"completion_tokens": 5},
        {**RICH, "prompt_tokens_details": {"cached_tokens": 0}},
        {**RICH, "prompt_tokens_details": None},
    ],
)
def test_a_poorer_usage_takes_nothing_away(poorer: object) -> None:
    assert richer_usage(RICH, poorer) == RICH
    assert richer_usage(richer_usage(None, RICH), poorer) == RICH


def test_a_later_usage_counts_where_it_says_more() -> None:
    later = {"prompt_tokens": 10, "completion_tokens": 9, "total_tokens": 19}
    assert richer_usage(RICH, later) == {**later, "prompt_tokens_details": {"cached_tokens": 4}}
    zeros = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    assert richer_usage(zeros, later) == later
    assert richer_usage(None, zeros) == zeros
    assert richer_usage(None, {}) is None


def test_two_halves_of_a_usage_are_one() -> None:
    read = {"input_tokens": 10, "output_tokens": 0, "total_tokens": 10}
    written = {"output_tokens": 5, "total_tokens": 5, "output_tokens_details": {"x": 0}}
    assert richer_usage(read, written) == {
        "input_tokens": 10,
        "output_tokens": 5,
        "total_tokens": 15,
        "output_tokens_details": {"x": 0},
    }
    assert richer_usage({"prompt_tokens": 10}, {"completion_tokens": 5}) == {
        "prompt_tokens": 10,
        "completion_tokens": 5,
    }
