"""The tools of a responses request: which are taken, which may be called, how they are echoed."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.demo.generation.answer import Json
from gateway.demo.refusals import Refused
from gateway.demo.rules import checks
from gateway.demo.rules.checks import Check, array, mapping, nullable, record, string, tagged, word

_FUNCTION = record(
    {"type": string, "name": string},
    {
        "description": nullable(string),
        "parameters": nullable(mapping),
        "output_schema": nullable(mapping),
        "strict": nullable(checks.boolean),
        "async": checks.boolean,
        "defer_loading": checks.boolean,
        "allowed_callers": nullable(array(string)),
    },
    open_=False,
)
_NAMED = {"function": _FUNCTION, "custom": record({"type": string, "name": string}, open_=True)}
_HOSTED = (
    "web_search",
    "web_search_preview",
    "file_search",
    "code_interpreter",
    "computer",
    "image_generation",
    "mcp",
)
_CLIENT_SIDE = ("tool_search", "local_shell", "shell", "apply_patch")
_ANY: Check = record({"type": string}, open_=True)
TOOL = tagged(
    "type",
    {
        **_NAMED,
        "namespace": record(
            {
                "type": string,
                "name": string,
                "description": string,
                "tools": array(tagged("type", _NAMED), least=1),
            },
            open_=False,
        ),
        **dict.fromkeys((*_HOSTED, *_CLIENT_SIDE), _ANY),
    },
)
"""One tool. Those that OpenAI runs itself are accepted and never run."""
_BY_NAME = record({"type": string, "name": string}, open_=False)
_BY_TYPE = record({"type": string}, open_=False)
_CHOSEN = tagged(
    "type",
    {
        "function": _BY_NAME,
        "custom": _BY_NAME,
        "allowed_tools": record(
            {"type": string, "mode": word("auto", "required"), "tools": array(mapping, least=1)},
            open_=False,
        ),
        **dict.fromkeys((*_HOSTED, *_CLIENT_SIDE), _BY_TYPE),
    },
)


def tool_choice(path: str, value: object) -> None:
    """Accept a mode, or an object that names tools."""
    if isinstance(value, str):
        word("none", "auto", "required")(path, value)
    else:
        _CHOSEN(path, value)


@dataclass(frozen=True, slots=True)
class Function:
    """A function that the model may call: its namespace, and the schema of its arguments.

    A custom tool (`is_free`) takes a text instead.
    """

    namespace: str | None
    parameters: Any
    is_free: bool = False


def functions(body: Json, items: Sequence[Json]) -> dict[str, Function]:
    """Return the functions that a checked request offers, in `tools` and in its items, by name.

    Custom tools are among them.
    """
    offered = [*body.get("tools", ())]
    for item in items:
        if item.get("type") in ("additional_tools", "tool_search_output"):
            offered += item["tools"]
    return {
        tool["name"]: Function(
            namespace, tool.get("parameters") or {"type": "object"}, tool["type"] == "custom"
        )
        for namespace, tool in _flat(offered)
        if tool["type"] in _NAMED
    }


def _flat(tools: Sequence[Json]) -> Iterator[tuple[str | None, Json]]:
    for tool in tools:
        if tool["type"] == "namespace":
            yield from ((tool["name"], inner) for inner in tool["tools"])
        else:
            yield None, tool


def chosen(body: Json, known: Container[str]) -> str:
    """Return `tool_choice` as a `Conversation` has it: a mode, or a function's name after `=`.

    Raises `Refused` for a function that is not offered.
    """
    choice = body.get("tool_choice") or "auto"
    if isinstance(choice, str):
        return choice
    if choice["type"] == "allowed_tools":
        return str(choice["mode"])
    if choice["type"] not in _NAMED:
        return "auto"
    if choice["name"] not in known:
        raise Refused(
            400,
            f"Tool choice '{choice['name']}' not found in 'tools' parameter.",
            param="tool_choice",
        )
    return f"={choice['name']}"


def echoed_tools(body: Json) -> list[Json]:
    """Return the tools as the response object has them: functions with schema and `strict`."""
    return [
        {**tool, "parameters": tool.get("parameters"), "strict": tool.get("strict", True)}
        if tool["type"] == "function"
        else tool
        for tool in body.get("tools", ())
    ]
