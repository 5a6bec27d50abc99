"""What requests say of tools."""

from typing import Any

import pytest
from msgspec.json import encode

from gateway.fast.agents.about_tools import about_tools, choice_of, functions_of
from gateway.fast.agents.from_chat.chat_requests import ChatRequest, read_chat_request, read_tools
from gateway.shapes import Json
from gateway.translate.limits.capabilities import Capabilities
from tests.fast.agents.chat_traffic import FULL


def read(**said: Any) -> ChatRequest:
    return read_chat_request(encode({"messages": FULL["messages"], **said}))


TOOLS = FULL["tools"]


@pytest.mark.parametrize(
    ("said", "simple"),
    [
        ({}, False),
        ({"tools": None, "tool_choice": "auto"}, False),
        ({"tools": TOOLS}, True),
        ({"tools": TOOLS, "tool_choice": "required", "parallel_tool_calls": False}, True),
        ({"tools": TOOLS, "tool_choice": "any"}, False),
        ({"tools": TOOLS, "tool_choice": {"type": "auto"}}, False),
        ({"tools": TOOLS, "parallel_tool_calls": 0}, False),
    ],
)
def test_simple_is_a_word_and_a_boolean(said: Json, simple: bool) -> None:
    functions = functions_of(read(**said), Capabilities(), read_tools)
    names = None if functions is None else [tool.function.name for tool in functions]
    assert names == (["read", "now"] if simple else None)
    assert functions_of(read(**said), Capabilities(tools=False), read_tools) is None


def test_other_tools_are_for_the_generic_path() -> None:
    for other in ({"type": "web_search"}, {**TOOLS[0], "cache_control": {"type": "ephemeral"}}):
        assert functions_of(read(tools=[TOOLS[0], other]), Capabilities(), read_tools) is None


def test_null_is_absent() -> None:
    said = {"tools": TOOLS, "tool_choice": None, "parallel_tool_calls": False}
    assert choice_of(read(**said)) == {"parallel_tool_calls": False}
    assert about_tools(read(**said)) == {"tools": TOOLS, "parallel_tool_calls": False}
    assert about_tools(read(tools=None, tool_choice="auto")) == {"tool_choice": "auto"}
