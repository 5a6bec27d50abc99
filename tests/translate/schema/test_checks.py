import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.translate.schema.checks import (
    Anything,
    Array,
    Boolean,
    Check,
    Integer,
    Mapping,
    Number,
    OneOf,
    Record,
    String,
    StringOrStrings,
    check,
    extensions,
)

TABLE: dict[str, Check] = {
    "temperature": Number(0, 2),
    "n": Integer(1, 128),
    "stream": Boolean(),
    "stop": StringOrStrings(4),
    "user": String(),
    "logit_bias": Mapping(Number(-100, 100)),
    "messages": Array(Record({"role": OneOf("user", "assistant")}, ("role",)), min_items=1),
    "metadata": Mapping(),
    "model": Anything(),
}


def refusal(body: dict[str, Any]) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        check(body, TABLE)
    return caught.value


def test_a_good_body_comes_back_as_an_equal_copy() -> None:
    body = {
        "model": "m",
        "temperature": 0.5,
        "n": 2,
        "stream": False,
        "stop": ["a", "b"],
        "user": "u",
        "logit_bias": {"50256": -100},
        "messages": [{"role": "user", "content": "hi"}],
        "top_k": 3,
    }
    assert check(body, TABLE) == body
    assert check(body, TABLE) is not body


def test_null_keys_are_dropped_known_or_not() -> None:
    body = {"n": None, "top_k": None, "user": "u"}
    assert check(body, TABLE) == {"user": "u"}
    assert body == {"n": None, "top_k": None, "user": "u"}


def test_one_string_will_do_for_a_list_of_strings() -> None:
    assert check({"stop": "a"}, TABLE) == {"stop": "a"}


def test_extensions_are_the_keys_outside_the_table_in_order() -> None:
    body = {"top_k": 1, "n": 1, "min_p": 0.1, "seed": 3}
    assert extensions(body, TABLE) == ["top_k", "min_p", "seed"]
    assert extensions(body, TABLE, known_extensions={"seed"}) == ["top_k", "min_p"]


@pytest.mark.parametrize("name", ["temperature", "n", "stop", "user", "logit_bias", "messages"])
def test_a_boolean_is_nothing_but_a_boolean(name: str) -> None:
    error = refusal({name: True})
    assert (error.status, error.code, error.param) == (400, "invalid_type", name)
    assert error.message.endswith("but got a boolean instead.")


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"temperature": 2.1}, "decimal_above_max_value", "temperature"),
        ({"temperature": -1}, "decimal_below_min_value", "temperature"),
        ({"temperature": "1"}, "invalid_type", "temperature"),
        ({"temperature": math.nan}, "invalid_value", "temperature"),
        ({"temperature": math.inf}, "invalid_value", "temperature"),
        ({"temperature": 10**5000}, "decimal_above_max_value", "temperature"),
        ({"n": 0}, "integer_below_min_value", "n"),
        ({"n": 129}, "integer_above_max_value", "n"),
        ({"n": 1.5}, "invalid_type", "n"),
        ({"n": math.nan}, "invalid_type", "n"),
        ({"n": math.inf}, "invalid_type", "n"),
        ({"stream": 1}, "invalid_type", "stream"),
        ({"stop": 5}, "invalid_type", "stop"),
        ({"stop": ["a", 5]}, "invalid_type", "stop[1]"),
        ({"stop": ["a"] * 5}, "array_above_max_length", "stop"),
        ({"user": 5}, "invalid_type", "user"),
        ({"logit_bias": []}, "invalid_type", "logit_bias"),
        ({"logit_bias": {"5": 101}}, "decimal_above_max_value", "logit_bias.5"),
        ({"messages": {}}, "invalid_type", "messages"),
        ({"messages": []}, "empty_array", "messages"),
        ({"messages": ["hi"]}, "invalid_type", "messages[0]"),
        ({"messages": [{"role": None}]}, "missing_required_parameter", "messages[0].role"),
        ({"messages": [{"role": "sys"}]}, "invalid_value", "messages[0].role"),
        ({"messages": [{"role": 1}]}, "invalid_type", "messages[0].role"),
        ({"metadata": "x"}, "invalid_type", "metadata"),
    ],
)
def test_a_wrong_value_is_refused_with_its_path_and_a_code(
    body: dict[str, Any], code: str, param: str
) -> None:
    error = refusal(body)
    assert (error.status, error.code, error.param) == (400, code, param)
    assert f"'{param}'" in error.message


def test_a_whole_float_is_an_integer() -> None:
    value = check({"n": 16.0}, TABLE)["n"]
    assert value == 16
    assert type(value) is int


def test_a_string_can_have_a_longest_length() -> None:
    assert String(3).accept("abc", "x") == "abc"
    with pytest.raises(InvalidRequest) as caught:
        String(3).accept("abcd", "x")
    assert caught.value.code == "string_above_max_length"


def test_an_array_can_have_a_shortest_length_above_one() -> None:
    with pytest.raises(InvalidRequest) as caught:
        Array(min_items=2).accept([1], "x")
    assert caught.value.code == "array_below_min_length"


def test_supported_values_are_listed() -> None:
    with pytest.raises(InvalidRequest, match=r"Supported values are: 'a', 'b' and 'c'\."):
        OneOf("a", "b", "c").accept("d", "x")
    with pytest.raises(InvalidRequest, match=r"Supported values are: 'a'\."):
        OneOf("a").accept("d", "x")
    assert OneOf("a", "b").accept("b", "x") == "b"


def test_a_record_drops_its_null_fields_and_keeps_unknown_ones() -> None:
    record = Record({"a": Integer()})
    assert record.accept({"a": 1, "b": "x", "c": None}, "p") == {"a": 1, "b": "x"}
    with pytest.raises(InvalidRequest, match=r"'p\.a'"):
        record.accept({"a": "1"}, "p")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*TABLE, "other"]), json_values))
def test_any_body_is_accepted_or_refused_and_never_changed(body: dict[str, Any]) -> None:
    before = repr(body)
    outcome: dict[str, Any] | InvalidRequest
    try:
        outcome = check(body, TABLE)
    except InvalidRequest as error:
        outcome = error
    if isinstance(outcome, InvalidRequest):
        assert re.split(r"[.\[]", outcome.param or "")[0] in TABLE
    else:
        assert None not in outcome.values()
        assert check(outcome, TABLE).keys() == outcome.keys()
    assert repr(body) == before


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=2))
def test_a_number_passes_exactly_if_it_is_finite_and_in_range(value: Any) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = number and math.isfinite(value) and -2 <= value <= 2
    whole = fits and value == int(value)
    for rule, passes in ((Number(-2, 2), fits), (Integer(-2, 2), whole)):
        if passes:
            accepted = rule.accept(value, "n")
            assert accepted == value
            assert type(accepted) is (int if rule == Integer(-2, 2) else type(value))
        else:
            with pytest.raises(InvalidRequest):
                rule.accept(value, "n")


@given(st.dictionaries(st.text(max_size=3), st.integers() | st.none()))
def test_extensions_are_the_names_that_no_table_has(body: dict[str, Any]) -> None:
    known = {"a": Anything(), "b": Anything()}
    assert extensions(body, known) == [name for name in body if name not in ("a", "b")]
    assert extensions(body, known, known_extensions=("c",)) == [
        name for name in body if name not in ("a", "b", "c")
    ]
