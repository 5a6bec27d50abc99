"""The tools of a messages request: those of the client, those with a schema of the model's own."""

from collections.abc import Mapping
from typing import Any

from gateway.demo.generation.answer import Json
from gateway.demo.refusals.messages import field_required, invalid
from gateway.demo.rules import messages_checks as checks
from gateway.demo.rules.checks import Check, nullable
from gateway.demo.rules.messages_blocks import CACHE
from gateway.demo.rules.messages_checks import (
    array,
    mapping,
    pattern,
    record,
    string,
    tagged,
    word,
)

_NAME = pattern("^[a-zA-Z0-9_-]{1,128}$")
_OPTIONAL: Mapping[str, Check] = {
    "type": word("custom"),
    "description": string,
    "strict": checks.boolean,
    "cache_control": CACHE,
    "eager_input_streaming": nullable(checks.boolean),
    "input_examples": array(mapping),
    "allowed_callers": array(string),
    "defer_loading": checks.boolean,
}
_MADE_IN = ("bash_", "text_editor_", "memory_", "computer_", "browser_")
_RUN_THERE = (
    "web_search_",
    "web_fetch_",
    "code_execution_",
    "tool_search_tool_",
    "mcp_toolset",
    "advisor_",
)
_TAGS = ("bash_20250124", "custom", "text_editor_20250728", "web_search_20250305")
_BUILT_IN: Mapping[str, Any] = {
    "bash": {"type": "object", "properties": {"command": {"type": "string"}}},
}
"""What the models know of typed tools by name; the others have no arguments here."""


def _schema(path: str, value: object) -> None:
    schema = checks.object_at(path, value)
    if "type" not in schema:
        raise field_required(f"{path}.type")
    word("object")(f"{path}.type", schema["type"])


_CUSTOM = record({"name": _NAME, "input_schema": _schema}, _OPTIONAL)


def tool(path: str, value: object) -> None:
    """Accept one tool; those that Anthropic runs itself are never run. Raises `Refused`."""
    kind = checks.object_at(path, value).get("type", "custom")
    if str(kind).startswith((*_MADE_IN, *_RUN_THERE)):
        return
    if kind != "custom":
        raise checks.unexpected_tag(path, kind, _TAGS)
    _CUSTOM(f"{path}.custom", value)


_SERIAL: Mapping[str, Check] = {"disable_parallel_tool_use": checks.boolean}
tool_choice = tagged(
    {
        "auto": record({"type": string}, _SERIAL),
        "any": record({"type": string}, _SERIAL),
        "tool": record({"type": string, "name": string}, _SERIAL),
        "none": record({"type": string}),
    }
)
"""Accepts a `tool_choice`."""


def check_tools(body: Json) -> None:
    """Refuse two tools with one name, and a choice of a tool that is not there."""
    names = [each["name"] for each in body.get("tools") or () if "name" in each]
    if len(set(names)) < len(names):
        raise invalid("tools: Tool names must be unique.")
    choice = body.get("tool_choice") or {"type": "auto"}
    if choice["type"] in ("any", "tool") and not names:
        raise invalid("tool_choice: tools must be specified when tool_choice forces tool use")
    if choice["type"] == "tool" and choice["name"] not in names:
        raise invalid(f"tool_choice: Tool '{choice['name']}' not found in provided tools")


def callable_tools(body: Json) -> dict[str, Any]:
    """Return the schemas of the tools that the model may call, by name.

    A deferred tool is one of them once a `tool_reference` has named it.
    """
    known: dict[str, Any] = {}
    for each in body.get("tools") or ():
        kind = each.get("type", "custom")
        if kind.startswith(_RUN_THERE):
            continue
        if not each.get("defer_loading") or each["name"] in _referenced(body):
            known[each["name"]] = each.get("input_schema") or _BUILT_IN.get(
                each["name"], {"type": "object"}
            )
    return known


def _referenced(body: Json) -> set[str]:
    results = [
        block.get("content")
        for message in body["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
        if block["type"] == "tool_result"
    ]
    return {
        part["tool_name"]
        for content in results
        if isinstance(content, list)
        for part in content
        if part["type"] == "tool_reference"
    }
