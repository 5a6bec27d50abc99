import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.envelopes.json_fields import (
    MAX_ENTRIES,
    child,
    count,
    objects,
    quoted,
    strings,
    text,
)
from tests.resolve.payloads import JSON


def test_only_objects_of_a_list_are_given() -> None:
    assert list(objects([{"a": 1}, [], None, "x", {}])) == [{"a": 1}, {}]
    assert list(objects({"a": 1})) == []
    assert list(objects("text")) == []


def test_a_long_list_is_cut() -> None:
    assert sum(1 for _ in objects([{}] * (MAX_ENTRIES + 1))) == MAX_ENTRIES
    assert len(strings({"k": ["x"] * (MAX_ENTRIES + 1)}, "k")) == MAX_ENTRIES


def test_a_child_is_an_object_or_empty() -> None:
    assert child({"k": {"a": 1}}, "k") == {"a": 1}
    assert child({"k": [1]}, "k") == child({}, "k") == {}


def test_text_is_a_string_that_is_not_empty() -> None:
    assert text({"k": "v"}, "k") == "v"
    assert text({"k": ""}, "k") is text({"k": 1}, "k") is text({}, "k") is None


def test_strings_are_those_of_a_list() -> None:
    assert strings({"k": ["a", 1, None, "b"]}, "k") == ["a", "b"]
    assert strings({"k": "ab"}, "k") == []


@pytest.mark.parametrize("value", [True, False, 0, -1, 1.0, "1", None, [1]])
def test_what_is_not_a_positive_whole_number_is_not_a_count(value: object) -> None:
    assert count({"k": value}, "k") is None


def test_a_count_is_a_positive_whole_number() -> None:
    assert count({"k": 7}, "k") == 7


@pytest.mark.parametrize(
    ("value", "expected"),
    [("chat", '"chat"'), (True, "true"), (["a", "b"], '["a", "b"]'), ("a\nb\0", '"a\\nb\\u0000"')],
)
def test_a_value_is_quoted_as_json_spells_it(value: str | bool | list[str], expected: str) -> None:
    assert quoted(value) == expected


@given(st.text() | st.booleans() | st.lists(st.text()))
def test_a_shown_value_is_short_and_on_one_line(value: str | bool | list[str]) -> None:
    assert len(quoted(value)) <= 120
    assert quoted(value).isprintable()


def test_a_long_value_is_cut() -> None:
    assert len(quoted(["x" * 1000] * 1000)) == 120
    assert quoted("y" * 99) == f'"{"y" * 99}"'


@given(JSON, st.sampled_from(["id", "data", "models", ""]))
def test_nothing_raises_whatever_is_there(value: object, key: str) -> None:
    parent = {key: value}
    assert all(isinstance(item, dict) for item in objects(value))
    assert isinstance(child(parent, key), dict)
    assert all(isinstance(item, str) for item in strings(parent, key))
    assert text(parent, key) in (None, parent[key])
    assert (count(parent, key) or 1) > 0
