from typing import Any

import pytest

from gateway.demo.refusals import Refused
from gateway.demo.rules import shared


def refusal(name: str, value: object) -> Refused:
    with pytest.raises(Refused) as caught:
        shared.check_members(shared.SHARED, {name: value})
    return caught.value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("logit_bias", {"50256": -100}),
        ("stop", "x"),
        ("stop", ["a", "b", "c", "d"]),
        ("seed", 2**63 - 1),
        ("temperature", None),
        ("stream_options", {"include_usage": True}),
    ],
)
def test_right_values_pass(name: str, value: object) -> None:
    shared.check_members(shared.SHARED, {name: value})


@pytest.mark.parametrize(
    ("name", "value", "param", "code"),
    [
        ("logit_bias", [], "logit_bias", "invalid_type"),
        ("logit_bias", {"word": 1}, "logit_bias", "invalid_value"),
        ("logit_bias", {"1": 101}, "logit_bias.1", "decimal_above_max_value"),
        ("stop", "", "stop", "empty_string"),
        ("stop", ["a", ""], "stop[1]", "empty_string"),
        ("stop", list("abcde"), "stop", "array_above_max_length"),
        ("seed", 2**63, "seed", "integer_above_max_value"),
        ("stream_options", {"x": 1}, "stream_options.x", "unknown_parameter"),
    ],
)
def test_wrong_values_are_refused_at_their_place(
    name: str, value: object, param: str, code: str
) -> None:
    refused = refusal(name, value)
    assert (refused.param, refused.code) == (param, code)


def test_stream_options_need_a_stream() -> None:
    shared.require_stream({"stream_options": {}, "stream": True})
    with pytest.raises(Refused, match="only allowed when 'stream' is enabled"):
        shared.require_stream({"stream_options": {}})


def test_a_required_parameter_is_asked_for() -> None:
    with pytest.raises(Refused, match="Missing required parameter: 'prompt'"):
        shared.check_required(("prompt",), {})


@pytest.mark.parametrize("body", [{}, {"model": None}, {"model": ""}])
def test_a_model_is_required(body: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="you must provide a model parameter"):
        shared.requested_model(body)


def test_a_model_is_a_string() -> None:
    assert shared.requested_model({"model": "m"}) == "m"
    with pytest.raises(Refused, match="expected a string, but got an integer"):
        shared.requested_model({"model": 1})


def test_the_first_unknown_parameter_is_refused() -> None:
    shared.check_known({"model", "input"}, ["input"])
    with pytest.raises(Refused) as caught:
        shared.check_known({"model"}, ["model", "odd", "other"])
    assert (caught.value.status, caught.value.param) == (400, "odd")
