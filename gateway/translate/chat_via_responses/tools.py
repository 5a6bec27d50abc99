"""The tools of a chat request, and the choice among them, for a responses endpoint."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gateway.shapes import Json
from gateway.translate.chat_via_responses.tool_choice import (
    refuse_choice_of_nothing,
    requested_choice,
    uses_functions,
)
from gateway.translate.chat_via_responses.tool_fields import (
    function_fields,
    refuse_hosted,
    tool_fields,
)
from gateway.translate.draft import Draft
from gateway.translate.parts.tools.choices import (
    ToolChoice,
    ToolName,
    responses_choice,
)
from gateway.translate.parts.tools.custom import custom_as_function
from gateway.translate.parts.tools.definitions import responses_custom, responses_function
from gateway.translate.parts.tools.names import names_of
from gateway.translate.schema.checks import Record, String
from gateway.translate.schema.unknown_fields import carry_unknown, strip_unknown

_LOCATION = Record(
    {name: String() for name in ("country", "region", "city", "timezone")},
)
_USER_LOCATION = Record({"type": String(), "approximate": _LOCATION}, required=("approximate",))
_WEB_SEARCH = Record({"search_context_size": String(), "user_location": _USER_LOCATION})


@dataclass(frozen=True, slots=True)
class ToolPlan:
    """The facts about the tools that the fold of the replies needs."""

    paths: tuple[str, ...] = ()
    """The client's path of each tool that is sent: `tools[2].function`."""
    names: frozenset[str] = frozenset()
    """The names of the tools that are sent."""
    has_custom: bool = False
    """Whether the client declares custom tools: only then can it get such calls."""
    wrapped: frozenset[str] = frozenset()
    """The names of custom tools that are sent as functions."""
    legacy: bool = False
    """Whether the client uses `functions`, and expects a `function_call`."""


_NO_TOOLS = ToolPlan()
_ABOUT_TOOLS = frozenset(
    {
        "function_call",
        "functions",
        "parallel_tool_calls",
        "tool_choice",
        "tools",
        "web_search_options",
    }
)


class _Tool(NamedTuple):
    """One tool: its name, the client's path, and the definition that is sent."""

    name: ToolName
    path: str
    sent: Json


def plan_tools(draft: Draft) -> ToolPlan:
    """Write `tools`, `tool_choice` and `parallel_tool_calls`; return the plan for the replies.

    Raises `InvalidRequest` and `UnsupportedParameter`, naming the client's parameter.
    """
    client = draft.client
    if _ABOUT_TOOLS.isdisjoint(client):
        return _NO_TOOLS
    legacy = uses_functions(client)
    tools: list[_Tool] = []
    if not _refuses_all(draft, "functions" if legacy else "tools"):
        tools = _functions(draft) if legacy else _tools(draft)
    tools = _apply_choice(draft, tools, legacy=legacy)
    tools += _web_search(draft)
    if tools:
        draft.upstream["tools"] = [tool.sent for tool in tools]
    _parallel_calls(draft, has_tools=bool(tools), legacy=legacy)
    return ToolPlan(
        paths=tuple(tool.path for tool in tools),
        names=names_of(draft.upstream),
        has_custom=any(tool.name.kind == "custom" for tool in tools),
        wrapped=frozenset(tool.name.name for tool in tools if _is_wrapped(tool)),
        legacy=legacy and bool(tools),
    )


def _is_wrapped(tool: _Tool) -> bool:
    return tool.name.kind == "custom" and tool.sent["type"] == "function"


def _refuses_all(draft: Draft, definitions: str) -> bool:
    """Whether the model takes no tools at all, although the client declares some.

    Raises `UnsupportedParameter` unless they are dropped, or the client forbids calls anyway.
    """
    if draft.context.capabilities.tools or not draft.client.get(definitions):
        return False
    if "none" in (draft.client.get("tool_choice"), draft.client.get("function_call")):
        draft.report.drop(definitions)
    else:
        draft.refuse(definitions, "the model takes no tools.")
    return True


def _functions(draft: Draft) -> list[_Tool]:
    return [
        _Tool(ToolName("function", f["name"]), path, _function(f, path, draft))
        for path, f in function_fields(draft)
    ]


def _function(function: Json, path: str, draft: Draft) -> Json:
    says_strict = draft.context.capabilities.strict_by_default
    return responses_function(function, path, says_strict=says_strict)


def _tools(draft: Draft) -> list[_Tool]:
    tools: list[_Tool] = []
    for i, tool in enumerate(draft.client.get("tools", ())):
        kind = tool["type"]
        path = f"tools[{i}].{kind}"
        if kind == "function":
            sent = _function(tool_fields(tool, f"tools[{i}]", draft), path, draft)
        elif kind == "custom":
            sent = _custom(tool_fields(tool, f"tools[{i}]", draft), path, draft)
        else:
            refuse_hosted(draft, f"tools[{i}]", kind)
            continue
        tools.append(_Tool(ToolName(kind, tool[kind]["name"]), path, sent))
    return tools


def _custom(custom: Json, path: str, draft: Draft) -> Json:
    sent = responses_custom(custom, path)
    if draft.context.capabilities.custom_tools:
        return sent
    draft.report.emulate(path)
    return _function(custom_as_function(sent, path, draft.report), path, draft)


def _apply_choice(draft: Draft, tools: list[_Tool], *, legacy: bool) -> list[_Tool]:
    """Write `tool_choice`; return the tools that may be called."""
    param, definitions = ("function_call", "functions") if legacy else ("tool_choice", "tools")
    choice = requested_choice(draft, legacy=legacy)
    if choice is None:
        return tools
    if not tools:
        refuse_choice_of_nothing(draft, choice, param, definitions)
        return tools
    if choice.allowed is not None and not draft.context.capabilities.allowed_tools:
        draft.report.emulate(param)
        allowed = frozenset(choice.allowed)
        tools = [tool for tool in tools if tool.name in allowed]
        if not tools:
            refuse_choice_of_nothing(draft, choice, param, definitions)
            return tools
        choice = ToolChoice(choice.mode)
    draft.upstream["tool_choice"] = responses_choice(_as_sent(choice, tools))
    return tools


def _as_sent(choice: ToolChoice, tools: Sequence[_Tool]) -> ToolChoice:
    """Return the choice with wrapped custom tools named as functions."""
    wrapped = {tool.name for tool in tools if _is_wrapped(tool)}

    def renamed(name: ToolName) -> ToolName:
        return ToolName("function", name.name) if name in wrapped else name

    return ToolChoice(
        choice.mode,
        named=None if choice.named is None else renamed(choice.named),
        allowed=None if choice.allowed is None else tuple(map(renamed, choice.allowed)),
    )


def _web_search(draft: Draft) -> list[_Tool]:
    """Return chat's `web_search_options` as the tool of responses."""
    if "web_search_options" not in draft.client:
        return []
    options: Json = _WEB_SEARCH.accept(draft.client["web_search_options"], "web_search_options")
    if "web_search" not in draft.context.capabilities.hosted_tools:
        draft.refuse("web_search_options", "its server has no web search.", droppable=False)
    sent: Json = {
        "type": "web_search",
        **_stripped(options, _WEB_SEARCH, "web_search_options", draft),
    }
    location = sent.pop("user_location", None)
    if location is not None:
        path = "web_search_options.user_location"
        carry_unknown(location, _USER_LOCATION, path, draft.context, draft.report)
        place = _stripped(location["approximate"], _LOCATION, f"{path}.approximate", draft)
        sent["user_location"] = {"type": "approximate", **place}
    return [_Tool(ToolName("web_search", ""), "web_search_options", sent)]


def _stripped(fields: Json, known: Record, path: str, draft: Draft) -> Json:
    return strip_unknown(fields, known, path, draft.context, draft.report)


def _parallel_calls(draft: Draft, *, has_tools: bool, legacy: bool) -> None:
    """Write `parallel_tool_calls`, which a request without tools may not have."""
    if legacy and has_tools:
        # A `function_call` holds only one call.
        draft.upstream["parallel_tool_calls"] = False
    elif "parallel_tool_calls" in draft.client:
        if has_tools:
            draft.upstream["parallel_tool_calls"] = draft.client["parallel_tool_calls"]
        elif not draft.client["parallel_tool_calls"]:
            draft.report.drop("parallel_tool_calls")
