"""Fields of Anthropic's blocks and tools in a chat request."""

import pytest

from gateway.shapes import Json
from gateway.translate.mixed_chat.fields import beside, without_place


@pytest.mark.parametrize(
    ("holder", "kept"),
    [
        (
            {"cache_control": {"type": "ephemeral"}, "a": 1},
            {"cache_control": {"type": "ephemeral"}},
        ),
        ({"cache_control": None}, {}),
        ({}, {}),
    ],
)
def test_a_mark_stays(holder: Json, kept: Json) -> None:
    assert beside(holder) == kept


def test_what_says_nothing_needs_no_place() -> None:
    holder = {"type": "x", "a": 1, "b": None, "c": False, "d": [], "e": 0}
    assert without_place(holder, ("type",), "tools[1]") == [
        "tools[1].a",
        "tools[1].d",
        "tools[1].e",
    ]
