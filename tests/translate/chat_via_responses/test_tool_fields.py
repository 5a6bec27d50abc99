"""What nobody knows of inside of tools and of their choice."""

from dataclasses import replace

import pytest

from gateway.shapes import Json
from tests.translate.chat_via_responses.cases import OPENAI, VLLM, call_of, context, translated

FUNCTION = {"type": "function", "function": {"name": "f", "cached": True}, "cache": "long"}
GRAMMAR = {"syntax": "lark", "definition": "start: x", "version": 2}
CUSTOM = {
    "type": "custom",
    "custom": {"name": "g", "format": {"type": "grammar", "grammar": GRAMMAR, "mode": "a"}},
    "cache": "long",
}
OF_CUSTOM = ["custom.format.mode", "custom.format.grammar.version"]


def test_fields_of_a_function_are_those_of_the_flat_tool() -> None:
    (tool,) = call_of({"tools": [FUNCTION]}, context(VLLM))["tools"]
    assert (tool["cached"], tool["cache"]) == (True, "long")


@pytest.mark.parametrize("tool", [FUNCTION, {**FUNCTION, "name": "h"}])
def test_they_are_reported_where_the_server_would_refuse_them(tool: Json) -> None:
    translation = translated({"tools": [tool]}, context(OPENAI))
    assert not {"cached", "cache"} & translation.calls[0]["tools"][0].keys()
    beside = [f"tools[0].{name}" for name in tool if name not in ("type", "function")]
    assert translation.report.dropped == ["tools[0].function.cached", *beside]


def test_fields_of_functions_are_sent_alike() -> None:
    body = {"functions": [{"name": "f", "cached": True}]}
    assert call_of(body, context(VLLM))["tools"][0]["cached"] is True
    assert translated(body, context(OPENAI)).report.dropped == ["functions[0].cached"]


def test_fields_of_a_format_have_no_place_where_a_custom_tool_becomes_a_function() -> None:
    native = replace(VLLM, custom_tools=True)
    (tool,) = call_of({"tools": [CUSTOM]}, context(native))["tools"]
    assert tool["format"] == {"type": "grammar", **GRAMMAR, "mode": "a"}
    wrapped = translated({"tools": [CUSTOM]}, context(replace(VLLM, custom_tools=False)))
    assert wrapped.report.dropped == [*(f"tools[0].{name}" for name in OF_CUSTOM), "tools[0].cache"]


def test_those_of_a_choice_are_reported_for_it_is_rewritten() -> None:
    named = {"type": "function", "function": {"name": "f", "x": 1}, "y": 2}
    alone = translated({"tools": [FUNCTION], "tool_choice": named}, context(VLLM))
    assert alone.report.dropped == ["tool_choice.y", "tool_choice.function.x"]
    allowed = {"mode": "auto", "tools": [named], "z": 3}
    choice = {"type": "allowed_tools", "allowed_tools": allowed}
    several = translated({"tools": [FUNCTION], "tool_choice": choice}, context(VLLM))
    path = "tool_choice.allowed_tools"
    assert several.report.dropped[:3] == [
        f"{path}.z",
        f"{path}.tools[0].y",
        f"{path}.tools[0].function.x",
    ]


def test_a_format_of_text_has_no_grammar_to_look_into() -> None:
    custom = {"type": "custom", "custom": {"name": "g", "format": {"type": "text", "mode": "a"}}}
    (tool,) = call_of({"tools": [custom]}, context(replace(VLLM, custom_tools=True)))["tools"]
    assert tool["format"] == {"type": "text", "mode": "a"}
