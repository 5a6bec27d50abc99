"""The words that the tests of both paths put everywhere."""

import pytest

from gateway.shapes import Shape
from tests.fast.both_streams import PAIRS
from tests.fast.names import names_between, names_in_translate


@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_those_of_a_pair_are_some_of_all_and_one_that_nobody_knows(
    client: Shape, home: Shape
) -> None:
    *names, own = names_between(client, home)
    assert own == "own"
    assert own not in names_in_translate()
    assert 300 < len(names) < len(names_in_translate())
    assert {"model", "stream", "usage", "choices", "error"} <= {*names} <= {*names_in_translate()}


@pytest.mark.parametrize(
    ("client", "home", "known", "unknown"),
    [
        (Shape.COMPLETIONS, Shape.CHAT, {"echo"}, {"native_arguments", "pause_turn"}),
        (Shape.CHAT, Shape.MESSAGES, {"pause_turn"}, {"batch_size"}),
        # Through chat: what either half reads.
        (Shape.COMPLETIONS, Shape.RESPONSES, {"echo", "native_arguments"}, {"pause_turn"}),
    ],
)
def test_a_pair_reads_what_its_modules_name(
    client: Shape, home: Shape, known: set[str], unknown: set[str]
) -> None:
    names = {*names_between(client, home)}
    assert known <= names
    assert unknown <= {*names_in_translate()} - names
