"""Anthropic's tools that the client runs, as functions."""

import pytest

from gateway.translate.parts.from_messages.client_tools import function_of


@pytest.mark.parametrize(
    ("tool", "parameters", "required"),
    [
        ("bash", {"command", "restart"}, []),
        (
            "text_editor",
            {
                *("command", "path", "view_range", "file_text", "old_str", "new_str"),
                *("insert_line", "insert_text"),
            },
            ["command", "path"],
        ),
        (
            "memory",
            {
                *("command", "path", "view_range", "file_text", "old_str", "new_str"),
                *("insert_line", "insert_text", "old_path", "new_path"),
            },
            ["command"],
        ),
    ],
)
def test_a_tool_has_its_documented_parameters(
    tool: str, parameters: set[str], required: list[str]
) -> None:
    function = function_of(tool)
    assert function["description"]
    schema = function["parameters"]
    assert schema["type"] == "object"
    assert schema["properties"].keys() == parameters
    assert schema.get("required", []) == required
