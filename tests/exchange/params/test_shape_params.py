"""The parameters of a rule have the names of the client's shape, or are left out there."""

from typing import Any

import pytest

from gateway.config.translation_settings import ParamSettings
from gateway.exchange.params.shape_params import in_shape
from gateway.shapes import Shape

COMPLETIONS, CHAT, RESPONSES, MESSAGES = Shape
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
        (MESSAGES, {"max_completion_tokens": 5, "top_k": 1}, {"max_tokens": 5, "top_k": 1}),
        (MESSAGES, {"stop": "x"}, {"stop_sequences": ["x"]}),
        (MESSAGES, {"stop": ["x", "y"]}, {"stop_sequences": ["x", "y"]}),
        (MESSAGES, {"stop_sequences": ["x"]}, {"stop_sequences": ["x"]}),
        (MESSAGES, {"reasoning_effort": "low"}, {"output_config": {"effort": "low"}}),
        (MESSAGES, {"reasoning": {"effort": "low"}}, {"output_config": {"effort": "low"}}),
        (MESSAGES, {"seed": 1, "verbosity": "low", "instructions": "x", "n": 2}, {}),
        (CHAT, {"stop_sequences": ["x"], "system": "x"}, {"stop": ["x"]}),
        (CHAT, {"output_config": {"effort": "low"}}, {"reasoning_effort": "low"}),
        (RESPONSES, {"output_config": {"effort": "low"}}, {"reasoning": {"effort": "low"}}),
        (COMPLETIONS, {"output_config": {"effort": "low"}}, {}),
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
        (MESSAGES, ["stop", "max_output_tokens"], ["stop_sequences", "max_tokens"]),
        (MESSAGES, ["reasoning_effort"], ["output_config.effort"]),
        (MESSAGES, ["reasoning"], ["output_config.effort"]),
        (MESSAGES, ["metadata.user_id", "seed"], ["metadata.user_id"]),
        (CHAT, ["stop_sequences", "output_config.effort"], ["stop", "reasoning_effort"]),
        (RESPONSES, ["output_config"], ["reasoning.effort"]),
    ],
)
def test_dropped_parameters(shape: Shape, written: list[str], used: list[str]) -> None:
    assert in_shape(ParamSettings(drop=tuple(written)), shape).drop == used
