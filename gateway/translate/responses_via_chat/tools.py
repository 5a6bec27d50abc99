"""Tools of a responses request as chat's, and the names under which the calls come back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.shapes import Json
from gateway.translate.contract import Context, Report, unsupported
from gateway.translate.responses_input import is_record
from gateway.translate.responses_tools import ONLY_IN_RESPONSES
from gateway.translate.responses_via_chat.client_tools import (
    CLIENT_TOOLS,
    ClientTool,
    client_tool,
)
from gateway.translate.tool_shapes import (
    FlatNames,
    ambiguous_name,
    chat_custom,
    chat_function,
    custom_as_function,
)


class ToolNames:
    """What a tool that chat calls by a flat name is in responses."""

    def __init__(self) -> None:
        self._flat = FlatNames()
        self._kinds: dict[str, str] = {}

    def add(self, tool: Json, namespace: str | None, param: str) -> str:
        """Return the flat name of a declared tool; one of `CLIENT_TOOLS` is named by its type.

        Raises `InvalidRequest` naming `param` where another tool has it already.
        """
        kind: str = tool["type"]
        name = self._flat.add(namespace, kind if kind in CLIENT_TOOLS else tool["name"], param)
        self._kinds[name] = kind
        return name

    def flat(self, namespace: str | None, name: str) -> str:
        """Return the flat name that a tool has or would have."""
        return self._flat.flat(namespace, name)

    def is_declared(self, kind: str, name: str) -> bool:
        """Whether the client declared a tool of that type under that flat name."""
        return self._kinds.get(name) == kind

    def is_custom(self, called: str) -> bool:
        """Whether the client declared a custom tool that a model calls so."""
        return self._kinds.get(self._flat.meant(called)) == "custom"

    def client_tool(self, called: str) -> ClientTool | None:
        """Return the tool of a type of its own that a model calls so; None: it is no such tool."""
        return CLIENT_TOOLS.get(self._kinds.get(self._flat.meant(called), ""))

    def split(self, called: str) -> tuple[str | None, str]:
        """Return the namespace, if there is one, and the client's name of a tool."""
        return self._flat.split(self._flat.meant(called))


@dataclass(slots=True)
class ChatTools:
    """The tools that are sent, and where the client declared each: `tools[2].tools[0]`."""

    names: ToolNames = field(default_factory=ToolNames)
    definitions: list[Json] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    hosted: list[str] = field(default_factory=list)
    """The types of those that are not sent, because the model's server does not run them."""

    def add(self, definition: Json, path: str) -> None:
        """Take one more definition."""
        self.definitions.append(definition)
        self.paths.append(path)

    def remove(self, flat: str) -> None:
        """Forget the definitions of a name."""
        for position in reversed(range(len(self.definitions))):
            if _name_of(self.definitions[position]) == flat:
                del self.definitions[position], self.paths[position]


def chat_tools(client: Json, context: Context, report: Report) -> ChatTools:
    """Return the tools of a checked request, those that its input brings included.

    Hosted tools are refused or dropped (`hosted_tools`). Raises `UnsupportedParameter` naming
    `tools[i]`, and `InvalidRequest` where two tools have one name.
    """
    tools = ChatTools()
    for path, declared in _declared(client, report):
        declarations = _Declarations(tools, context, report)
        for position, tool in enumerate(declared):
            declarations.read(tool, f"{path}[{position}]")
    return tools


def _declared(client: Json, report: Report) -> Iterator[tuple[str, Sequence[Json]]]:
    """Yield the lists of tools of a request, in order; chat takes all of them from its start."""
    yield "tools", client.get("tools", ())
    given = client.get("input")
    for position, item in enumerate(given if isinstance(given, list) else ()):
        kind = item["type"]
        if kind == "additional_tools" or (kind == "tool_search_output" and not is_record(item)):
            report.emulate(f"input[{position}]")
            yield f"input[{position}].tools", item["tools"]


class _Declarations:
    """Reads one list of definitions; they take the place of those of the same name before it."""

    def __init__(self, tools: ChatTools, context: Context, report: Report) -> None:
        self._tools = tools
        self._context = context
        self._report = report
        self._kinds: dict[str, str] = {}

    def read(self, tool: Json, param: str) -> None:
        """Take one definition, as `chat_tools` says."""
        if tool["type"] == "namespace":
            self._report.emulate(param)
            if "description" in tool:
                self._report.drop(f"{param}.description")
            for position, member in enumerate(tool["tools"]):
                self._declare(member, tool["name"], f"{param}.tools[{position}]")
        elif tool["type"] in ("function", "custom") or client_tool(tool) is not None:
            self._declare(tool, None, param)
        else:
            self._leave_out(tool["type"], param)

    def _declare(self, tool: Json, namespace: str | None, param: str) -> None:
        flat = self._tools.names.add(tool, namespace, f"{param}.name")
        if flat not in self._kinds:
            self._tools.remove(flat)
        if self._kinds.setdefault(flat, tool["type"]) != tool["type"]:
            raise ambiguous_name(flat, param)
        for name in ONLY_IN_RESPONSES:
            if name in tool:
                self._report.drop(f"{param}.{name}")
        self._tools.add(self._definition(tool, flat, param), param)

    def _definition(self, tool: Json, flat: str, param: str) -> Json:
        named = {**tool, "name": flat}
        if tool["type"] == "function":
            return chat_function(named, param)
        if tool["type"] == "custom" and self._context.capabilities.custom_tools:
            return chat_custom(named, param)
        self._report.emulate(param)
        own = client_tool(tool)
        function = custom_as_function(named) if own is None else own.function(tool)
        return {"type": "function", "function": function}

    def _leave_out(self, kind: str, param: str) -> None:
        """Take a hosted tool."""
        if self._context.settings.hosted_tools == "refuse":
            raise UnsupportedParameter(
                f"'{param}' is not supported for model '{self._context.model_asked}': the model is "
                f"served through the {self._report.target} endpoint, which has no hosted tool "
                f"'{kind[:100]}'. Remove it, or set hosted_tools=drop for this model.",
                param=param,
            )
        self._report.drop(param)
        self._tools.hosted.append(kind[:100])


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
            reason = f"its {report.target} endpoint does not take tools."
            unsupported(context, report, "tools", reason)
            if choice != "auto":
                unsupported(context, report, "tool_choice", reason, droppable=False)
        tools = ChatTools()
    chooser = _Chooser(tools, context, report)
    if not tools.definitions:
        if choice not in ("none", "auto"):
            raise chooser.unavailable(choice)
        return {}
    definitions, sent = chooser.choose(choice)
    parameters: Json = {"tools": definitions}
    if sent is not None:
        parameters["tool_choice"] = sent
    if "parallel_tool_calls" in client:
        parameters["parallel_tool_calls"] = client["parallel_tool_calls"]
    return parameters


class _Chooser:
    """Finds out which tools the model may or must call."""

    def __init__(self, tools: ChatTools, context: Context, report: Report) -> None:
        self._tools = tools
        self._context = context
        self._report = report

    def choose(self, choice: str | Json) -> tuple[list[Json], str | Json | None]:
        """Return the tools to send and chat's `tool_choice`; None for the default."""
        definitions = self._tools.definitions
        if isinstance(choice, str):
            return definitions, None if choice == "auto" else choice
        if choice["type"] == "allowed_tools":
            return self._allowed(choice)
        return definitions, _selector(self._named(choice))

    def _allowed(self, choice: Json) -> tuple[list[Json], str | Json | None]:
        """Return a choice among some tools; where chat has no such choice, only those tools."""
        drops = self._context.settings.hosted_tools == "drop"
        allowed = [
            self._named(reference)
            for reference in choice["tools"]
            if not (drops and reference["type"] in self._tools.hosted)
        ]
        mode = choice["mode"]
        if not allowed and mode == "required":
            raise self.unavailable(mode)
        if not allowed:
            return self._tools.definitions, "none"
        if self._context.capabilities.allowed_tools:
            selectors = [_selector(definition) for definition in allowed]
            nested = {"mode": mode, "tools": selectors}
            return self._tools.definitions, {"type": "allowed_tools", "allowed_tools": nested}
        self._report.emulate("tool_choice")
        some = [definition for definition in self._tools.definitions if definition in allowed]
        return some, None if mode == "auto" else mode

    def _named(self, reference: Json) -> Json:
        """Return the definition of the tool that a choice names."""
        kind, name = reference["type"], reference.get("name")
        if kind in CLIENT_TOOLS and self._tools.names.is_declared(kind, kind):
            flat = kind
        elif kind in ("function", "custom") and name is not None:
            flat = self._tools.names.flat(reference.get("namespace"), name)
        else:
            raise self.unavailable(reference)
        for definition in self._tools.definitions:
            if _name_of(definition) == flat:
                return definition
        raise self.unavailable(reference)

    def unavailable(self, choice: str | Json) -> InvalidRequest:
        """Return the error for a choice of tools that are not sent, or were never declared."""
        hosted = self._tools.hosted
        if isinstance(choice, dict):
            wanted = {choice["type"], *(each["type"] for each in choice.get("tools", ()))}
            hosted = [kind for kind in hosted if kind in wanted]
        if hosted:
            names = ", ".join(f"'{kind}'" for kind in dict.fromkeys(hosted))
            return UnsupportedParameter(
                f"'tool_choice' is not supported for model '{self._context.model_asked}': it "
                f"demands {names}, but the model is served through the {self._report.target} "
                "endpoint, which has no hosted tools. Choose another tool, or 'auto'.",
                param="tool_choice",
            )
        return InvalidRequest(
            "Invalid 'tool_choice': the tool that it demands is not among 'tools'. Declare it in "
            "'tools', or choose another.",
            param="tool_choice",
            code="invalid_value",
        )


def _name_of(definition: Json) -> str:
    name: str = definition[definition["type"]]["name"]
    return name


def _selector(definition: Json) -> Json:
    kind = definition["type"]
    return {"type": kind, kind: {"name": _name_of(definition)}}
