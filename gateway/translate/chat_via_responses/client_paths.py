"""The chat client's paths of parameters that a responses endpoint names in errors."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.shapes import Json
from gateway.translate.chat_via_responses.tools import ToolPlan
from gateway.translate.parts.client_values import (
    below,
    below_tool,
    chat_tool_kind,
    has,
    stop_path,
)
from gateway.translate.parts.content.parts import chat_part_field
from gateway.translate.parts.output_format import chat_format_param

_INPUT = re.compile(r"input\[([0-9]{1,6})\](.*)")
_TOOL = re.compile(r"tools\[([0-9]{1,6})\](.*)")
_GRAMMAR = re.compile(r"\.format\.(?=syntax|definition)")
_PART = re.compile(r"\.(?:content|output)\[([0-9]{1,6})\](?:\.(\w+)(.*))?")
_FIELD = re.compile(r"\.(\w+)(.*)")
_CONTENT = frozenset({"content"})


@dataclass(slots=True)
class Origin:
    """The source of an input item in the client's request: the client's paths of its parts."""

    path: str
    """The client's path of the item's source: `messages[3].tool_calls[0]`."""
    item: Json
    fields: Mapping[str, str]
    """The client's path, below `path`, of each field of the item."""
    parts: tuple[str, ...] = ()
    """The client's path, below `path`, of each part of a message's or output's content."""

    def client_path(self, rest: str, client: Json) -> str:
        """Return the client's path for `input[i]` followed by `rest`."""
        part = _PART.fullmatch(rest)
        if part is not None and int(part[1]) < len(self.parts):
            return self._part_path(int(part[1]), part[2], part[3] or "", client)
        named = _FIELD.fullmatch(rest)
        known = self.fields.get(named[1]) if named is not None else None
        if named is None or known is None:
            # Fields that only the client and the upstream know are sent as they are.
            return below(client, self.path, rest, ("function", "custom")) or self.path
        # Below a part that the client does not have there are no paths.
        return f"{self.path}.{known}{'' if known in _CONTENT else named[2]}"

    def _part_path(self, index: int, name: str | None, rest: str, client: Json) -> str:
        path = f"{self.path}.{self.parts[index]}"
        if name is None or not path.endswith("]"):
            return path
        content = self.item.get("content") or self.item.get("output")
        known: Json = content[index] if isinstance(content, list) else {}
        field = chat_part_field(known, name)
        is_chats = field != name or has(client, f"{path}.{field}")
        return f"{path}.{field}{rest}" if is_chats else path


@dataclass(slots=True)
class InputItems:
    """The input items of a request, and the source of each."""

    items: list[Json] = field(default_factory=list)
    origins: list[tuple[str, Json, Mapping[str, str], tuple[str, ...]]] = field(
        default_factory=list
    )
    """The fields of each item's `Origin`, which is made only when an error needs it."""

    def add(
        self, item: Json, path: str, fields: Mapping[str, str], parts: tuple[str, ...] = ()
    ) -> None:
        """Append an item."""
        self.items.append(item)
        self.origins.append((path, item, fields, parts))

    def origin(self, index: int) -> Origin | None:
        """Return the source of an item, or None for an unknown item."""
        return Origin(*self.origins[index]) if index < len(self.origins) else None


def limit_name(client: Json) -> str:
    """Return the client's name of the token limit; chat has two names."""
    legacy = "max_tokens" in client and "max_completion_tokens" not in client
    return "max_tokens" if legacy else "max_completion_tokens"


def client_path(param: str, client: Json, items: InputItems, tools: ToolPlan) -> str | None:
    """Return the client's path of an upstream parameter; None if it has no equivalent.

    `client` is the client's request; `items` are the items that were made from it.
    """
    item, tool = _INPUT.fullmatch(param), _TOOL.fullmatch(param)
    origin = None if item is None else items.origin(int(item[1]))
    if item is not None and origin is not None:
        return origin.client_path(item[2], client)
    if tool is not None and int(tool[1]) < len(tools.paths):
        return _tool_path(tools.paths[int(tool[1])], tool[2], client)
    return _renamed(param, client, legacy_tools=tools.legacy)


def _tool_path(path: str, rest: str, client: Json) -> str:
    if path == "web_search_options":
        return _web_search_path(path, rest, client)
    if path.endswith(".custom"):
        rest = _GRAMMAR.sub(".format.grammar.", rest)
    return below_tool(client, path, chat_tool_kind(path), rest)


def _web_search_path(path: str, rest: str, client: Json) -> str:
    """Return the client's path of a field of the web search tool; its type is no option."""
    if rest == ".type":
        return path
    inner = path + rest.replace(".user_location.", ".user_location.approximate.")
    return path + rest if has(client, path + rest) else inner


def _renamed(param: str, client: Json, *, legacy_tools: bool) -> str | None:
    name = re.split(r"[.\[]", param, maxsplit=1)[0]
    if name in ("input", "instructions"):
        return "messages"
    if name == "max_output_tokens":
        return limit_name(client)
    if name in ("include", "top_logprobs"):
        asked = "top_logprobs" if name in client else "logprobs"
        return asked if asked in client else None
    if name == "text":
        return _text_path(client, param)
    if name == "stop":
        return stop_path(client.get(name), param)
    if name == "reasoning":
        # Also if the operator configured it: there is no better name.
        return "reasoning_effort"
    if name == "tools":
        return "functions" if legacy_tools else _if_sent(client, name, param)
    if name == "tool_choice":
        legacy_name = "function_call" if legacy_tools else name
        return legacy_name if legacy_name in client else None
    return _if_sent(client, name, param)


def _text_path(client: Json, param: str) -> str | None:
    form = client.get("response_format", {})
    if param.startswith("text.format"):
        path = chat_format_param(param, nested=form.get("type") == "json_schema")
        flat = chat_format_param(param, nested=False)
        return (flat if has(client, flat) else path) if form else None
    if param == "text" and form:
        return "response_format"
    return "verbosity" if "verbosity" in client else None


def _if_sent(client: Json, name: str, param: str) -> str | None:
    return param if name in client else None
