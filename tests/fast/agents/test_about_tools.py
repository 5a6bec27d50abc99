"""What requests say of tools."""

from typing import Any

import pytest
from msgspec.json import encode

from gateway.fast.agents.about_tools import about_tools, choice_of, is_simple
from gateway.fast.agents.chat_requests import ChatRequest, read_chat_request
from gateway.shapes import Json
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
    assert is_simple(read(**said)) is simple


def test_null_is_absent() -> None:
    said = {"tools": TOOLS, "tool_choice": None, "parallel_tool_calls": False}
    assert choice_of(read(**said)) == {"parallel_tool_calls": False}
    assert about_tools(read(**said)) == {"tools": TOOLS, "parallel_tool_calls": False}
    assert about_tools(read(tools=None, tool_choice="auto")) == {"tool_choice": "auto"}
