import pytest

from gateway.demo.refusals import parameters


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["b"], "Unrecognized request argument supplied: b"),
        (["b", "a"], "Unrecognized request arguments supplied: a, b"),
    ],
)
def test_unrecognized_arguments_are_counted_and_sorted(names: list[str], message: str) -> None:
    assert parameters.unrecognized_arguments(names).message == message


@pytest.mark.parametrize(
    ("supported", "listed"),
    [(("a",), "'a'"), (("a", "b"), "'a', and 'b'"), (("a", "b", "c"), "'a', 'b', and 'c'")],
)
def test_supported_values_are_listed(supported: tuple[str, ...], listed: str) -> None:
    refused = parameters.invalid_value("x[0].y", "z", supported)
    assert refused.message == f"Invalid value: 'z'. Supported values are: {listed}."
    assert (refused.param, refused.code) == ("x[0].y", "invalid_value")


def test_a_parameter_of_another_name_is_named() -> None:
    assert parameters.unsupported_parameter(
        "max_tokens", instead="max_completion_tokens"
    ).message == (
        "Unsupported parameter: 'max_tokens' is not supported with this model."
        " Use 'max_completion_tokens' instead."
    )
    moved = parameters.moved_parameter("messages", "input")
    assert "this parameter has moved to 'input'" in moved.message
    assert (moved.param, moved.code) == ("messages", "unsupported_parameter")


def test_a_request_that_is_too_long_has_its_tokens_counted() -> None:
    refused = parameters.too_long(100, 90, 20, None)
    assert "you requested 110 tokens (90 in your prompt; 20 for the completion)" in refused.message
    assert (refused.param, refused.code) == (None, "context_length_exceeded")
