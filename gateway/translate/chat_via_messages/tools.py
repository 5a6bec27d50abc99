"""The tools of a chat request, and the choice among them, for a messages endpoint."""

from dataclasses import dataclass
from typing import NamedTuple

from gateway.shapes import Json
from gateway.translate.chat_via_responses.tool_choice import (
    refuse_choice_of_nothing,
    requested_choice,
    uses_functions,
)
from gateway.translate.chat_via_responses.tool_fields import custom_format, refuse_hosted
from gateway.translate.draft import Draft
from gateway.translate.parts.to_messages.tools import (
    messages_choice,
    messages_tool,
    named_once,
    possible_choice,
)
from gateway.translate.parts.tools.choices import ToolChoice, ToolName
from gateway.translate.parts.tools.custom import custom_as_function
from gateway.translate.schema.chat import CUSTOM, TOOL
from gateway.translate.schema.checks import Anything, Record
from gateway.translate.schema.unknown_fields import carry_unknown

_CACHED = {"cache_control": Anything()}
_CUSTOM = Record({**_CACHED, **CUSTOM.fields})
_TOOL = Record({**_CACHED, **TOOL.fields})


@dataclass(frozen=True, slots=True)
class ToolPlan:
    """The facts about the tools that the fold of the replies needs."""

    paths: tuple[str, ...] = ()
    """The client's path of each tool that is sent: `tools[2].function`."""
    wrapped: frozenset[str] = frozenset()
    """The names of custom tools, which are sent as functions."""
    legacy: bool = False
    """Whether the client uses `functions`, and expects a `function_call`."""


class _Tool(NamedTuple):
    name: ToolName
    path: str
    sent: Json


def plan_tools(draft: Draft) -> ToolPlan:
    """Write `tools` and `tool_choice`; return the plan for the replies.

    Raises `InvalidRequest` and `UnsupportedParameter`, naming the client's parameter.
    """
    client = draft.client
    legacy = uses_functions(client)
    definitions, param = ("functions", "function_call") if legacy else ("tools", "tool_choice")
    choice = requested_choice(draft, legacy=legacy) or ToolChoice()
    tools = [] if _refuses_all(draft, choice, definitions) else _tools(draft, legacy=legacy)
    if choice.allowed is not None and tools:
        draft.report.emulate(param)
        allowed = frozenset(choice.allowed)
        tools = [tool for tool in tools if tool.name in allowed]
    sent = [(tool.path.partition(".")[0], tool.sent) for tool in tools]
    tools = [tools[place] for place in named_once(sent, draft)]
    if not tools:
        refuse_choice_of_nothing(draft, choice, param, definitions)
        if draft.client.get("parallel_tool_calls") is False:
            draft.report.drop("parallel_tool_calls")
        return ToolPlan()
    draft.upstream["tools"] = [tool.sent for tool in tools]
    parallel = not legacy and client.get("parallel_tool_calls", True)
    named = None if choice.named is None else choice.named.name
    mode, named = possible_choice(choice.mode, named, param, draft)
    made = messages_choice(mode, named, parallel=parallel)
    if made is not None:
        draft.upstream["tool_choice"] = made
    return ToolPlan(
        paths=tuple(tool.path for tool in tools),
        wrapped=frozenset(tool.name.name for tool in tools if tool.name.kind == "custom"),
        legacy=legacy,
    )


def _refuses_all(draft: Draft, choice: ToolChoice, definitions: str) -> bool:
    """Whether the model takes no tools at all, although the client declares some.

    Raises `UnsupportedParameter` unless they are dropped, or the client forbids calls anyway.
    """
    if draft.context.capabilities.tools or not draft.client.get(definitions):
        return False
    if choice.mode == "none":
        draft.report.drop(definitions)
    else:
        draft.refuse(definitions, "the model takes no tools.")
    return True


def _tools(draft: Draft, *, legacy: bool) -> list[_Tool]:
    if legacy:
        given = enumerate(draft.client["functions"])
        return [_function(function, f"functions[{i}]", draft) for i, function in given]
    tools: list[_Tool] = []
    for i, tool in enumerate(draft.client.get("tools", ())):
        kind, path = tool["type"], f"tools[{i}]"
        if kind not in ("function", "custom"):
            refuse_hosted(draft, path, kind)
            continue
        carry_unknown(tool, _TOOL, path, draft.context, draft.report)
        fields: Json = tool[kind]
        if "cache_control" in tool:
            fields = {**fields, "cache_control": tool["cache_control"]}
        make = _function if kind == "function" else _custom
        tools.append(make(fields, f"{path}.{kind}", draft))
    return tools


def _function(function: Json, path: str, draft: Draft) -> _Tool:
    sent = messages_tool(function, path, draft.context, draft.report)
    return _Tool(ToolName("function", function["name"]), path, sent)


def _custom(custom: Json, path: str, draft: Draft) -> _Tool:
    carry_unknown(custom, _CUSTOM, path, draft.context, draft.report)
    if "format" in custom:
        custom_format(custom["format"], f"{path}.format", draft, native=False)
    draft.report.emulate(path)
    function = custom_as_function(custom, path, draft.report)
    function |= {k: custom[k] for k in _CACHED if k in custom}
    sent = messages_tool(function, path, draft.context, draft.report)
    return _Tool(ToolName("custom", custom["name"]), path, sent)
