"""The check of the tools of a messages request, and of the choice among them.

Types are those of Anthropic's Python SDK (2.14.0). A tool whose schema is Anthropic's has a type
that ends with a date; what precedes the date identifies it.
"""

from collections import abc
from dataclasses import dataclass
from typing import Final

from gateway.errors import InvalidRequest
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
from gateway.translate.schema.errors import missing
from gateway.translate.schema.native_types import Objects, record_type

CUSTOM: Final = "custom"
"""The type of a tool with the client's own schema, which may be left out."""

_OPENAIS: Final = "function"
"""The type of OpenAI's tools, which some clients send to messages endpoints, too."""

HINTS = ("cache_control", "eager_input_streaming", "input_examples", "allowed_callers")
"""Fields of a tool that other endpoints do not have."""

_COMMON: abc.Mapping[str, Check] = {
    "type": String(),
    "name": String(),
    "strict": Boolean(),
    "defer_loading": Boolean(),
    **dict.fromkeys(HINTS, Anything()),
}

CUSTOM_TOOL = Record(
    {**_COMMON, "description": String(), "input_schema": Mapping()},
    required=("name", "input_schema"),
)
"""A tool with the client's own schema, and all the fields that it may have."""

CLIENT_TOOL = Record(
    # `text_editor` has a limit on what it shows.
    {**_COMMON, "max_characters": Anything()},
    required=("type", "name"),
)
"""A tool that the client runs, and whose schema Anthropic's models know."""

_TYPED = Record({"type": String()})


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool definition; for a tool that the client does not run only the type is checked."""

    def accept(self, value: object, param: str) -> Json:
        """Return a copy without null fields; raises `InvalidRequest`."""
        tool: Json = _TYPED.accept(value, param)
        kind = tool.get("type", CUSTOM)
        if kind == _OPENAIS:
            raise InvalidRequest(
                f"Invalid value for '{param}.type': 'function' is the form of OpenAI's endpoints. "
                "A tool of messages has 'name', 'description' and 'input_schema', and no type or "
                f"the type '{CUSTOM}'.",
                param=f"{param}.type",
                code="invalid_value",
            )
        if kind != CUSTOM:
            return CLIENT_TOOL.accept(tool, param) if client_tool_of(kind) else tool
        tool = CUSTOM_TOOL.accept(tool, param)
        if tool["input_schema"].get("type") not in (None, "object"):
            path = f"{param}.input_schema.type"
            raise InvalidRequest(
                f"Invalid value for '{path}': a tool's input is an object. Set it to 'object'.",
                param=path,
                code="invalid_value",
            )
        return tool


TOOL_LIST = Objects(
    Array(Tool()),
    lambda: record_type(
        Record({**CUSTOM_TOOL.fields, "type": OneOf(CUSTOM)}, CUSTOM_TOOL.required),
        types={"input_schema": record_type(Record({"type": OneOf("object")}), closed=False)},
        closed=False,
    ),
)
"""The tools of a request."""

_CLIENT_TOOLS = ("bash", "text_editor", "memory")


def client_tool_of(kind: str) -> str | None:
    """Return the name of the client's tool that a dated type stands for (`bash_20250124`), or None.

    Only tools that any model can call have one.
    """
    name, _, date = kind.rpartition("_")
    return name if name in _CLIENT_TOOLS and date.isdecimal() else None


TOOL_CHOICE = Record(
    {
        "type": OneOf("auto", "any", "tool", "none"),
        "name": String(),
        "disable_parallel_tool_use": Boolean(),
    },
    required=("type",),
)
"""The `tool_choice`, with all the fields that it may have."""


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """The choice among the tools; `tool` names one."""

    def accept(self, value: object, param: str) -> Json:
        """Return a copy without null fields; raises `InvalidRequest`."""
        choice: Json = TOOL_CHOICE.accept(value, param)
        if choice["type"] == "tool" and "name" not in choice:
            raise missing(f"{param}.name")
        return choice
