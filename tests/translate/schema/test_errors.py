import pytest

from gateway.errors import InvalidRequest
from gateway.translate.schema.checks import Integer, Number
from gateway.translate.schema.errors import missing, must_be, out_of_range, type_name, wrong_type


def test_messages_show_bounds_as_a_person_would_write_them() -> None:
    assert out_of_range(3, 0.0, 2.0, "temperature", "decimal").message == (
        "Invalid 'temperature': decimal above maximum value. "
        "Expected a value <= 2, but got 3 instead."
    )
    with pytest.raises(InvalidRequest, match="<= 9223372036854775807, but got 1000"):
        Integer().accept(10**19, "seed")
    with pytest.raises(InvalidRequest, match=r">= 0, but got -0.5"):
        Number(0.0).accept(-0.5, "x")


def test_missing_names_the_parameter() -> None:
    error = missing("model")
    assert (error.param, error.code) == ("model", "missing_required_parameter")


def test_every_json_type_has_a_name() -> None:
    values = [None, True, 1, 1.5, "s", [], {}, object()]
    assert [type_name(value) for value in values] == [
        "null",
        "a boolean",
        "an integer",
        "a decimal number",
        "a string",
        "an array",
        "an object",
        "an unknown type",
    ]


def test_a_wrong_type_is_named_beside_the_right_one() -> None:
    error = wrong_type("n", "an integer", "2")
    assert error.message == "Invalid type for 'n': expected an integer, but got a string instead."
    assert (error.param, error.code) == ("n", "invalid_type")


def test_what_a_value_must_be_is_said_of_the_parameter() -> None:
    error = must_be("stream_id", "a string")
    assert (error.message, error.param, error.code) == (
        "'stream_id' must be a string.",
        "stream_id",
        "invalid_type",
    )
