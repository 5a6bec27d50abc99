from typing import Any

import pytest

from tests.demo.messages_client import CLOCK, message, refused, say

DEFERRED = {**CLOCK, "defer_loading": True}
SEARCH: Any = {"name": "search", "input_schema": {"type": "object"}}


@pytest.mark.parametrize(
    "tool",
    [
        {**CLOCK, "type": "custom", "description": "d", "strict": True, "input_examples": [{}]},
        {"type": "bash_20250124", "name": "bash"},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 2},
        {"type": "mcp_toolset", "mcp_server_name": "s"},
        DEFERRED,
    ],
)
def test_tools_are_taken(tool: Any) -> None:
    assert say("hi", tools=[tool]).status == 200


@pytest.mark.parametrize(
    ("tool", "text"),
    [
        ({"type": "function", "function": {}}, "tools.0: Input tag 'function' found using 'type'"),
        ({"name": "a"}, "tools.0.custom.input_schema: Field required"),
        ({"name": "a b", "input_schema": {}}, "tools.0.custom.name: String should match pattern"),
        ({"name": "a", "input_schema": {}}, "tools.0.custom.input_schema.type: Field required"),
        (
            {"name": "a", "input_schema": {"type": "array"}},
            "tools.0.custom.input_schema.type: Input should be 'object'",
        ),
        ({**CLOCK, "parameters": {}}, "tools.0.custom.parameters: Extra inputs are not permitted"),
        (1, "tools.0: Input should be a valid dictionary"),
    ],
)
def test_a_wrong_tool_is_named(tool: Any, text: str) -> None:
    assert refused("hi", tools=[tool]).startswith(text)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"tools": [CLOCK, CLOCK]}, "tools: Tool names must be unique."),
        (
            {"tool_choice": {"type": "any"}},
            "tool_choice: tools must be specified when tool_choice forces tool use",
        ),
        (
            {"tools": [CLOCK], "tool_choice": {"type": "tool", "name": "dice"}},
            "tool_choice: Tool 'dice' not found in provided tools",
        ),
        (
            {"tools": [CLOCK], "tool_choice": "auto"},
            "tool_choice: Input should be a valid dictionary",
        ),
        (
            {"tools": [CLOCK], "tool_choice": {"type": "none", "disable_parallel_tool_use": True}},
            "tool_choice.disable_parallel_tool_use: Extra inputs are not permitted",
        ),
    ],
)
def test_tools_and_their_choice_fit(given: Any, text: str) -> None:
    assert refused("hi", **given) == text


def test_a_typed_tool_is_called_with_arguments_that_the_model_knows() -> None:
    tools = [{"type": "bash_20250124", "name": "bash"}, {"type": "mcp_toolset"}]
    (call,) = message("call bash", tools=tools)["content"]
    assert call["input"] == {"command": "call bash"}
    typed = [{"type": "memory_20250818", "name": "memory"}]
    assert message("call memory", tools=typed)["content"][0]["input"] == {}


def test_a_deferred_tool_is_called_once_it_was_named() -> None:
    tools = [DEFERRED, SEARCH]
    assert message("call clock", tools=tools)["stop_reason"] == "end_turn"
    found = message("call search", tools=tools)["content"]
    reference = {"type": "tool_reference", "tool_name": "clock"}
    result = {"type": "tool_result", "tool_use_id": found[0]["id"], "content": [reference]}
    conversation = [
        {"role": "user", "content": "call search"},
        {"role": "assistant", "content": found},
        {"role": "user", "content": [result]},
        {"role": "assistant", "content": "Here it is."},
        {"role": "user", "content": "call clock"},
    ]
    assert message(conversation, tools=tools)["stop_reason"] == "tool_use"
