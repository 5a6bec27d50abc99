"""The check of tools and of their choice."""

import pytest

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.schema.responses_tools import Tool, ToolChoice, is_local_shell


@pytest.mark.parametrize(
    ("tool", "param", "code"),
    [
        ({}, "tools[0].type", "missing_required_parameter"),
        ({"type": "function"}, "tools[0].name", "missing_required_parameter"),
        (
            {"type": "function", "name": "f", "parameters": []},
            "tools[0].parameters",
            "invalid_type",
        ),
        ({"type": "namespace", "name": "n", "tools": []}, "tools[0].tools", "empty_array"),
        (
            {"type": "namespace", "name": "n", "tools": [{"type": "mcp"}]},
            "tools[0].tools[0].type",
            "invalid_value",
        ),
        (
            {"type": "shell", "environment": {"type": "local", "skills": [{}]}},
            "tools[0].environment.skills[0].name",
            "missing_required_parameter",
        ),
    ],
)
def test_a_fault_of_a_tool_is_named_by_its_path(tool: Json, param: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Tool().accept(tool, "tools[0]")
    assert (caught.value.param, caught.value.code) == (param, code)


def test_a_hosted_tool_passes_with_all_that_it_has() -> None:
    tool = {"type": "mcp", "server_label": "s", "allowed_tools": None}
    assert Tool().accept(tool, "tools[0]") == {"type": "mcp", "server_label": "s"}


@pytest.mark.parametrize(
    ("tool", "local"),
    [
        ({"type": "shell"}, True),
        ({"type": "shell", "environment": {"type": "local"}}, True),
        ({"type": "shell", "environment": {"type": "container_auto"}}, False),
        ({"type": "local_shell"}, False),
    ],
)
def test_a_shell_is_the_clients_unless_it_runs_in_a_container(tool: Json, local: bool) -> None:
    assert is_local_shell(tool) is local


@pytest.mark.parametrize(
    ("choice", "param", "code"),
    [
        ("some", "tool_choice", "invalid_value"),
        (1, "tool_choice", "invalid_type"),
        ({}, "tool_choice.type", "missing_required_parameter"),
        ({"type": "function"}, "tool_choice.name", "missing_required_parameter"),
        (
            {"type": "allowed_tools", "mode": "none", "tools": []},
            "tool_choice.mode",
            "invalid_value",
        ),
    ],
)
def test_a_fault_of_a_choice_is_named_by_its_path(choice: object, param: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ToolChoice().accept(choice, "tool_choice")
    assert (caught.value.param, caught.value.code) == (param, code)


def test_a_choice_of_a_hosted_tool_passes() -> None:
    choice = {"type": "mcp", "server_label": "s"}
    for known in (choice, "auto", {"type": "function", "name": "f"}):
        assert ToolChoice().accept(known, "tool_choice") == known
