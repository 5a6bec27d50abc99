import pytest

from gateway.envelopes.error_envelopes import ErrorDetails
from gateway.resolve.refusals.unrelated import is_unrelated


@pytest.mark.parametrize(
    "reply",
    [
        ErrorDetails("It broke.", code="insufficient_quota"),
        ErrorDetails("It broke.", type="rate_limit_error"),
        ErrorDetails("The model `m` does not exist", code="content_filter"),
        ErrorDetails("Your organization must be verified to use the model `m`."),
        ErrorDetails("No available channel for model m"),
    ],
)
def test_codes_and_some_texts_are_enough(reply: ErrorDetails) -> None:
    assert is_unrelated(reply)


@pytest.mark.parametrize(
    "message",
    [
        "System role not supported",
        "Invalid value: 'developer'. Supported values are: 'system' and 'user'.",
        "reasoning_effort must be one of: low, high",
    ],
)
def test_a_template_a_role_and_a_degree_have_such_codes_too(message: str) -> None:
    assert not is_unrelated(ErrorDetails(message, code="invalid_value"))
    assert is_unrelated(ErrorDetails("Invalid value: 'x'.", code="invalid_value"))


def test_any_other_error_may_be_a_refusal() -> None:
    assert not is_unrelated(ErrorDetails("It broke.", code="model_not_found"))
    assert not is_unrelated(ErrorDetails("You wrote: No available channel"))
