"""The check of the tools and the tool choice of a responses request.

Types are those of OpenAI's OpenAPI description (schemas `Tool` and `ToolChoiceParam`).
"""

from collections import abc
from dataclasses import dataclass

from gateway.shapes import Json
from gateway.translate.schema.checks import (
    Anything,
    Array,
    Boolean,
    Check,
    Mapping,
    OneOf,
    Record,
    String,
)
from gateway.translate.schema.errors import wrong_type
from gateway.translate.schema.native_types import JsonType, Objects, tagged, type_of

_NAMED = Record({"name": String()}, required=("name",))
_TYPED = Record({"type": String()}, required=("type",))
_OF_CLIENT = Record({"type": OneOf("function", "custom")}, required=("type",))

ONLY_IN_RESPONSES = ("allowed_callers", "async", "defer_loading", "output_schema")
"""Fields of a tool that chat does not have: who may call it, whether the model waits for its
output, whether its definition is loaded only when needed, and the schema of its output."""

_FIELDS: abc.Mapping[str, Check] = {
    "type": String(),
    "description": String(),
    **dict.fromkeys(ONLY_IN_RESPONSES, Anything()),
}
SKILL = Record(
    dict.fromkeys(("name", "description", "path"), String()),
    required=("name", "description", "path"),
)
"""A folder of instructions that a shell has, with all the fields that it may have."""

FORMAT = Record(dict.fromkeys(("type", "syntax", "definition"), String()), required=("type",))
"""The format of a custom tool's input, with all the fields that it may have."""

LOCAL = Record({"type": String(), "skills": Array(SKILL)})
"""The environment of a `shell` that the client runs."""

TOOLS: abc.Mapping[str, Record] = {
    "function": Record(
        {**_FIELDS, "name": String(), "parameters": Mapping(), "strict": Boolean()},
        required=("name",),
    ),
    "custom": Record({**_FIELDS, "name": String(), "format": FORMAT}, required=("name",)),
    "tool_search": Record({**_FIELDS, "execution": String(), "parameters": Mapping()}),
    "local_shell": Record(_FIELDS),
    "shell": Record({**_FIELDS, "environment": _TYPED}),
    "apply_patch": Record(_FIELDS),
}
"""The tools that a client can run by type, with all the fields that they may have."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool definition; for a hosted tool only the presence of a type is checked."""

    typed: Record = _TYPED
    """The check of its type."""

    def accept(self, value: object, param: str) -> Json:
        """Return a copy without null fields; raises `InvalidRequest`."""
        tool: Json = self.typed.accept(value, param)
        if tool["type"] == "namespace":
            tool = NAMESPACE.accept(tool, param)
        elif tool["type"] in TOOLS:
            tool = TOOLS[tool["type"]].accept(tool, param)
        if is_local_shell(tool) and "environment" in tool:
            tool["environment"] = LOCAL.accept(tool["environment"], f"{param}.environment")
        return tool


@type_of.register
def _(check: Tool) -> JsonType:
    any_kind = {kind: tool for kind, tool in TOOLS.items() if kind != "shell"}
    kinds = check.typed.fields["type"]
    return tagged(
        {kind: TOOLS[kind] for kind in kinds.values} if isinstance(kinds, OneOf) else any_kind
    )


TOOL_LIST = Objects(
    Array(Tool()),
    lambda: tagged({kind: TOOLS[kind] for kind in ("function", "custom")}, closed=False),
)
"""The tools of a request."""

NAMESPACE = Record(
    {
        "type": String(),
        "name": String(),
        "description": String(),
        "async": Anything(),
        "tools": Array(Tool(_OF_CLIENT), min_items=1),
    },
    required=("name", "tools"),
)
"""A namespace: several of the client's tools under one name."""


def is_local_shell(tool: Json) -> bool:
    """Whether a tool is a `shell` that the client runs, and not one in OpenAI's containers."""
    environment: Json = tool.get("environment", {"type": "local"})
    return bool(tool["type"] == "shell" and environment["type"] == "local")


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """`none`, `auto`, `required`, or an object that names a tool or the tools allowed."""

    def accept(self, value: object, param: str) -> str | Json:
        """Return the word, or a copy of the object; raises `InvalidRequest`."""
        if isinstance(value, str):
            return _MODE.accept(value, param)
        if not isinstance(value, dict):
            raise wrong_type(param, "a string or an object", value)
        choice: Json = _TYPED.accept(value, param)
        if choice["type"] in ("function", "custom"):
            return _NAMED.accept(choice, param)
        if choice["type"] == "allowed_tools":
            return _ALLOWED_TOOLS.accept(choice, param)
        return choice


_MODE = OneOf("none", "auto", "required")
_ALLOWED_TOOLS = Record(
    {
        "mode": OneOf("auto", "required"),
        "tools": Array(Record({"type": String(), "name": String()}, required=("type",))),
    },
    required=("mode", "tools"),
)
