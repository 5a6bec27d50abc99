from typing import Any

import pytest

from gateway.demo.refusals import Refused
from gateway.demo.rules import messages_checks as checks
from gateway.demo.rules.checks import Check, nullable, string_or

RECORD = checks.record({"a": checks.string}, {"b": checks.boolean})
TAGGED = checks.tagged({"x": checks.anything, "y": RECORD}, in_path=True)


@pytest.mark.parametrize(
    ("check", "value", "text"),
    [
        (checks.string, 1, "p: Input should be a valid string"),
        (checks.boolean, 0, "p: Input should be a valid boolean"),
        (checks.mapping, [], "p: Input should be a valid dictionary"),
        (checks.integer(1), True, "p: Input should be a valid integer"),
        (checks.integer(1), 0, "p: Input should be greater than or equal to 1"),
        (checks.share, "1", "p: Input should be a valid number"),
        (checks.share, -1, "p: Input should be greater than or equal to 0"),
        (checks.share, 1.5, "p: Input should be less than or equal to 1"),
        (checks.pattern("^a$"), "b", "p: String should match pattern '^a$'"),
        (checks.word("a"), "b", "p: Input should be 'a'"),
        (checks.word("a", "b", "c"), None, "p: Input should be 'a', 'b' or 'c'"),
        (checks.array(checks.string), "a", "p: Input should be a valid list"),
        (checks.array(checks.string), ["a", 1], "p.1: Input should be a valid string"),
        (string_or(checks.mapping), 1, "p: Input should be a valid dictionary"),
        (RECORD, 1, "p: Input should be a valid dictionary"),
        (RECORD, {}, "p.a: Field required"),
        (RECORD, {"a": "", "c": 1}, "p.c: Extra inputs are not permitted"),
        (RECORD, {"a": "", "b": 1}, "p.b: Input should be a valid boolean"),
        (TAGGED, 1, "p: Input should be a valid dictionary"),
        (TAGGED, {}, "p.type: Field required"),
        (TAGGED, {"type": "y"}, "p.y.a: Field required"),
        (
            TAGGED,
            {"type": "z"},
            (
                "p: Input tag 'z' found using 'type' does not match any of the expected tags: 'x',"
                " 'y'"
            ),
        ),
    ],
)
def test_a_wrong_value_is_refused_in_pydantics_words(check: Check, value: Any, text: str) -> None:
    with pytest.raises(Refused) as refused:
        check("p", value)
    assert refused.value.message == text
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (checks.anything, None),
        (nullable(checks.string), None),
        (nullable(checks.string), ""),
        (checks.boolean, False),
        (checks.integer(1), 1),
        (checks.share, 0.5),
        (checks.pattern("^a$"), "a"),
        (checks.word("a"), "a"),
        (checks.array(checks.string), ["a"]),
        (string_or(checks.mapping), "a"),
        (RECORD, {"a": "", "b": True}),
        (TAGGED, {"type": "x"}),
    ],
)
def test_a_right_value_is_accepted(check: Check, value: Any) -> None:
    check("p", value)
