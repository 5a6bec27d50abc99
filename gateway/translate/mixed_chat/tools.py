"""Tools in a chat request that are written in the form of other shapes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.shapes import Json
from gateway.translate.mixed_chat.fields import MARK, beside, without_place
from gateway.translate.parts.from_messages.tools import MODES
from gateway.translate.parts.tools.definitions import chat_grammar

_INNER = ("name", "description", "parameters", "strict", "format")
"""The fields of a flat tool that chat nests."""
_KEPT = {
    "": (),
    "responses": ("type", *_INNER),
    "messages": ("type", "name", "description", "input_schema", "strict", MARK),
}
"""The fields of a tool that have a place, by its form; chat's own tools stay as they are."""


@dataclass(slots=True)
class Tools:
    """The tools in chat's form, and the form in which each was written."""

    sent: list[Any] = field(default_factory=list)
    forms: list[str] = field(default_factory=list)
    """The shape of each tool: `responses` or `messages`; empty: chat's."""
    custom: set[str] = field(default_factory=set)
    """The names of custom tools that were written flat."""
    dropped: list[str] = field(default_factory=list)
    """The client's paths of fields that have no place."""

    def client_path(self, index: int, rest: str) -> str:
        """Return the client's path for a tool that was sent, followed by `rest`."""
        path, form = f"tools[{index}]", self.forms[index] if index < len(self.forms) else ""
        if not form:
            return path + rest
        inner = rest.removeprefix(".function").removeprefix(".custom")
        if form == "messages":
            inner = inner.replace(".parameters", ".input_schema", 1)
        return path + inner.replace(".format.grammar", ".format", 1)


def read_tools(tools: object) -> Tools:
    """Return the tools of a request in chat's form; other values stay as they are."""
    read = Tools()
    for index, tool in enumerate(tools if isinstance(tools, list) else ()):
        form = _form_of(tool)
        read.forms.append(form)
        if form:
            read.dropped += without_place(tool, _KEPT[form], f"tools[{index}]")
        read.sent.append(_WRITERS[form](tool))
        if form == "responses" and tool["type"] == "custom":
            read.custom.add(tool["name"])
    return read


def read_choice(choice: object) -> tuple[object, str]:
    """Return a `tool_choice` in chat's form, and the shape it was written in; empty: chat's."""
    if not isinstance(choice, dict):
        return choice, ""
    kind, name = choice.get("type"), choice.get("name")
    if kind in ("function", "custom") and isinstance(name, str) and kind not in choice:
        return {"type": kind, kind: {"name": name}}, "responses"
    if kind == "tool" and isinstance(name, str):
        return {"type": "function", "function": {"name": name}}, "messages"
    if isinstance(kind, str) and kind in MODES and kind != "tool":
        return MODES[kind], "messages"
    return choice, ""


def is_for_one_call(choice: object) -> bool:
    """Whether a `tool_choice` in Anthropic's form allows one call at a time."""
    return isinstance(choice, dict) and choice.get("disable_parallel_tool_use") is True


def _form_of(tool: Any) -> str:
    if not isinstance(tool, dict) or not isinstance(tool.get("name"), str):
        return ""
    kind = tool.get("type")
    if kind in ("function", "custom") and not isinstance(tool.get("input_schema"), dict):
        return "" if kind in tool else "responses"
    is_bare = kind in (None, "custom") and isinstance(tool.get("input_schema"), dict)
    return "messages" if is_bare else ""


def _nested(tool: Json) -> Json:
    kind = tool["type"]
    inner = {name: tool[name] for name in _INNER if name in tool}
    form = inner.get("format")
    if isinstance(form, dict) and form.get("type") == "grammar" and "grammar" not in form:
        inner["format"] = chat_grammar(form)
    return {"type": kind, kind: inner}


def _of_bare(tool: Json) -> Json:
    function: Json = {"name": tool["name"]}
    if isinstance(tool.get("description"), str):
        function["description"] = tool["description"]
    function["parameters"] = tool["input_schema"]
    if isinstance(tool.get("strict"), bool):
        function["strict"] = tool["strict"]
    return {"type": "function", "function": function, **beside(tool)}


def _as_it_is(tool: Any) -> Any:
    return tool


_WRITERS: dict[str, Callable[[Any], Any]] = {
    "": _as_it_is,
    "responses": _nested,
    "messages": _of_bare,
}


def forms_in(forms: Sequence[str]) -> list[str]:
    """Return each form once, without chat's own."""
    return [form for form in dict.fromkeys(forms) if form]
