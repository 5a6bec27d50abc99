"""Tools of a responses request as chat's, and the names under which the calls come back."""

from dataclasses import dataclass, field

from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.shapes import Json
from gateway.translate.contract import Context, Report, unsupported
from gateway.translate.tool_shapes import (
    FlatNames,
    chat_custom,
    chat_function,
    custom_as_function,
)

_ONLY_IN_RESPONSES = ("allowed_callers", "defer_loading", "output_schema")


class ToolNames:
    """What a tool that chat calls by a flat name is in responses."""

    def __init__(self) -> None:
        self._flat = FlatNames()
        self._customs: set[str] = set()

    def add(self, tool: Json, namespace: str | None, param: str) -> str:
        """Return the flat name of a declared tool.

        Raises `InvalidRequest` naming `param` where another tool has it already.
        """
        name = self._flat.add(namespace, tool["name"], param)
        if tool["type"] == "custom":
            self._customs.add(name)
        return name

    def flat(self, namespace: str | None, name: str) -> str:
        """Return the flat name that a tool has or would have."""
        return self._flat.flat(namespace, name)

    def is_custom(self, flat: str) -> bool:
        """Whether the client declared a custom tool of that flat name."""
        return flat in self._customs

    def split(self, flat: str) -> tuple[str | None, str]:
        """Return the namespace, if there is one, and the client's name of a tool."""
        return self._flat.split(flat)


@dataclass(slots=True)
class ChatTools:
    """The tools that are sent, and where the client declared each: `tools[2].tools[0]`."""

    names: ToolNames = field(default_factory=ToolNames)
    definitions: list[Json] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    dropped: bool = False
    """Whether the client declared others too."""


def chat_tools(client: Json, context: Context, report: Report) -> ChatTools:
    """Return the tools of a checked request.

    Hosted tools are refused or dropped (`hosted_tools`). Raises `UnsupportedParameter` naming
    `tools[i]`, and `InvalidRequest` where two tools have one name.
    """
    tools = ChatTools()
    for position, tool in enumerate(client.get("tools", ())):
        param = f"tools[{position}]"
        if tool["type"] in ("function", "custom"):
            _declare(tools, tool, None, param, context, report)
        elif tool["type"] == "namespace":
            report.emulate(param)
            if "description" in tool:
                report.drop(f"{param}.description")
            for inner, member in enumerate(tool["tools"]):
                _declare(tools, member, tool["name"], f"{param}.tools[{inner}]", context, report)
        else:
            _hosted(tool["type"], param, context, report)
            tools.dropped = True
    return tools


def _declare(
    tools: ChatTools,
    tool: Json,
    namespace: str | None,
    param: str,
    context: Context,
    report: Report,
) -> None:
    flat = tools.names.add(tool, namespace, f"{param}.name")
    for name in _ONLY_IN_RESPONSES:
        if name in tool:
            report.drop(f"{param}.{name}")
    named = {**tool, "name": flat}
    if tool["type"] == "function":
        definition = chat_function(named, param)
    elif context.capabilities.custom_tools:
        definition = chat_custom(named, param)
    else:
        report.emulate(param)
        definition = {"type": "function", "function": custom_as_function(named)}
    tools.definitions.append(definition)
    tools.paths.append(param)


def _hosted(kind: str, param: str, context: Context, report: Report) -> None:
    if context.settings.hosted_tools == "drop":
        report.drop(param)
        return
    raise UnsupportedParameter(
        f"'{param}' is not supported for model '{context.model_asked}': the model is served "
        f"through the chat endpoint, which has no hosted tool '{kind[:100]}'. Remove it, or set "
        "hosted_tools=drop for this model.",
        param=param,
    )


def tool_parameters(client: Json, tools: ChatTools, context: Context, report: Report) -> Json:
    """Return `tools`, `tool_choice` and `parallel_tool_calls` as chat has them.

    Without tools none of them is sent: servers refuse an empty list, and the other two without
    one. Raises `UnsupportedParameter` or `InvalidRequest` for a choice that cannot be obeyed.
    """
    choice = client.get("tool_choice", "auto")
    if tools.definitions and not context.capabilities.tools:
        if choice == "none":
            report.drop("tools")
        else:
            unsupported(context, report, "tools", "its chat endpoint does not take tools.")
        tools = ChatTools(dropped=True)
    if not tools.definitions:
        if choice not in ("none", "auto"):
            raise _unavailable(context, dropped=tools.dropped)
        return {}
    definitions, sent = _choose(choice, tools, context, report)
    parameters: Json = {"tools": definitions}
    if sent is not None:
        parameters["tool_choice"] = sent
    if "parallel_tool_calls" in client:
        parameters["parallel_tool_calls"] = client["parallel_tool_calls"]
    return parameters


def _choose(
    choice: str | Json, tools: ChatTools, context: Context, report: Report
) -> tuple[list[Json], str | Json | None]:
    """Return the tools to send and chat's `tool_choice`; None for the default."""
    if isinstance(choice, str):
        return tools.definitions, None if choice == "auto" else choice
    if choice["type"] == "allowed_tools":
        return _allowed(choice, tools, context, report)
    return tools.definitions, _selector(_named(choice, tools, context))


def _allowed(
    choice: Json, tools: ChatTools, context: Context, report: Report
) -> tuple[list[Json], str | Json | None]:
    """Return a choice among some tools; where chat has no such choice, only those tools."""
    allowed = [
        _named(reference, tools, context)
        for reference in choice["tools"]
        if _is_own(reference) or not tools.dropped
    ]
    mode = choice["mode"]
    if not allowed and mode == "required":
        raise _unavailable(context, dropped=tools.dropped)
    if not allowed:
        return tools.definitions, "none"
    if context.capabilities.allowed_tools:
        selectors = [_selector(definition) for definition in allowed]
        nested = {"mode": mode, "tools": selectors}
        return tools.definitions, {"type": "allowed_tools", "allowed_tools": nested}
    report.emulate("tool_choice")
    some = [definition for definition in tools.definitions if definition in allowed]
    return some, None if mode == "auto" else mode


def _named(reference: Json, tools: ChatTools, context: Context) -> Json:
    """Return the definition of the tool that a choice names."""
    name = reference.get("name")
    if name is None or not _is_own(reference):
        raise _unavailable(context, dropped=tools.dropped)
    flat = tools.names.flat(reference.get("namespace"), name)
    for definition in tools.definitions:
        if definition[definition["type"]]["name"] == flat:
            return definition
    raise _unavailable(context, dropped=False)


def _is_own(reference: Json) -> bool:
    """Whether a choice names a tool of the client's, not a hosted one."""
    return reference["type"] in ("function", "custom")


def _selector(definition: Json) -> Json:
    kind = definition["type"]
    return {"type": kind, kind: {"name": definition[kind]["name"]}}


def _unavailable(context: Context, *, dropped: bool) -> InvalidRequest:
    if dropped:
        return UnsupportedParameter(
            f"'tool_choice' is not supported for model '{context.model_asked}': the tool that it "
            "demands does not exist at the chat endpoint, through which the model is served. "
            "Choose another, or 'auto'.",
            param="tool_choice",
        )
    return InvalidRequest(
        "Invalid 'tool_choice': the tool that it demands is not among 'tools'. Declare it in "
        "'tools', or choose another.",
        param="tool_choice",
        code="invalid_value",
    )
