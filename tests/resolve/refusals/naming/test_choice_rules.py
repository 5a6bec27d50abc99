"""Several choices, in the words by which servers refuse them."""

import pytest

from gateway.resolve.refusals.classify import Verdict, classify
from gateway.resolve.refusals.naming.choice_rules import CHOICE_RULES
from gateway.resolve.refusals.naming.parameter_rules import NAMING_RULES
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Shape
from tests.resolve.recorded_errors import in_openai_envelope

TEXTS = [
    "n must be 1 when using greedy sampling, got 3.",
    "n must be at most 128, got 200. To increase this limit, set …",
    "Invalid n value (currently only n = 1 is supported)",
    "'n' : number must be at most 1",
    "n: Input should be less than or equal to 1",
    "Multiple candidates is not enabled for this model",
    "Multiple candidates is not enabled for models/gemini-3-pro",
    "Only one candidate can be specified in the current model",
    "Only one completion choice is allowed",
    "Only n=1 is supported",
    "`n` must be 1",
    "n must be equal to 1",
    "n > 1 is not supported",
    "n=2 is unsupported",
    "This model does not support n > 1.",
]
OTHERS = [
    "n must be at least 1, got 0.",
    "n must be an int, but is of type <class 'str'>",
    "min must be 1",
    "top_n must be at most 5, got 9",
    "n: Input should be a valid integer",
]


def test_the_rules_are_among_those_that_are_read() -> None:
    assert set(CHOICE_RULES) <= set(NAMING_RULES)


@pytest.mark.parametrize("message", TEXTS)
def test_several_choices_are_left_to_the_gateway(message: str) -> None:
    for shape in (Shape.CHAT, Shape.COMPLETIONS):
        body = in_openai_envelope(message)
        refusal = classify(shape, 400, body, model="m-1", sent={"model", "n"})
        assert refusal.fixes == (ParameterFix("withhold", "n"),)
        assert classify(shape, 400, body, model="m-1", sent={"model"}).verdict is Verdict.OTHER


@pytest.mark.parametrize("message", OTHERS)
def test_other_errors_about_a_number_are_the_clients(message: str) -> None:
    body = in_openai_envelope(message)
    assert classify(Shape.CHAT, 400, body, model="m-1", sent={"n"}).fixes == ()
