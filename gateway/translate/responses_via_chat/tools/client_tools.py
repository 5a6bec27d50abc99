"""Built-in tools of responses that the client runs, as chat functions.

These are `local_shell`, `shell`, `apply_patch`, and `tool_search` with `execution: client`. Calls
and outputs have their own item types (schemas `LocalShellToolCall`, `FunctionShellCall`,
`ApplyPatchToolCall`, `ToolSearchCall` and others of OpenAI's OpenAPI description), which are
converted here to and from the arguments of a function and the text of its output.
"""

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from gateway.envelopes.upstream_json import NOT_JSON
from gateway.shapes import Json
from gateway.translate.parts.tools.argument_values import arguments_value
from gateway.translate.parts.tools.calls import arguments_text
from gateway.translate.responses_via_chat.tools.loose_arguments import (
    environment,
    is_texts,
    options,
    others,
)
from gateway.translate.schema.responses_tools import is_local_shell

FlatName = Callable[[str | None, str], str]
"""Returns the flat name of a tool, given its namespace and name."""


@dataclass(frozen=True, slots=True)
class ClientTool:
    """One built-in tool that the client runs; `kind` is its type, and the name of its function."""

    kind: str
    id_prefix: str
    describe: Callable[[Json], str]
    """Returns the description of the function, given the definition of the tool."""
    parameters: Callable[[Json], Json]
    """Returns the parameters of the function, given the definition of the tool."""
    read: Callable[[Json], Json | None]
    """Returns the fields of a call's item, given the arguments; None if they are unusable."""
    unread: Json
    """The fields of a call's item if its arguments are incomplete."""
    write: Callable[[Json], object]
    """Returns the arguments, given a call's item."""
    show: Callable[[Json, FlatName], str]
    """Returns the text for the model, given the item of a call's output."""

    @property
    def call_type(self) -> str:
        """The type of a call's item."""
        return f"{self.kind}_call"

    def function(self, tool: Json) -> Json:
        """Return the function for a definition of the tool."""
        return {
            "name": self.kind,
            "description": self.describe(tool),
            "parameters": self.parameters(tool),
        }

    def fields(self, arguments: str) -> Json | None:
        """Return the fields of a call's item; None if the arguments are unusable."""
        try:
            parsed = arguments_value(arguments or "{}")
        except NOT_JSON:
            return None
        return self.read(parsed) if isinstance(parsed, dict) else None

    def item(self, item_id: str, call_id: str, status: str, arguments: str) -> Json:
        """Return the item of a call; its fields are empty if the arguments are cut off."""
        if self.kind == "apply_patch" and status == "incomplete":
            # Calls of `apply_patch` do not have the status `incomplete`.
            status = "in_progress"
        fields = self.fields(arguments) or self.unread
        head = {"id": item_id, "type": self.call_type, "status": status, "call_id": call_id}
        return {**head, **fields}

    def arguments(self, item: Json) -> str:
        """Return the arguments of the function call for a call's item."""
        return arguments_text(self.write(item))


def client_tool(tool: Json) -> ClientTool | None:
    """Return the client tool that a definition declares, or None."""
    kind = tool["type"]
    if kind == "shell" and not is_local_shell(tool):
        return None
    if kind == "tool_search" and tool.get("execution") != "client":
        return None
    return CLIENT_TOOLS.get(kind)


_T = TypeVar("_T")
_STRING: Mapping[str, object] = {"type": "string"}
_STRINGS: Mapping[str, object] = {"type": "array", "items": _STRING}
_INTEGER: Mapping[str, object] = {"type": "integer"}


def _schema(required: Sequence[str], **properties: object) -> Callable[[Json], Json]:
    return _always({"type": "object", "properties": properties, "required": list(required)})


def _always(value: _T) -> Callable[[Json], _T]:
    return lambda _: value


# local_shell


def _read_local_shell(arguments: Json) -> Json | None:
    command = arguments.get("command")
    if isinstance(command, str):
        # Models trained on other shells send one line.
        command = ["bash", "-lc", command]
    if not command or not is_texts(command):
        return None
    known, env = options(arguments, _LOCAL_OPTIONS), environment(arguments.get("env"))
    if known is None or env is None:
        return None
    more = others(arguments, ("type", "command", "env", *_LOCAL_OPTIONS))
    return {"action": {"type": "exec", "command": command, "env": env, **known, **more}}


_LOCAL_OPTIONS = {"timeout_ms": int, "user": str, "working_directory": str}


_LOCAL_SHELL = ClientTool(
    "local_shell",
    "lsh",
    _always("Runs a command on the user's machine and returns its output."),
    _schema(
        ["command"],
        command={**_STRINGS, "description": "The program and its arguments."},
        timeout_ms={**_INTEGER, "description": "Milliseconds after which it is ended."},
        working_directory=_STRING,
        env={"type": "object", "additionalProperties": _STRING},
        user={**_STRING, "description": "The user to run it as."},
    ),
    _read_local_shell,
    {"action": {"type": "exec", "command": [], "env": {}}},
    lambda item: {name: value for name, value in item["action"].items() if name != "type"},
    lambda item, _: str(item["output"]),
)


# shell


def _describe_shell(tool: Json) -> str:
    text = (
        "Runs shell commands on the user's machine and returns of each the standard output, the "
        "standard error and how it ended."
    )
    skills = tool.get("environment", {}).get("skills", ())
    lines = [f"- {each['name']} ({each['path']}): {each['description']}" for each in skills]
    if not lines:
        return text
    return "\n".join([f"{text}\n\nThere are skills; read their folders before use:", *lines])


def _command_line(command: object) -> object:
    """Return one command as a line: some models send a program and its arguments."""
    if not command or not isinstance(command, list) or not is_texts(command):
        return command
    runs_a_line = len(command) == 3 and command[1] in ("-c", "-lc")
    return command[2] if runs_a_line else shlex.join(command)


def _read_shell(arguments: Json) -> Json | None:
    commands = arguments.get("commands")
    if commands is None:
        commands = _command_line(arguments.get("command"))
    if isinstance(commands, str):
        commands = [commands]
    if not commands or not is_texts(commands):
        return None
    limits = options(arguments, _LIMITS)
    if limits is None:
        return None
    more = others(arguments, ("command", "commands", *_LIMITS))
    action = {"commands": commands, **dict.fromkeys(_LIMITS), **limits, **more}
    return {"action": action, "environment": {"type": "local"}}


_LIMITS = dict.fromkeys(("timeout_ms", "max_output_length"), int)


_SHELL = ClientTool(
    "shell",
    "sh",
    _describe_shell,
    _schema(
        ["commands"],
        commands={**_STRINGS, "description": "Command lines, run in this order."},
        timeout_ms={**_INTEGER, "description": "Milliseconds after which they are ended."},
        max_output_length={**_INTEGER, "description": "The most characters of output to return."},
    ),
    _read_shell,
    {
        "action": {"commands": [], "timeout_ms": None, "max_output_length": None},
        "environment": {"type": "local"},
    },
    lambda item: item["action"],
    lambda item, _: json.dumps(item["output"], ensure_ascii=False),
)


# apply_patch


def _read_patch(arguments: Json) -> Json | None:
    inner = arguments.get("operation")
    operation: Json = inner if isinstance(inner, dict) else arguments
    kind, path, diff = (operation.get(name) for name in ("type", "path", "diff"))
    if not isinstance(path, str) or not path:
        return None
    more = others({**arguments, **operation}, ("operation", "type", "path", "diff"))
    if kind == "delete_file":
        return {"operation": {"type": kind, "path": path, **more}}
    if kind not in ("create_file", "update_file") or not isinstance(diff, str):
        return None
    return {"operation": {"type": kind, "path": path, "diff": diff, **more}}


_APPLY_PATCH = ClientTool(
    "apply_patch",
    "apc",
    _always(
        "Creates, updates or deletes one file. `diff` has no line numbers and no file headers. To "
        "create a file, it is all its lines, each behind a '+'. To update one, it is a row of "
        "hunks: a line '@@', optionally followed by the line of a class or function that holds the "
        "place, then the lines of the place, those that stay behind a space, those that go behind "
        "a '-', those that come behind a '+', with about three that stay before and after."
    ),
    _schema(
        ["type", "path"],
        type={"type": "string", "enum": ["create_file", "update_file", "delete_file"]},
        path={**_STRING, "description": "Relative to the workspace."},
        diff={**_STRING, "description": "Not for delete_file."},
    ),
    _read_patch,
    {"operation": {"type": "update_file", "path": "", "diff": ""}},
    lambda item: item["operation"],
    lambda item, _: json.dumps(
        {name: item[name] for name in ("status", "output") if name in item}, ensure_ascii=False
    ),
)


# tool_search


def _names(tools: Sequence[Json], flat: FlatName) -> list[str]:
    """Return the flat names of some tools."""
    names: list[str] = []
    for tool in tools:
        if tool["type"] == "namespace":
            names += [flat(tool["name"], member["name"]) for member in tool["tools"]]
        else:
            names.append(flat(None, str(tool.get("name", tool["type"]))))
    return names


_QUERY = _schema(["query"], query={**_STRING, "description": "What the tool should do."})

_TOOL_SEARCH = ClientTool(
    "tool_search",
    "tsc",
    lambda tool: tool.get("description", "Finds tools, which can be called from then on."),
    lambda tool: tool.get("parameters", _QUERY(tool)),
    lambda arguments: {"execution": "client", "arguments": arguments},
    {"execution": "client", "arguments": {}},
    lambda item: item["arguments"],
    lambda item, flat: json.dumps({"tools": _names(item["tools"], flat)}, ensure_ascii=False),
)

CLIENT_TOOLS: Mapping[str, ClientTool] = {
    tool.kind: tool for tool in (_LOCAL_SHELL, _SHELL, _APPLY_PATCH, _TOOL_SEARCH)
}
"""The client tools by their types."""

CLIENT_CALLS: Mapping[str, ClientTool] = {tool.call_type: tool for tool in CLIENT_TOOLS.values()}
"""The client tools by the types of their calls' items."""

CLIENT_OUTPUTS: Mapping[str, ClientTool] = {
    "tool_search_output" if tool is _TOOL_SEARCH else f"{tool.call_type}_output": tool
    for tool in CLIENT_TOOLS.values()
}
"""The client tools by the types of their outputs' items."""
