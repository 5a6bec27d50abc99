"""The text of a custom tool's input whose wrapper is cut off, or no JSON."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.translate.parts.tools.broken_wrapper import text_so_far
from gateway.translate.parts.tools.custom import unwrapped_input

LONG = 'print("a\\tb")\n😀 é\u2028 C:\\x'


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("separators", [(", ", ": "), (",", ":"), (" , ", "  :\n ")])
def test_a_wrapper_that_is_cut_anywhere_gives_the_text_so_far(
    ascii_only: bool, separators: tuple[str, str]
) -> None:
    whole = json.dumps({"input": LONG}, ensure_ascii=ascii_only, separators=separators)
    shown = [unwrapped_input(whole[:end]) for end in range(1, len(whole) + 1)]
    assert shown[-1] == LONG
    assert all(LONG.startswith(text) for text in shown)
    assert all(len(before) <= len(text) for before, text in pairwise(shown))
    assert len(set(shown)) == len(LONG) + 1


@given(text=st.text(), data=st.data())
def test_any_text_is_a_beginning_of_what_was_meant(text: str, data: st.DataObject) -> None:
    whole = json.dumps({"input": text}, ensure_ascii=data.draw(st.booleans()))
    cut = whole[: data.draw(st.integers(1, len(whole)))]
    assert text.startswith(unwrapped_input(cut))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        # line breaks that should have been escaped
        ('{"input": "a\nb"}', "a\nb"),
        ('{"input": "a\nb', "a\nb"),
        ('{"patch": "a\nb"}\n', "a\nb"),
        # half a character, within the text and at its cut
        ('{"input": "a\\ud83d b"}', "a\ufffd b"),
        ('{"input": "a\\\\ud83d', "a\\ud83d"),
        # cut off within what follows the text, or within what should be text
        ('{"input": "a", ', "a"),
        ('{"input": "a", "b": "c', "a"),
        ('{"input": {"a": "b', '{"a": "b'),
        ('{"input": [', "["),
        # another name, as far as there is no other
        ('{"patch": "a', "a"),
    ],
)
def test_what_a_model_writes_instead_of_json_is_understood(arguments: str, text: str) -> None:
    assert text_so_far(arguments) == text


@pytest.mark.parametrize(
    "arguments",
    [
        "raw text",
        "{ a: 1 }",
        '{"patch',
        '{"patch": 5',
        '{"a": "b", "c": "d',
        '{"input": "say "hi" to them"}',
        '{"input": "\\q"}',
        '{"input": "\\u12zz"}',
        '["a',
    ],
)
def test_what_may_be_the_text_itself_is_left_alone(arguments: str) -> None:
    assert text_so_far(arguments) is None
    assert unwrapped_input(arguments) == arguments
