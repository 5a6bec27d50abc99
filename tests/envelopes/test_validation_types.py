from typing import Any

import pytest

from gateway.envelopes.validation_types import is_validation_type, value_refused


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


LITERAL = {"type": "literal_error", "input": "minimal", "msg": "Input should be 'low' or 'high'"}
OF_VERSION_1 = {"type": "value_error.const", "ctx": {"given": "minimal", "permitted": ["low"]}}


@pytest.mark.parametrize(
    ("entries", "given"),
    [
        ([LITERAL], "minimal"),
        ([{**LITERAL, "type": "enum"}], "minimal"),
        ([OF_VERSION_1], "minimal"),
        ([{"type": "float_parsing", "input": "minimal"}, LITERAL], "minimal"),
        ([{"type": "float_parsing", "input": "minimal"}], None),
        ([{**LITERAL, "input": 7}], None),
        ([{"type": "literal_error"}], None),
        ([{"type": {"a": 1}, "input": "minimal"}, LITERAL], "minimal"),
        ([{"type": ["enum"], "input": "minimal"}], None),
        ([{"type": "value_error.const", "ctx": "minimal"}], None),
        ([], None),
    ],
)
def test_a_text_that_is_none_of_the_values_is_the_refused_one(
    entries: list[dict[str, Any]], given: str | None
) -> None:
    assert value_refused(entries) == given
