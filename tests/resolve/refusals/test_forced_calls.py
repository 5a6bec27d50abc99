import pytest

from gateway.resolve.refusals.fixed_bodies import apply_fixes
from gateway.resolve.refusals.forced_calls import (
    forces_call,
    switched_off,
    thinking_word,
    without_thinking,
)
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Json, Shape

OFF = {"type": "disabled"}
THINKING = ParameterFix("unthink", "thinking", "disabled")
ENABLED = ParameterFix("unthink", "enable_thinking", "false")
EFFORT = ParameterFix("unthink", "reasoning.effort", "none")


@pytest.mark.parametrize(
    "message",
    [
        "Thinking mode does not support this tool_choice",
        "tool_choice 'required' is incompatible with thinking enabled",
        "tool_choice specified is incompatible with thinking enabled",
        "tool_choice is incompatible with thinking enabled",
    ],
)
def test_thinking_is_refused_beside_a_forced_call(message: str) -> None:
    assert without_thinking(message, Shape.CHAT) == THINKING
    assert without_thinking(message, Shape.MESSAGES) == THINKING
    assert without_thinking(message, Shape.RESPONSES) == EFFORT
    assert without_thinking(message, Shape.COMPLETIONS) is None


def test_qwens_have_a_parameter_of_their_own_at_openais_endpoints() -> None:
    message = (
        "The tool_choice parameter does not support being set to required or object in thinking "
        "mode"
    )
    assert without_thinking(message, Shape.CHAT) == ENABLED
    assert without_thinking(message, Shape.RESPONSES) == ENABLED
    assert without_thinking(message, Shape.MESSAGES) == THINKING


def test_other_words_are_about_something_else() -> None:
    assert without_thinking("Thinking mode does not support this model", Shape.CHAT) is None
    assert without_thinking("tool_choice is not supported", Shape.CHAT) is None


@pytest.mark.parametrize(
    ("choice", "forces"),
    [
        ("required", True),
        ({"type": "function", "function": {"name": "f"}}, True),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": []}}, True),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}, False),
        ({"type": "allowed_tools", "allowed_tools": None}, True),
        ("auto", False),
        ("none", False),
        (None, False),
        # responses
        ({"type": "function", "name": "f"}, True),
        ({"type": "allowed_tools", "mode": "required", "tools": []}, True),
        ({"type": "allowed_tools", "mode": "auto", "tools": []}, False),
        # messages
        ({"type": "any"}, True),
        ({"type": "tool", "name": "f"}, True),
        ({"type": "auto", "disable_parallel_tool_use": True}, False),
        ({"type": "none"}, False),
    ],
)
def test_only_a_forced_call_switches_thinking_off(choice: object, *, forces: bool) -> None:
    assert forces_call({"tool_choice": choice}) is forces
    for fix, off in ((ENABLED, False), (THINKING, OFF)):
        body: Json = {"tool_choice": choice, "reasoning_effort": "high", fix.name: 1}
        fixed = apply_fixes(body, [fix])
        assert fixed == ({"tool_choice": choice, fix.name: off} if forces else body)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"reasoning": {"effort": "low"}}, {"reasoning": {"effort": "none"}}),
        ({}, {"reasoning": {"effort": "none"}}),
        (
            {"reasoning": {"effort": "low", "summary": "auto"}},
            {"reasoning": {"effort": "none", "summary": "auto"}},
        ),
    ],
)
def test_at_responses_the_effort_may_be_what_switches_it_off(given: Json, expected: Json) -> None:
    choice = {"tool_choice": "required"}
    assert apply_fixes({**choice, **given}, [EFFORT]) == {**choice, **expected}
    assert switched_off(EFFORT) == "none"


def test_values_are_reported_by_a_word() -> None:
    values = (None, True, False, {"type": "enabled"})
    assert [thinking_word(value, THINKING) for value in values] == [
        "none",
        "true",
        "false",
        "enabled",
    ]
    assert [thinking_word(value, EFFORT) for value in (None, "low")] == ["default", "low"]
