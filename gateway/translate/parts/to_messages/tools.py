"""Tools of OpenAI's endpoints as custom tools of messages, and which of them may be called."""

from collections.abc import Sequence
from typing import Any

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.draft import Draft
from gateway.translate.parts.to_messages.blocks import cached
from gateway.translate.parts.tools.choices import Mode
from gateway.translate.parts.tools.definitions import NO_PARAMETERS, with_parameters
from gateway.translate.schema.chat import FUNCTION
from gateway.translate.schema.checks import Anything, Record
from gateway.translate.schema.unknown_fields import carry_unknown

_FUNCTION = Record({"cache_control": Anything(), **FUNCTION.fields})


def messages_tool(function: Json, path: str, context: Context, report: Report) -> Json:
    """Return a tool, made from the fields of a chat function at the client's `path`.

    Fields that the endpoint does not have are reported.
    """
    carry_unknown(function, _FUNCTION, path, context, report)
    tool: Json = {"name": function["name"]}
    if "description" in function:
        tool["description"] = function["description"]
    tool["input_schema"] = _schema(function.get("parameters"))
    if function.get("strict"):
        if context.capabilities.strict_tools:
            tool["strict"] = True
        else:
            report.drop(f"{path}.strict")
    tool.update(cached(function))
    return tool


def named_once(tools: Sequence[tuple[str, Json]], draft: Draft) -> list[int]:
    """Return the places in `tools` of those to send, one for each name; each has its path.

    Anthropic refuses two tools of one name, which OpenAI's endpoints take. A second definition that
    equals the first is reported; raises `UnsupportedParameter` for a different one.
    """
    first: dict[str, Json] = {}
    kept: list[int] = []
    for place, (path, tool) in enumerate(tools):
        known = first.setdefault(tool["name"], tool)
        if known is tool:
            kept.append(place)
        elif known == tool:
            draft.report.drop(path)
        else:
            name = tool["name"][:100]
            reason = f"its messages endpoint takes one tool of the name '{name}', and has another."
            draft.refuse(path, reason)
    return kept


def _schema(parameters: Any) -> Any:
    """Return a schema of type `object`; an invalid schema is left for the upstream to refuse."""
    schema = with_parameters(parameters)
    if isinstance(schema, dict) and "type" not in schema:
        return {"type": "object", **schema}
    return schema


def possible_choice(
    mode: Mode, named: str | None, param: str, draft: Draft
) -> tuple[Mode, str | None]:
    """Return the tool choice as far as the model takes it; `param` is the client's parameter.

    If the model does not take a forced call, raises `UnsupportedParameter`, or drops the force.
    """
    is_forced = named is not None or mode == "required"
    if not is_forced or draft.context.capabilities.forced_tools:
        return mode, named
    draft.refuse(param, "the model decides by itself whether it calls a tool.")
    return "auto", None


def messages_choice(mode: Mode, named: str | None, *, parallel: bool) -> Json | None:
    """Return the `tool_choice` of a messages request; None: the default.

    `named` is the one tool that must be called, `parallel` whether there may be several calls.
    """
    if mode == "none":
        return {"type": "none"}
    choice: Json = {"type": "auto"}
    if named is not None:
        choice = {"type": "tool", "name": named}
    elif mode == "required":
        choice = {"type": "any"}
    if not parallel:
        choice["disable_parallel_tool_use"] = True
    return None if choice == {"type": "auto"} else choice


def forces_call(choice: Json | None) -> bool:
    """Whether the model must call a tool, which manual thinking does not allow."""
    return choice is not None and choice["type"] in ("any", "tool")


def write_tools_of_history(draft: Draft) -> None:
    """Define the tools of earlier calls if the request defines none, and allow no call of them.

    Anthropic refuses earlier calls in a request that defines no tools.
    """
    if "tools" in draft.upstream or not draft.context.capabilities.tools:
        return
    names: dict[str, Json] = {}
    for message in draft.upstream["messages"]:
        content = message["content"]
        for block in content if isinstance(content, list) else ():
            if block["type"] == "tool_use":
                schema = dict(NO_PARAMETERS)
                names.setdefault(block["name"], {"name": block["name"], "input_schema": schema})
    if names:
        draft.upstream["tools"] = list(names.values())
        draft.upstream["tool_choice"] = {"type": "none"}
        draft.report.emulate("tools")
