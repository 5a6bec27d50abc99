"""Efforts that a model, or its server, does not take, or takes only some of."""

import pytest

from gateway.resolve.refusals.classify import classify
from gateway.resolve.refusals.naming.effort_rules import EFFORT_NAMES, EFFORT_RULES
from gateway.resolve.refusals.naming.parameter_rules import NAMING_RULES
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Shape
from tests.resolve.recorded_errors import in_openai_envelope

MANDATORY = "Reasoning is mandatory for this endpoint and cannot be disabled."
HOMES = dict(zip((Shape.CHAT, Shape.RESPONSES, Shape.MESSAGES), EFFORT_NAMES, strict=True))


def fixes(message: str, *sent: str, called: Shape = Shape.CHAT) -> tuple[ParameterFix, ...]:
    body = in_openai_envelope(message)
    return classify(called, 400, body, model="m-1", sent={"model", *sent}).fixes


def test_the_rules_are_among_those_that_are_read() -> None:
    assert set(EFFORT_RULES) <= set(NAMING_RULES)


@pytest.mark.parametrize(("called", "name"), HOMES.items())
@pytest.mark.parametrize(
    ("message", "given", "nearest"),
    [
        ("Harmony does not support reasoning effort max", "max", "high"),
        ("Harmony does not support reasoning_effort=minimal", "minimal", "low"),
        ('invalid reasoning value: "xhigh" (must be "high", "medium", or "none")', "xhigh", "high"),
        (
            'invalid think value: "xhigh" (must be "high", "medium", "low", "max", true, or false)',
            "xhigh",
            "max",
        ),
        (
            (
                "reasoning_effort='low' is not supported for this model. Must be one of "
                "(<ReasoningEffort.none: 'none'>, <ReasoningEffort.high: 'high'>)"
            ),
            "low",
            "high",
        ),
        ("reasoning_effort 'max' is unsupported; use low|medium|high", "max", "high"),
        ("reasoning_effort 'max' not supported", "max", None),
    ],
)
def test_a_refused_word_goes_or_becomes_the_nearest(
    called: Shape, name: str, message: str, given: str, nearest: str | None
) -> None:
    expected = ParameterFix("drop" if nearest is None else "replace", name, nearest, given)
    assert fixes(message, name, f"{given}={name}", called=called) == (expected,)
    assert fixes(message, "model", called=called) == ()
    assert fixes(f"You wrote: {message}", name, f"{given}={name}", called=called) == ()


@pytest.mark.parametrize(
    "message",
    [
        "reasoning_effort is not enabled for this model",
        "Unable to submit request because thinking is not supported by this model. Learn more: …",
    ],
)
def test_any_effort_goes_where_none_is_taken(message: str) -> None:
    assert fixes(message, "reasoning_effort") == (ParameterFix("drop", "reasoning_effort"),)
    assert fixes(message, "temperature") == ()


@pytest.mark.parametrize(
    "message", [MANDATORY, "Budget 0 is invalid. This model only works in thinking mode."]
)
def test_the_effort_none_goes_where_thinking_is_mandatory(message: str) -> None:
    for name in ("reasoning_effort", "reasoning.effort"):
        drop = ParameterFix("drop", name, given="none")
        assert fixes(message, name, f"none={name}") == (drop,)
    assert fixes(message, "reasoning_effort") == ()


def test_so_does_openrouters_switch() -> None:
    switch = ParameterFix("drop", "reasoning.enabled")
    assert fixes(MANDATORY, "reasoning", "reasoning.enabled") == (switch,)
    assert fixes("reasoning_effort must be one of: low, high", "reasoning.enabled") == ()


def test_a_sentence_of_the_providers_before_the_words_that_are_taken_is_none_of_them() -> None:
    message = (
        "This request is not valid. Check the model name and other parameters.\nAdditional info: "
        'reasoning.effort: Invalid option: expected one of "high"|"medium"|"low"'
    )
    replaced = ParameterFix("replace", "reasoning.effort", "high", "max")
    assert fixes(message, "reasoning.effort", "max=reasoning.effort") == (replaced,)


def test_what_pydantic_prints_names_the_words_that_are_taken() -> None:
    message = (
        "1 validation error for ChatRequest\nreasoning_effort\n  Input should be 'low', 'medium' "
        "or 'high' [type=enum, input_value='xhigh', input_type=str]"
    )
    sent = ("reasoning_effort", "xhigh=reasoning_effort")
    assert fixes(message, *sent) == (ParameterFix("replace", "reasoning_effort", "high", "xhigh"),)
