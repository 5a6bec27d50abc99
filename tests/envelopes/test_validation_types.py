import pytest

from gateway.envelopes.validation_types import is_validation_type


@pytest.mark.parametrize(
    "word",
    [
        *("extra_forbidden", "missing", "string_type", "value_error", "literal_error"),
        *("value_error.missing", "value_error.extra", "type_error.integer", "type_error"),
    ],
)
def test_types_of_both_versions_of_pydantic_are_known(word: str) -> None:
    assert is_validation_type(word)


@pytest.mark.parametrize("word", ["", "invalid_request_error", "value_errors", "typeerror", "api"])
def test_other_types_are_the_servers_own(word: str) -> None:
    assert not is_validation_type(word)
