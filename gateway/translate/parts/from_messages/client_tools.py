"""Anthropic's tools that the client runs, as functions that any model can call.

Their schemas are built into Anthropic's models; the parameters are those of its documentation
(bash, text editor and memory tool).
"""

from collections.abc import Mapping

from gateway.shapes import Json

_STRING = {"type": "string"}
_LINES = {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}
_EDITS: Mapping[str, Json] = {
    "path": _STRING,
    "view_range": _LINES,
    "file_text": _STRING,
    "old_str": _STRING,
    "new_str": _STRING,
    "insert_line": {"type": "integer"},
    "insert_text": _STRING,
}
"""The parameters that the text editor and the memory tool share."""


def _one_of(*words: str) -> Json:
    return {"type": "string", "enum": list(words)}


_FUNCTIONS: Mapping[str, Json] = {
    "bash": {
        "description": "Runs a command in a bash session that keeps its state between calls. "
        "With restart, the session begins anew.",
        "parameters": {
            "type": "object",
            "properties": {"command": _STRING, "restart": {"type": "boolean"}},
        },
    },
    "text_editor": {
        "description": "Views, creates and edits text files. view shows a file, or the lines of "
        "view_range, or lists a directory; create writes file_text into a new file; str_replace "
        "replaces old_str, which must occur exactly once, by new_str; insert puts insert_text "
        "behind the line insert_line (0: at the beginning).",
        "parameters": {
            "type": "object",
            "properties": {
                "command": _one_of("view", "create", "str_replace", "insert"),
                **_EDITS,
            },
            "required": ["command", "path"],
        },
    },
    "memory": {
        "description": "Keeps notes in files below /memories, which last beyond this "
        "conversation. view shows a file or lists a directory; create writes file_text; "
        "str_replace replaces old_str by new_str; insert puts insert_text behind the line "
        "insert_line; delete removes path; rename moves old_path to new_path.",
        "parameters": {
            "type": "object",
            "properties": {
                "command": _one_of("view", "create", "str_replace", "insert", "delete", "rename"),
                **_EDITS,
                "old_path": _STRING,
                "new_path": _STRING,
            },
            "required": ["command"],
        },
    },
}


_UNDOING = ("text_editor_20241022", "text_editor_20250124")
"""The text editors with the command `undo_edit`, which those of Claude 4 and later lack."""


def function_of(client_tool: str, kind: str) -> Json:
    """Return a function's description and parameters for a tool that `client_tool_of` names.

    `kind` is the dated type of the tool.
    """
    function = dict(_FUNCTIONS[client_tool])
    if kind in _UNDOING:
        parameters = function["parameters"]
        command = _one_of(*parameters["properties"]["command"]["enum"], "undo_edit")
        properties = {**parameters["properties"], "command": command}
        function["parameters"] = {**parameters, "properties": properties}
        function["description"] += " undo_edit takes back the last edit of path."
    return function
