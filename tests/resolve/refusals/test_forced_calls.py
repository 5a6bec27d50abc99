import pytest

from gateway.resolve.refusals.forced_calls import thinking_word, unthink, without_thinking
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Json

OFF = {"type": "disabled"}


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
    assert without_thinking(message) == ParameterFix("unthink", "thinking", "disabled")


def test_other_words_are_about_something_else() -> None:
    assert without_thinking("Thinking mode does not support this model") is None
    assert without_thinking("tool_choice is not supported") is None


@pytest.mark.parametrize(
    ("choice", "forces"),
    [
        ("required", True),
        ({"type": "function", "function": {"name": "f"}}, True),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": []}}, True),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}, False),
        ("auto", False),
        ("none", False),
        (None, False),
    ],
)
def test_only_a_forced_call_switches_thinking_off(choice: object, *, forces: bool) -> None:
    for name, off in (("enable_thinking", False), ("thinking", OFF)):
        body: Json = {"tool_choice": choice, "reasoning_effort": "high", name: 1}
        unthink(body, name)
        assert body == ({"tool_choice": choice, name: off} if forces else {**body, name: 1})
        assert ("reasoning_effort" in body) is not forces


def test_values_are_reported_by_a_word() -> None:
    words = [thinking_word(value) for value in (None, True, False, {"type": "enabled"})]
    assert words == ["none", "true", "false", "enabled"]
