from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.demo.refusals import Refused
from gateway.demo.rules import checks
from gateway.demo.rules.checks import Check

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
EVERY_CHECK: list[Check] = [
    checks.boolean,
    checks.string,
    checks.mapping,
    checks.short_string(2),
    checks.integer(1, 3),
    checks.number(0, 1),
    checks.word("a", "b"),
    checks.array(checks.string, least=1, most=2),
    checks.string_or(checks.boolean),
    checks.nullable(checks.boolean),
    checks.record({"a": checks.string}, {"b": checks.boolean}, open_=False),
    checks.tagged("type", {"a": checks.mapping}),
]


@given(st.sampled_from(EVERY_CHECK), JSON)
def test_a_check_gives_nothing_but_a_refusal(check: Check, value: Any) -> None:
    caught = None
    try:
        check("x", value)
    except Refused as refused:
        caught = refused
    assert caught is None or (caught.status, (caught.param or "")[:1]) == (400, "x")


def refusal(check: Check, value: object) -> tuple[str, str | None, str | None]:
    with pytest.raises(Refused) as caught:
        check("x", value)
    return caught.value.message, caught.value.param, caught.value.code


@pytest.mark.parametrize(
    ("check", "value", "message"),
    [
        (
            checks.boolean,
            1,
            "Invalid type for 'x': expected a boolean, but got an integer instead.",
        ),
        (checks.string, None, "Invalid type for 'x': expected a string, but got null instead."),
        (checks.mapping, [], "Invalid type for 'x': expected an object, but got an array instead."),
        (
            checks.integer(),
            True,
            "Invalid type for 'x': expected an integer, but got a boolean instead.",
        ),
        (
            checks.integer(),
            1.5,
            "Invalid type for 'x': expected an integer, but got a decimal instead.",
        ),
        (
            checks.number(0, 1),
            "1",
            "Invalid type for 'x': expected a decimal, but got a string instead.",
        ),
        (
            checks.number(0, 1),
            True,
            "Invalid type for 'x': expected a decimal, but got a boolean instead.",
        ),
        (
            checks.array(checks.string),
            {},
            "Invalid type for 'x': expected an array, but got an object instead.",
        ),
        (
            checks.record({}, open_=True),
            "s",
            "Invalid type for 'x': expected an object, but got a string instead.",
        ),
        (
            checks.tagged("type", {}),
            "s",
            "Invalid type for 'x': expected an object, but got a string instead.",
        ),
    ],
)
def test_a_wrong_type_is_named(check: Check, value: object, message: str) -> None:
    assert refusal(check, value) == (message, "x", "invalid_type")


@pytest.mark.parametrize(
    ("check", "value", "code"),
    [
        (checks.integer(1), 0, "integer_below_min_value"),
        (checks.integer(1, 5), 6, "integer_above_max_value"),
        (checks.number(0, 2), -0.1, "decimal_below_min_value"),
        (checks.number(0, 2), 2.1, "decimal_above_max_value"),
        (checks.word("a"), "b", "invalid_value"),
        (checks.array(checks.string, least=1), [], "empty_array"),
        (checks.array(checks.string, most=1), ["a", "b"], "array_above_max_length"),
        (checks.short_string(1), "ab", "string_above_max_length"),
    ],
)
def test_a_value_out_of_range_has_its_code(check: Check, value: object, code: str) -> None:
    assert refusal(check, value)[1:] == ("x", code)


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (checks.integer(1, 5), 5),
        (checks.integer(), -(10**30)),
        (checks.number(0, 1), 1),
        (checks.number(0, 1), 0.5),
        (checks.boolean, False),
        (checks.word("a", "b"), "b"),
        (checks.array(checks.string, most=1), ["a"]),
        (checks.short_string(2), "ab"),
        (checks.nullable(checks.string), None),
        (checks.nullable(checks.string), "s"),
        (checks.string_or(checks.boolean), "s"),
        (checks.string_or(checks.boolean), True),
        (checks.record({"a": checks.string}, open_=True), {"a": "s", "z": 1}),
        (checks.tagged("type", {"a": checks.mapping}), {"type": "a"}),
        (checks.tagged("type", {"a": checks.mapping}, default="a"), {}),
    ],
)
def test_what_is_right_passes(check: Check, value: object) -> None:
    check("x", value)


def test_a_wrong_member_is_named_by_its_path() -> None:
    check = checks.array(checks.record({"a": checks.string}, open_=False))
    assert refusal(check, [{"a": "s"}, {}])[1] == "x[1].a"
    assert refusal(check, [{"a": 1}])[1] == "x[0].a"
    assert refusal(check, [{"a": "s", "z": 1}])[:2] == ("Unknown parameter: 'x[0].z'.", "x[0].z")


def test_the_choosing_member_must_be_there_and_known() -> None:
    check = checks.tagged("type", {"a": checks.mapping, "b": checks.mapping})
    assert refusal(check, {}) == (
        "Missing required parameter: 'x.type'.",
        "x.type",
        "missing_required_parameter",
    )
    assert refusal(check, {"type": 1})[2] == "invalid_type"
    assert refusal(check, {"type": "c"})[0] == (
        "Invalid value: 'c'. Supported values are: 'a', and 'b'."
    )
