"""Which tools a model may or must call: chat's `tool_choice`, read and written for responses.

Schemas `ChatCompletionToolChoiceOption` and `ToolChoiceParam` of OpenAI's OpenAPI description.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from gateway.shapes import Json
from gateway.translate.schema.checks import Array, OneOf, Record, String


class ToolName(NamedTuple):
    """The type and the name of a tool; the name is empty for hosted tools, which have none."""

    kind: str
    name: str


Mode = Literal["none", "auto", "required"]


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """A `tool_choice`, whichever shape it came in."""

    mode: Mode = "auto"
    named: ToolName | None = None
    """The one tool that must be called; `mode` is then `required`."""
    allowed: tuple[ToolName, ...] | None = None
    """The only tools that may be called; None: all of them."""


_MODES: Mapping[str, Mode] = {"none": "none", "auto": "auto", "required": "required"}
_NESTED_NAME = Record({"name": String()}, required=("name",))
_ALLOWED_MODE = OneOf("auto", "required")
_KIND = Record({"type": String()}, required=("type",))


def read_chat_choice(choice: object, param: str = "tool_choice") -> ToolChoice:
    """Return chat's `tool_choice`; raises `InvalidRequest` naming a path below `param`."""
    if isinstance(choice, str):
        return ToolChoice(_MODES[OneOf(*_MODES).accept(choice, param)])
    form: Json = _KIND.accept(choice, param)
    if form["type"] == "allowed_tools":
        path = f"{param}.allowed_tools"
        allowed: Json = Record(
            {"mode": _ALLOWED_MODE, "tools": Array()}, required=("mode", "tools")
        ).accept(form.get("allowed_tools"), path)
        tools = (_chat_name(tool, f"{path}.tools[{k}]") for k, tool in enumerate(allowed["tools"]))
        return ToolChoice(_MODES[allowed["mode"]], allowed=tuple(tools))
    return ToolChoice("required", named=_chat_name(form, param))


def _chat_name(tool: object, param: str) -> ToolName:
    form: Json = Record({"type": OneOf("function", "custom")}, required=("type",)).accept(
        tool, param
    )
    kind = form["type"]
    named: Json = Record({kind: _NESTED_NAME}, required=(kind,)).accept(form, param)
    return ToolName(kind, named[kind]["name"])


def responses_choice(choice: ToolChoice) -> str | Json:
    """Return a choice as the `tool_choice` of responses."""
    if choice.named is not None:
        return _flat(choice.named)
    if choice.allowed is None:
        return choice.mode
    tools = [_flat(tool) for tool in choice.allowed]
    return {"type": "allowed_tools", "mode": choice.mode, "tools": tools}


def _flat(tool: ToolName) -> Json:
    return {"type": tool.kind, "name": tool.name}
