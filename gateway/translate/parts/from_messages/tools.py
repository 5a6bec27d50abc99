"""The tools of a messages request as functions, and the choice among them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.draft import Draft
from gateway.translate.parts.from_messages.client_tools import function_of
from gateway.translate.parts.from_messages.deferred import ToolChanges
from gateway.translate.parts.from_messages.tool_names import sent_name
from gateway.translate.parts.tools.choices import Mode, ToolChoice, ToolName
from gateway.translate.parts.tools.definitions import (
    completed,
    is_complete,
    is_strict_schema,
    without_nulls,
)
from gateway.translate.parts.tools.namespaces import ambiguous_name
from gateway.translate.schema.messages_tools import (
    CLIENT_TOOL,
    CUSTOM,
    CUSTOM_TOOL,
    HINTS,
    TOOL_CHOICE,
    client_tool_of,
)
from gateway.translate.schema.unknown_fields import carry_unknown

Declared = tuple[Json, str]
"""A checked tool, and its path in the client's request."""


class FunctionTool(NamedTuple):
    """One tool: the client's name and path, and the fields of the function that is sent for it."""

    name: str
    path: str
    function: Json
    """Has `name`, `description`, `parameters`, and `strict` if it is true."""
    schema_field: str | None = "input_schema"
    """The client's field with the parameters; None: the gateway has written them."""

    def client_path(self, rest: str) -> str:
        """Return the client's path of a field of the function: `.parameters.properties`."""
        name, dot, below = rest.removeprefix(".").partition(".")
        if name == "parameters":
            return (
                f"{self.path}.{self.schema_field}{dot}{below}" if self.schema_field else self.path
            )
        return f"{self.path}.{name}" if name in ("name", "description", "strict") else self.path


@dataclass(frozen=True, slots=True)
class MessagesTools:
    """The tools that are sent, and the choice among them."""

    tools: tuple[FunctionTool, ...] = ()
    choice: ToolChoice | None = None
    """The choice, with names as sent; None: the client has made none."""
    one_at_a_time: bool = False
    """Whether the model may make only one call in a reply."""
    names: Mapping[str, str] = field(default_factory=dict)
    """The client's name of each tool that is sent under another one, by the name sent."""

    @property
    def functions(self) -> frozenset[str]:
        """The names of the tools, as they are sent."""
        return frozenset(tool.function["name"] for tool in self.tools)

    def client_path(self, index: int, rest: str) -> str:
        """Return the client's path for the tool sent at this index, followed by `rest`."""
        return self.tools[index].client_path(rest) if index < len(self.tools) else "tools"


def plan_tools(draft: Draft, changes: ToolChanges) -> MessagesTools:
    """Return the tools of a checked messages request; report or refuse what cannot be sent.

    `changes` are the changes of tools within its conversation. Raises `InvalidRequest` and
    `UnsupportedParameter`, naming the client's parameter.
    """
    declared = [
        *((tool, f"tools[{index}]") for index, tool in enumerate(draft.client.get("tools", ()))),
        *changes.defined,
    ]
    choice: Json = draft.client.get("tool_choice", {"type": "auto"})
    carry_unknown(choice, TOOL_CHOICE, "tool_choice", draft.context, draft.report)
    _check_choice(choice, declared)
    tools: list[FunctionTool] = []
    if declared and not _refuses_all(draft, declared, choice):
        tools = _Reader(draft, changes).read(declared, choice)
    if not tools:
        _check_nothing_is_required(draft, choice)
        if choice.get("disable_parallel_tool_use"):
            draft.report.drop("tool_choice.disable_parallel_tool_use")
        return MessagesTools()
    return MessagesTools(
        tools=tuple(tools),
        choice=_choice(choice, tools, draft) if "tool_choice" in draft.client else None,
        one_at_a_time=bool(choice.get("disable_parallel_tool_use")),
        names=_names(tools),
    )


_HINTS = frozenset(HINTS)
MODES: Mapping[str, Mode] = {"auto": "auto", "any": "required", "tool": "required", "none": "none"}
"""Chat's mode for each type of a choice."""


def _choice(choice: Json, tools: Sequence[FunctionTool], draft: Draft) -> ToolChoice:
    mode = MODES[choice["type"]]
    if choice["type"] != "tool":
        return ToolChoice(mode)
    if all(tool.name != choice["name"] for tool in tools):
        draft.refuse("tool_choice", "the tool that it names cannot be sent.", droppable=False)
    return ToolChoice(mode, named=ToolName("function", sent_name(choice["name"])))


def _check_choice(choice: Json, declared: Sequence[Declared]) -> None:
    if choice["type"] == "tool" and all(tool.get("name") != choice["name"] for tool, _ in declared):
        raise InvalidRequest(
            f"Tool '{choice['name'][:100]}' not found in provided tools.",
            param="tool_choice.name",
            code="invalid_value",
        )
    if choice["type"] == "any" and not declared:
        raise InvalidRequest(
            "'tool_choice' may only be specified while providing 'tools'.",
            param="tool_choice",
            code="invalid_value",
        )


def _check_nothing_is_required(draft: Draft, choice: Json) -> None:
    if choice["type"] in ("any", "tool"):
        draft.refuse("tool_choice", "it requires a call, but no tool can be sent.", droppable=False)


def _refuses_all(draft: Draft, declared: Sequence[Declared], choice: Json) -> bool:
    """Whether the model takes no tools at all; raises unless the tools are to be dropped."""
    if draft.context.is_pivot:
        reason = (
            "the model lives at the completions endpoint, where it only continues text: agents "
            "cannot run on it, but on models with a chat, responses or messages endpoint."
        )
    elif draft.context.capabilities.tools:
        return False
    else:
        reason = "the model takes no tools."
    name = "tools" if "tools" in draft.client else declared[0][1]
    if choice["type"] == "none":
        draft.report.drop(name)
    else:
        draft.refuse(name, reason)
    return True


def _names(tools: Sequence[FunctionTool]) -> dict[str, str]:
    """Return the client's names of tools that are sent shortened, by the name sent.

    Raises `InvalidRequest` if two tools would have the same name.
    """
    names: dict[str, str] = {}
    for tool in tools:
        sent = tool.function["name"]
        if names.setdefault(sent, tool.name) != tool.name:
            raise ambiguous_name(sent, f"{tool.path}.name")
    return {sent: name for sent, name in names.items() if sent != name}


class _Reader:
    """Reads the declared tools one by one."""

    def __init__(self, draft: Draft, changes: ToolChanges) -> None:
        self._draft = draft
        self._changes = changes
        self._searches = False
        """Whether the request has Anthropic's tool search, which is left out."""

    def read(self, declared: Sequence[Declared], choice: Json) -> list[FunctionTool]:
        """Return the tools to send: first those that are always there, then those loaded later.

        The beginning of the prompt is then the same in all turns, unless a tool is removed.
        """
        tools: list[FunctionTool] = []
        deferred: dict[str, FunctionTool] = {}
        for tool, path in declared:
            function = self._tool(tool, path)
            if function is None or function.name in self._changes.removed:
                continue
            if tool.get("defer_loading"):
                self._draft.report.emulate(f"{path}.defer_loading")
            if tool.get("defer_loading") or not path.startswith("tools"):
                deferred[function.name] = function
            else:
                tools.append(function)
        loaded: Iterable[str] = (*self._changes.loaded, choice.get("name", ""))
        if self._searches:
            loaded = deferred
        return [*tools, *(deferred[name] for name in dict.fromkeys(loaded) if name in deferred)]

    def _tool(self, tool: Json, path: str) -> FunctionTool | None:
        kind = tool.get("type", CUSTOM)
        if kind == CUSTOM:
            self._report_unsent(tool, path)
            return FunctionTool(tool["name"], path, self._custom(tool, path))
        meant = client_tool_of(kind)
        if meant is None:
            self._pass_over(kind, path)
            return None
        self._report_unsent(tool, path)
        self._draft.report.emulate(path)
        function = {"name": sent_name(tool["name"]), **function_of(meant, kind)}
        return FunctionTool(tool["name"], path, function, schema_field=None)

    def _custom(self, tool: Json, path: str) -> Json:
        function: Json = {"name": sent_name(tool["name"])}
        if "description" in tool:
            function["description"] = tool["description"]
        schema: Json = without_nulls(tool["input_schema"])
        typed = schema if "type" in schema else {"type": "object", **schema}
        function["parameters"] = typed if is_complete(typed) else completed(typed)
        if tool.get("strict"):
            if is_strict_schema(function["parameters"]):
                function["strict"] = True
            else:
                self._draft.report.drop(f"{path}.strict")
        return function

    def _report_unsent(self, tool: Json, path: str) -> None:
        report = self._draft.report
        if not _HINTS.isdisjoint(tool):
            for name in HINTS:
                if name != "cache_control" and tool.get(name) and tool[name] != ["direct"]:
                    report.drop(f"{path}.{name}")
        if tool.get("type", CUSTOM) == CUSTOM:
            carry_unknown(tool, CUSTOM_TOOL, path, self._draft.context, report)
            return
        carry_unknown(tool, CLIENT_TOOL, path, self._draft.context, report)
        for name in ("max_characters", "strict"):
            if name in tool:
                report.drop(f"{path}.{name}")

    def _pass_over(self, kind: str, path: str) -> None:
        """Drop or refuse a tool that other models cannot call, or that Anthropic runs."""
        self._searches = self._searches or kind.startswith("tool_search_tool")
        if self._draft.context.settings.hosted_tools == "drop":
            self._draft.report.drop(path)
            return
        self._draft.refuse_hosted(
            path, f"only Anthropic's models and servers have a tool of type '{kind[:60]}'."
        )
