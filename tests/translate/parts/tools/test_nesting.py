"""Where the JSON text of an object or a list ends, whatever pieces it comes in."""

import pytest

from gateway.translate.parts.tools.nesting import Nesting

TEXTS = ("{}", '{"a": [1, "}"]}', '["\\"]", "\\\\"]', '{"a": {"b": "[{"}}')


@pytest.mark.parametrize("text", TEXTS)
def test_it_ends_with_its_last_bracket(text: str) -> None:
    assert Nesting().end_in(f"{text} more", 0) == len(text)


@pytest.mark.parametrize("text", TEXTS)
def test_it_ends_there_in_pieces_too(text: str) -> None:
    nesting, ends = Nesting(), list[int | None]()
    for piece in text:
        position = 1 if nesting.escaped else 0
        nesting.escaped = False
        ends.append(nesting.end_in(piece, position))
    assert ends == [*[None] * (len(text) - 1), 1]
    assert not nesting.depth


def test_a_text_that_breaks_off_in_an_escape_says_so() -> None:
    nesting = Nesting()
    assert nesting.end_in('{"a": "b\\', 0) is None
    assert (nesting.depth, nesting.in_string, nesting.escaped) == (1, True, True)
