"""Names of tools, whole and in pieces."""

import pytest

from gateway.shapes import Json
from gateway.translate.parts.tools.names import goes_on, joined, names_of

TOOLS = ["get", "get_weather", "weather"]


def test_a_name_goes_on_where_a_longer_one_begins_with_it() -> None:
    assert [goes_on(name, TOOLS) for name in ("g", "get", "get_weather", "x")] == [
        *(True, True),
        *(False, False),
    ]


@pytest.mark.parametrize(
    ("known", "more", "whole"),
    [
        ("get", "_weather", "get_weather"),
        ("get", "_we", "get_we"),
        ("get_", "weather", "get_weather"),
        ("get", "weather", None),
        ("get", "get", None),
        ("get_", "get_weather", "get_weather"),
        ("get_", "get_wea", "get_wea"),
        ("get", "get_weather", None),
        ("get_", "get_", None),
        ("get_", "get_x", None),
        ("get", "x", None),
        ("", "get", None),
        ("get", "", None),
    ],
)
def test_pieces_are_joined_where_they_make_a_tools_name(
    known: str, more: str, whole: str | None
) -> None:
    assert joined(known, more, TOOLS) == whole


def test_the_names_of_a_request_are_found_in_all_shapes() -> None:
    tools: list[object] = [
        {"type": "function", "function": {"name": "a"}},
        {"type": "custom", "custom": {"name": "b"}},
        {"type": "function", "name": "c"},
        {"type": "web_search"},
        {"function": "x"},
        {"name": 5},
        None,
    ]
    assert names_of({"tools": tools, "functions": [{"name": "d"}]}) == {"a", "b", "c", "d"}
    odd: Json = {"tools": "x", "functions": None}
    assert names_of(odd) == frozenset()
