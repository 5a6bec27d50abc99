"""Which tools a conversation has loaded, added or removed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.schema.messages_blocks import CHANGED_TOOLS, TOOL_CHANGES
from gateway.translate.schema.messages_calls import path_of
from gateway.translate.schema.messages_tools import CUSTOM, client_tool_of
from gateway.translate.schema.unknown_fields import carry_unknown

_SAYS_NOTHING = frozenset({"text", "thinking"})
"""The most frequent types of blocks that do not concern tools."""


@dataclass(slots=True)
class ToolChanges:
    """The tools that a conversation has loaded, removed and defined by its end."""

    loaded: dict[str, None] = field(default_factory=dict)
    """The names of the tools that it has loaded, added or called, in order."""
    removed: set[str] = field(default_factory=set)
    defined: list[tuple[Json, str]] = field(default_factory=list)
    """The definitions of tools within the conversation, with their paths."""

    def take(self, block: Json, place: tuple[int, int]) -> None:
        """Take the next block; `place` has the index of its message and its own index there."""
        kind = block["type"]
        if kind == "tool_use":
            self.loaded[block["name"]] = None
        elif kind == "tool_result":
            self._refer(block.get("content"))
        elif kind == "tool_search_tool_result":
            found = block.get("content")
            self._refer(found.get("tool_references") if isinstance(found, dict) else None)
        elif kind == "compaction":
            for index, change in enumerate(block.get("tool_changes", ())):
                self._change(change, f"{path_of(place)}.tool_changes[{index}]")
        elif kind in TOOL_CHANGES:
            self._change(block, path_of(place))

    def _refer(self, blocks: object) -> None:
        for each in blocks if isinstance(blocks, list) else ():
            name = each.get("tool_name") if isinstance(each, dict) else None
            if isinstance(name, str):
                self.loaded[name] = None

    def _change(self, block: Json, path: str) -> None:
        name = changed_tool(block)
        if name is None:
            return
        if block["type"] == "tool_removal":
            self.removed.add(name)
            self.loaded.pop(name, None)
            return
        self.removed.discard(name)
        self.loaded[name] = None
        if block["tool"]["type"] == "tool_definition":
            self.defined.append((block["tool"]["definition"], f"{path}.tool.definition"))


def changed_tool(block: Json) -> str | None:
    """Return the name of the tool that a block adds or removes; None: a server's own tool."""
    tool: Json = block["tool"]
    named = tool["definition"] if tool["type"] == "tool_definition" else tool
    name: str | None = named.get("name") if tool["type"] in CHANGED_TOOLS else None
    return name


def report_change(block: Json, path: str, context: Context, report: Report) -> None:
    """Report the fields of a checked tool change that other models do not take."""
    known = CHANGED_TOOLS.get(block["tool"]["type"])
    if known is None:
        report.drop(path)
        return
    carry_unknown(block, TOOL_CHANGES[block["type"]], path, context, report)
    carry_unknown(block["tool"], known, f"{path}.tool", context, report)


def callable_tools(client: Json, changes: ToolChanges) -> frozenset[str]:
    """Return the names of the tools of a checked request that any model can call.

    Tools that its conversation defines (`changes`) are among them; tools that Anthropic runs are
    not.
    """
    defined = (tool for tool, _ in changes.defined)
    return frozenset(
        tool["name"]
        for tool in (*client.get("tools", ()), *defined)
        if (kind := tool.get("type", CUSTOM)) == CUSTOM or client_tool_of(kind)
    )


def tool_changes(messages: Sequence[Json]) -> ToolChanges:
    """Return the changes of tools within a checked conversation."""
    changes = ToolChanges()
    for position, message in enumerate(messages):
        content = message["content"]
        for index, block in enumerate(() if isinstance(content, str) else content):
            if block["type"] not in _SAYS_NOTHING:
                changes.take(block, (position, index))
    return changes
