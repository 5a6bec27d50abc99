"""Tools of a responses request as chat tools, and their names in the model's calls."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from gateway.shapes import Json
from gateway.translate.contract import HOSTED_TOOLS, Context, Report, refused
from gateway.translate.parts.tools.custom import custom_as_function
from gateway.translate.parts.tools.definitions import chat_custom, chat_function
from gateway.translate.parts.tools.namespaces import FlatNames, ambiguous_name
from gateway.translate.responses_via_chat.tools.client_tools import (
    CLIENT_TOOLS,
    ClientTool,
    client_tool,
)
from gateway.translate.schema.responses_input import is_record
from gateway.translate.schema.responses_tools import (
    FORMAT,
    LOCAL,
    NAMESPACE,
    ONLY_IN_RESPONSES,
    SKILL,
    TOOLS,
)
from gateway.translate.schema.unknown_fields import carry_unknown, strip_unknown

_ONLY_IN_RESPONSES = frozenset(ONLY_IN_RESPONSES)


class ToolNames:
    """The tools of a request by their flat names, which chat uses."""

    def __init__(self) -> None:
        self._flat = FlatNames()
        self._kinds: dict[str, str] = {}

    def add(self, tool: Json, namespace: str | None, param: str) -> str:
        """Return the flat name of a declared tool; for one of `CLIENT_TOOLS` it is the type.

        Raises `InvalidRequest` naming `param` if another tool has the name.
        """
        kind: str = tool["type"]
        name = self._flat.add(namespace, kind if kind in CLIENT_TOOLS else tool["name"], param)
        self._kinds[name] = kind
        return name

    @property
    def declared(self) -> Collection[str]:
        """The flat names of all tools."""
        return self._kinds.keys()

    def flat(self, namespace: str | None, name: str) -> str:
        """Return the flat name that a tool has or would have."""
        return self._flat.flat(namespace, name)

    def is_declared(self, kind: str, name: str) -> bool:
        """Whether the client declared a tool of that type with that flat name."""
        return self._kinds.get(name) == kind

    def is_custom(self, called: str) -> bool:
        """Whether the name in a call is that of a custom tool."""
        return self._kinds.get(self._flat.flat_name_of(called)) == "custom"

    def client_tool(self, called: str) -> ClientTool | None:
        """Return the client tool with the name in a call; None for any other tool."""
        return CLIENT_TOOLS.get(self._kinds.get(self._flat.flat_name_of(called), ""))

    def split(self, called: str) -> tuple[str | None, str]:
        """Return the namespace, if any, and the client's name of the tool in a call."""
        return self._flat.split(self._flat.flat_name_of(called))


@dataclass(slots=True)
class ChatTools:
    """The chat tools, and the path at which the client declared each: `tools[2].tools[0]`."""

    names: ToolNames = field(default_factory=ToolNames)
    definitions: list[Json] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    hosted: list[str] = field(default_factory=list)
    """The types of hosted tools that are left out, because the model's server lacks them."""

    def add(self, definition: Json, path: str) -> None:
        """Add a definition."""
        self.definitions.append(definition)
        self.paths.append(path)

    def paths_of(self, definitions: Collection[Json]) -> list[str]:
        """Return the client's paths of the tools that are among `definitions`."""
        if definitions is self.definitions:
            return self.paths
        names = set(map(name_of, definitions))
        pairs = zip(self.definitions, self.paths, strict=True)
        return [path for definition, path in pairs if name_of(definition) in names]

    def remove_replaced(self, lists: Sequence[int]) -> None:
        """Remove the definitions whose names a later list defines, too.

        `lists` are the positions at which the client's lists begin.
        """
        names = list(map(name_of, self.definitions))
        later: set[str] = set()
        kept: list[int] = []
        end = len(names)
        for begin in reversed(lists):
            kept += [k for k in reversed(range(begin, end)) if names[k] not in later]
            later.update(names[begin:end])
            end = begin
        kept.reverse()
        self.definitions = [self.definitions[position] for position in kept]
        self.paths = [self.paths[position] for position in kept]


def chat_tools(client: Json, context: Context, report: Report) -> ChatTools:
    """Return the tools of a checked request, including those that its input declares.

    Hosted tools are refused or dropped (`hosted_tools`). Raises `UnsupportedParameter` naming
    `tools[i]`, and `InvalidRequest` for two different tools with one name.
    """
    tools = ChatTools()
    lists: list[int] = []
    for path, declared in _declared(client, report):
        lists.append(len(tools.definitions))
        declarations = _Declarations(tools, context, report)
        for position, tool in enumerate(declared):
            declarations.read(tool, f"{path}[{position}]")
    if len(lists) > 1:
        tools.remove_replaced(lists)
    return tools


def _declared(client: Json, report: Report) -> Iterator[tuple[str, Sequence[Json]]]:
    """Yield the request's lists of tools with their paths, in order; chat has only one list."""
    yield "tools", client.get("tools", ())
    given = client.get("input")
    for position, item in enumerate(given if isinstance(given, list) else ()):
        kind = item["type"]
        if kind == "additional_tools" or (kind == "tool_search_output" and not is_record(item)):
            report.emulate(f"input[{position}]")
            yield f"input[{position}].tools", item["tools"]


class _Declarations:
    """Reads one list of definitions."""

    def __init__(self, tools: ChatTools, context: Context, report: Report) -> None:
        self._tools = tools
        self._context = context
        self._report = report
        self._kinds: dict[str, str] = {}

    def read(self, tool: Json, param: str) -> None:
        """Add one definition; raises as `chat_tools` does."""
        if tool["type"] == "namespace":
            self._report.emulate(param)
            carry_unknown(tool, NAMESPACE, param, self._context, self._report)
            for name in ("async", "description"):
                if name in tool:
                    self._report.drop(f"{param}.{name}")
            for position, member in enumerate(tool["tools"]):
                self._declare(member, tool["name"], f"{param}.tools[{position}]")
        elif tool["type"] in ("function", "custom") or client_tool(tool) is not None:
            self._declare(tool, None, param)
        else:
            self._leave_out(tool["type"], param)

    def _declare(self, tool: Json, namespace: str | None, param: str) -> None:
        flat = self._tools.names.add(tool, namespace, f"{param}.name")
        if self._kinds.setdefault(flat, tool["type"]) != tool["type"]:
            raise ambiguous_name(flat, param)
        if not _ONLY_IN_RESPONSES.isdisjoint(tool):
            for name in ONLY_IN_RESPONSES:
                if name in tool:
                    self._report.drop(f"{param}.{name}")
        self._tools.add(self._definition(tool, flat, param), param)

    def _definition(self, tool: Json, flat: str, param: str) -> Json:
        kind = tool["type"]
        native = kind == "function" or (
            kind == "custom" and self._context.capabilities.custom_tools
        )
        is_formatted = kind == "custom" and "format" in tool
        named = tool if tool.get("name") == flat and not is_formatted else {**tool, "name": flat}
        if is_formatted:
            named["format"] = strip_unknown(
                tool["format"],
                FORMAT,
                f"{param}.format",
                self._context,
                self._report,
                has_place=native,
            )
        if not native:
            self._report.emulate(param)
            carry_unknown(tool, TOOLS[kind], param, self._context, self._report)
            self._report_environment(tool, param)
            own = client_tool(tool)
            if own is not None:
                return {"type": "function", "function": own.function(tool)}
            function = custom_as_function(named, param, self._report)
            return {"type": "function", "function": function}
        definition = (
            chat_function(named, param) if kind == "function" else chat_custom(named, param)
        )
        if not TOOLS[kind].names.issuperset(tool):
            target = definition[kind]
            carry_unknown(tool, TOOLS[kind], param, self._context, self._report, target)
        return definition

    def _report_environment(self, tool: Json, param: str) -> None:
        """Report the unknown fields of a shell's environment, which a function cannot have."""
        environment: Json = tool.get("environment", {}) if tool["type"] == "shell" else {}
        path = f"{param}.environment"
        carry_unknown(environment, LOCAL, path, self._context, self._report)
        for index, skill in enumerate(environment.get("skills", ())):
            carry_unknown(skill, SKILL, f"{path}.skills[{index}]", self._context, self._report)

    def _leave_out(self, kind: str, param: str) -> None:
        """Refuse or drop a hosted tool."""
        if self._context.settings.hosted_tools == "refuse":
            reason = (
                f"the model is served through the {self._report.target} endpoint, which has no "
                f"hosted tool '{kind[:100]}'."
            )
            raise refused(self._context, param, reason, HOSTED_TOOLS)
        self._report.drop(param)
        self._tools.hosted.append(kind[:100])


def name_of(definition: Json) -> str:
    """Return the name of a chat tool."""
    name: str = definition[definition["type"]]["name"]
    return name
