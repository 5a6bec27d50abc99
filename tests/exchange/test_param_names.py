"""The parameters of a rule have the names of the client's shape, or are left out there."""

from typing import Any

import pytest

from gateway.config.translation_settings import ParamSettings
from gateway.exchange.param_names import in_shape
from gateway.shapes import Shape

COMPLETIONS, CHAT, RESPONSES = Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES
FORMAT = {"type": "json_object"}


@pytest.mark.parametrize(
    ("shape", "written", "used"),
    [
        (COMPLETIONS, {"temperature": 0.2, "top_k": 5}, {"temperature": 0.2, "top_k": 5}),
        (COMPLETIONS, {"max_output_tokens": 5}, {"max_tokens": 5}),
        (COMPLETIONS, {"max_completion_tokens": 5}, {"max_tokens": 5}),
        (COMPLETIONS, {"tools": [], "reasoning": {"effort": "low"}, "store": True}, {}),
        (CHAT, {"max_tokens": 5}, {"max_tokens": 5}),
        (CHAT, {"max_output_tokens": 5}, {"max_completion_tokens": 5}),
        (CHAT, {"suffix": "x", "instructions": "x", "best_of": 2}, {}),
        (CHAT, {"reasoning": {"effort": "low", "summary": "auto"}}, {"reasoning_effort": "low"}),
        (CHAT, {"text": {"verbosity": "low", "format": FORMAT}}, {"verbosity": "low"}),
        (CHAT, {"text": {"format": FORMAT}, "reasoning": "odd"}, {}),
        (RESPONSES, {"max_tokens": 5}, {"max_output_tokens": 5}),
        (RESPONSES, {"reasoning_effort": "low"}, {"reasoning": {"effort": "low"}}),
        (
            RESPONSES,
            {"reasoning": {"summary": "auto"}, "reasoning_effort": "low"},
            {"reasoning": {"summary": "auto", "effort": "low"}},
        ),
        (RESPONSES, {"reasoning": None, "verbosity": "low"}, {"reasoning": None, "text": {}}),
        (RESPONSES, {"stop": "x", "seed": 1, "response_format": FORMAT}, {}),
        (RESPONSES, {"metadata": {"a": "b"}}, {"metadata": {"a": "b"}}),
    ],
)
def test_values(shape: Shape, written: dict[str, Any], used: dict[str, Any]) -> None:
    if used.get("text") == {}:
        used = {**used, "text": {"verbosity": "low"}}
    assert in_shape(ParamSettings(set=written), shape).set == used
    assert in_shape(ParamSettings(default=written), shape).default == used


@pytest.mark.parametrize(
    ("shape", "written", "used"),
    [
        (COMPLETIONS, ["user", "tools", "mirostat"], ["user", "mirostat"]),
        (COMPLETIONS, ["max_output_tokens", "max_tokens"], ["max_tokens"]),
        (CHAT, ["max_tokens"], ["max_completion_tokens", "max_tokens"]),
        (CHAT, ["reasoning", "text.verbosity"], ["reasoning_effort", "verbosity"]),
        (CHAT, ["reasoning.summary", "suffix"], []),
        (CHAT, ["metadata.team"], ["metadata.team"]),
        (RESPONSES, ["reasoning_effort", "verbosity"], ["reasoning.effort", "text.verbosity"]),
        (RESPONSES, ["reasoning", "reasoning.summary"], ["reasoning", "reasoning.summary"]),
    ],
)
def test_dropped_parameters(shape: Shape, written: list[str], used: list[str]) -> None:
    assert in_shape(ParamSettings(drop=tuple(written)), shape).drop == used
