"""What is known of a text that is not kept."""

import pytest

from gateway.translate.stream.said_text import SaidText


@pytest.mark.parametrize("pieces", [[], ["ab"], ["a", "", "b"], ["\ud83d", "\u00e9\U0001f4a1"]])
def test_the_rest_of_a_whole_is_what_stands_after_the_pieces(pieces: list[str]) -> None:
    said, text = SaidText(), "".join(pieces)
    for piece in pieces:
        said.add(piece)
    assert said.length == len(text)
    assert (said.begins(text), said.rest_of(text)) == (True, "")
    assert said.rest_of(text + "xy") == "xy"
    for other in (text[:-1], "\u00fc" + text[1:]) if text else ():
        assert (said.begins(other), said.rest_of(other + "!")) == (False, "")
