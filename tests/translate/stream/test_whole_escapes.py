"""Escapes of halves of characters in pieces of JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.translate.parts.tools.argument_values import arguments_value
from gateway.translate.stream.whole_escapes import WholeEscapes


def said(*pieces: str) -> list[str]:
    escapes = WholeEscapes()
    return [*map(escapes.add, pieces), escapes.flush()]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (['{"a": 1}'], ['{"a": 1}', ""]),
        (["\\ud83d\\ude00"], ["\\ud83d\\ude00", ""]),
        (["\\uD83D", "\\uDE00"], ["", "\\uD83D\\uDE00", ""]),
        (["\\ud83d", '"'], ["", '\ufffd"', ""]),
        (["\\ud83d\\n"], ["\ufffd\\n", ""]),
        (["\\ud83d\\ud83d", "\\ude00"], ["\ufffd", "\\ud83d\\ude00", ""]),
        (["\\ude00\\ud83d"], ["\ufffd", "\ufffd"]),
        (["\\\\ud83d", "\\\\"], ["\\\\ud83d", "\\\\", ""]),
        (["a\\", "\\ud83d"], ["a", "\\\\ud83d", ""]),
        (["\\u00e4", "\\u00", "e4"], ["\\u00e4", "", "\\u00e4", ""]),
        (["\\ud83d\\ud"], ["", "\ufffd\\ud"]),
        (["\\u12"], ["", "\\u12"]),
    ],
)
def test_halves_are_replaced(pieces: list[str], expected: list[str]) -> None:
    assert said(*pieces) == expected


@given(
    st.lists(st.sampled_from(["a", "\ud83d", "\ude00", "\\", "n", "u", '"', "é", "😀"])).map(
        "".join
    ),
    st.integers(1, 9),
    st.booleans(),
)
def test_any_pieces_say_what_a_whole_text_says(text: str, size: int, upper: bool) -> None:
    written = json.dumps({"k": text})
    if upper:
        written = written.replace("\\ud83d", "\\uD83D").replace("\\ude00", "\\uDE00")
    pieces = [written[at : at + size] for at in range(0, len(written), size)]
    assert json.loads("".join(said(*pieces))) == arguments_value(written)
