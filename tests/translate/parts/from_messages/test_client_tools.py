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
    function = function_of(tool, f"{tool}_20250818")
    assert function["description"]
    schema = function["parameters"]
    assert schema["type"] == "object"
    assert schema["properties"].keys() == parameters
    assert schema.get("required", []) == required


@pytest.mark.parametrize(
    ("kind", "undoes"),
    [
        ("text_editor_20241022", True),
        ("text_editor_20250124", True),
        ("text_editor_20250429", False),
        ("text_editor_20250728", False),
    ],
)
def test_an_editor_has_the_commands_of_its_date(kind: str, undoes: bool) -> None:
    function = function_of("text_editor", kind)
    commands = ["view", "create", "str_replace", "insert", *(["undo_edit"] if undoes else [])]
    assert function["parameters"]["properties"]["command"]["enum"] == commands
    assert ("undo_edit" in function["description"]) is undoes
    assert [*function["parameters"]["properties"]][:2] == ["command", "path"]
