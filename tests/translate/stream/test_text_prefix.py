"""What is known of a text that is not kept."""

import pytest

from gateway.translate.stream.text_prefix import TextPrefix


@pytest.mark.parametrize("pieces", [[], ["ab"], ["a", "", "b"], ["\ud83d", "\u00e9\U0001f4a1"]])
def test_the_rest_of_a_whole_is_what_stands_after_the_pieces(pieces: list[str]) -> None:
    prefix, text = TextPrefix(), "".join(pieces)
    for piece in pieces:
        prefix.add(piece)
    assert prefix.length == len(text)
    assert (prefix.begins(text), prefix.rest_of(text)) == (True, "")
    assert prefix.rest_of(text + "xy") == "xy"
    for other in (text[:-1], "\u00fc" + text[1:]) if text else ():
        assert (prefix.begins(other), prefix.rest_of(other + "!")) == (False, "")
