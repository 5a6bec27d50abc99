"""Numbers of tokens are whole numbers, whatever servers write."""

from typing import Any

import pytest

from gateway.translate.parts.tokens.counts import LARGEST_COUNT, counts_tokens, token_count

ODD: list[Any] = [2.5, -1, -1.0, 1e300, float("nan"), float("inf"), True, "5", None, [], {}]


@pytest.mark.parametrize("value", [0, 7, 7.0, 1e3, LARGEST_COUNT])
def test_a_count_is_a_whole_number(value: float) -> None:
    count = token_count(value)
    assert count == value
    assert type(count) is int


@pytest.mark.parametrize("value", [*ODD, LARGEST_COUNT + 1, 2**70])
def test_anything_else_is_none(value: object) -> None:
    assert token_count(value) is None


def test_costs_are_not_counts_by_their_names() -> None:
    assert counts_tokens("prompt_tokens")
    assert not counts_tokens("cost")
