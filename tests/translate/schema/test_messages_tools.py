"""The check of the tools of messages requests."""

import pytest

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.schema.messages_tools import Tool, ToolChoice, client_tool_of
from tests.translate.messages_requests import tool


@pytest.mark.parametrize(
    "given",
    [
        tool("f"),
        tool("f", {"properties": {}}, type="custom", description="d", strict=True),
        tool("f", defer_loading=True, input_examples=[{}], allowed_callers=["direct"]),
        {"type": "bash_20250124", "name": "bash"},
        {"type": "web_search_20260209", "name": "web_search", "max_uses": 3},
        {"type": "mcp_toolset", "mcp_server_name": "m"},
        {"type": "bash_and_more", "any": "thing"},
    ],
)
def test_a_valid_tool_passes(given: Json) -> None:
    assert Tool().accept(given, "tools[0]") == given


@pytest.mark.parametrize(
    ("given", "param", "code"),
    [
        ({"name": "f"}, "input_schema", "missing_required_parameter"),
        (tool("f", {"type": "array"}), "input_schema.type", "invalid_value"),
        ({**tool("f"), "strict": "yes"}, "strict", "invalid_type"),
        ({"type": 1}, "type", "invalid_type"),
        ({"type": "memory_20250818"}, "name", "missing_required_parameter"),
    ],
)
def test_a_fault_is_named_by_its_path(given: Json, param: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Tool().accept(given, "tools[0]")
    assert (caught.value.param, caught.value.code) == (f"tools[0].{param}", code)


@pytest.mark.parametrize(
    "given",
    [
        {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}},
        {"type": "function", "name": "f", "parameters": {"type": "object"}},
        tool("f", type="function"),
    ],
)
def test_a_tool_of_openais_form_is_told_the_form_of_messages(given: Json) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Tool().accept(given, "tools[0]")
    assert (caught.value.param, caught.value.code) == ("tools[0].type", "invalid_value")
    assert "'input_schema'" in caught.value.message
    assert "hosted" not in caught.value.message


@pytest.mark.parametrize(
    ("kind", "meant"),
    [
        ("bash_20250124", "bash"),
        ("text_editor_20250728", "text_editor"),
        ("memory_20250818", "memory"),
        ("bash", None),
        ("bash_code_execution_20250825", None),
        ("computer_20250124", None),
        ("web_search_20250305", None),
        ("bash_soon", None),
    ],
)
def test_tools_that_the_client_runs_are_known_by_their_type(kind: str, meant: str | None) -> None:
    assert client_tool_of(kind) == meant


def test_a_choice_of_one_tool_names_it() -> None:
    assert ToolChoice().accept({"type": "any"}, "tool_choice") == {"type": "any"}
    with pytest.raises(InvalidRequest) as caught:
        ToolChoice().accept({"type": "tool"}, "tool_choice")
    assert caught.value.param == "tool_choice.name"
