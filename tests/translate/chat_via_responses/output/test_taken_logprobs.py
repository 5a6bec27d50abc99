"""What the logprobs of a whole text add to those of its deltas."""

from typing import Any

import pytest

from gateway.translate.chat_via_responses.output.taken_logprobs import TakenLogprobs

A, B, C = ({"token": token, "logprob": -1} for token in "abc")


@pytest.mark.parametrize(
    ("taken", "whole", "rest"),
    [
        ([], [A, B], [A, B]),
        ([[A]], [A, B], [B]),
        ([[A], [B]], [{**A, "logprob": -2}, B], []),
        ([[B]], [A, B], None),
        ([[A, B]], [A], None),
        ([[A]], None, None),
        (["?"], [A], [A]),
        ([["a"]], ["a", A], [A]),
    ],
)
def test_only_what_continues_them_is_new(taken: list[Any], whole: Any, rest: Any) -> None:
    logprobs = TakenLogprobs[int]()
    for entries in taken:
        logprobs.add(0, entries)
    assert logprobs.has(0) is any(isinstance(entries, list) for entries in taken)
    assert logprobs.beyond(0, whole) == rest
    assert logprobs.beyond(1, whole) == whole
