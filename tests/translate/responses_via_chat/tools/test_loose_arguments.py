"""Arguments are taken in the types that models write, and refused where they have no meaning."""

from typing import Any

import pytest

from gateway.translate.responses_via_chat.tools.loose_arguments import (
    environment,
    is_texts,
    options,
    others,
)

TYPES = {"timeout_ms": int, "user": str}


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({}, {}),
        ({"timeout_ms": None, "user": None}, {}),
        ({"timeout_ms": 5, "user": "u", "other": 1}, {"timeout_ms": 5, "user": "u"}),
        ({"timeout_ms": "5000"}, {"timeout_ms": 5000}),
        ({"timeout_ms": 5.0}, {"timeout_ms": 5}),
        ({"timeout_ms": 2**53}, {"timeout_ms": 2**53}),
    ],
)
def test_numbers_may_be_strings_or_floats(given: Any, taken: Any) -> None:
    assert options(given, TYPES) == taken


@pytest.mark.parametrize("number", ["soon", "", 0.5, "nan", "inf", 1e300, True, [5], {}])
def test_what_is_not_a_whole_number_is_unusable(number: Any) -> None:
    assert options({"timeout_ms": number}, TYPES) is None


@pytest.mark.parametrize("text", [5, True, ["u"], {}])
def test_a_string_must_be_one(text: Any) -> None:
    assert options({"user": text}, TYPES) is None


def test_variables_are_strings_and_numbers_and_booleans_as_in_json() -> None:
    given = {"A": "a", "B": 5, "C": 0.5, "D": True}
    assert environment(given) == {"A": "a", "B": "5", "C": "0.5", "D": "true"}
    assert environment(None) == environment({}) == {}


@pytest.mark.parametrize("given", ["A=b", [1], {"A": None}, {"A": {}}, {"A": ["b"]}])
def test_other_variables_are_unusable(given: Any) -> None:
    assert environment(given) is None


def test_arguments_that_the_tool_does_not_have_are_kept() -> None:
    assert others({"command": "ls", "why": "x", "n": [1]}, ("command",)) == {"why": "x", "n": [1]}


@pytest.mark.parametrize(
    ("value", "expected"), [([], True), (["a"], True), (["a", 1], False), ("a", False), ({}, False)]
)
def test_a_list_of_strings(value: Any, expected: bool) -> None:
    assert is_texts(value) is expected
