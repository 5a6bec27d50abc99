"""Calls after the arguments of another one."""

import pytest

from gateway.errors import UpstreamError
from gateway.translate.parts.tools.further_calls import further_calls


@pytest.mark.parametrize(
    ("rest", "others"),
    [
        ("", []),
        (" ", []),
        ("x", []),
        ('{"b":2}', ['{"b":2}']),
        (' ,\n{"b":2}[3]', ['{"b":2}', "[3]"]),
        ('{"b":2} x', ['{"b":2} x']),
        ('{"a": 1}', []),
        ('{"a": 1} x', []),
        ('{"a":1}{"b":2}{"a":1}', ['{"b":2}']),
    ],
)
@pytest.mark.parametrize("truncated", [False, True])
def test_each_text_is_a_call_and_repetitions_are_none(
    rest: str, others: list[str], *, truncated: bool
) -> None:
    assert further_calls(rest, '{"a":1}', truncated=truncated) == others


def test_half_a_call_is_one_of_a_reply_that_was_cut_off() -> None:
    assert further_calls('{"b":2}{"c', "{}", truncated=True) == ['{"b":2}', '{"c']
    with pytest.raises(UpstreamError, match="two tool calls in one"):
        further_calls('{"b":2}{"c', "{}", truncated=False)
