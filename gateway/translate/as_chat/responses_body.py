"""A responses body that was sent to the chat endpoint, as the responses endpoint takes it.

Cursor sends such bodies when its base URL is overridden. They are written for the responses
endpoint, with two exceptions: a field that only the reader of a chat reply can want
(`stream_options.include_usage`), and calls of custom tools. A chat client has got these as calls of
functions, with the bare text as their arguments, and may send them back in this form.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from gateway.shapes import Json
from gateway.translate.parts.tools.calls import with_bounded_id
from gateway.translate.schema.responses import ENCRYPTED_REASONING

_INPUT = re.compile(r"(input\[([0-9]{1,6})\])\.input")
_CUSTOM_OF: Final = {
    "function_call": "custom_tool_call",
    "function_call_output": "custom_tool_call_output",
}


@dataclass(frozen=True, slots=True)
class ResponsesBody:
    """The body that is sent, and the facts about the client's body that the reply needs."""

    sent: Json
    """The body for the responses endpoint."""
    include_usage: bool
    """Whether the client wants the usage at the end of its stream."""
    wants_encrypted: bool
    """Whether the client asks for encrypted reasoning, which it cannot get."""
    restored: frozenset[int]
    """The positions of items in `input` that came as calls of functions, but are of custom
    tools."""

    def client_path(self, param: str) -> str:
        """Return the client's path of a parameter that was sent."""
        found = _INPUT.match(param)
        if found is None or int(found[2]) not in self.restored:
            return param
        return f"{found[1]}.arguments{param[found.end() :]}"


def for_responses(body: Json) -> ResponsesBody:
    """Return a client's body as the responses endpoint takes it; `body` itself stays as it is.

    Nothing is checked.
    """
    sent = dict(body)
    sent.pop("messages", None)  # there are none
    include_usage = _take_usage(sent)
    if sent.get("store") is None:
        # Chat stores nothing by default, but responses store everything.
        sent["store"] = False
    wants_encrypted = _take_encrypted(sent)
    restored = _restore_custom(sent)
    _bound_ids(sent)
    return ResponsesBody(sent, include_usage, wants_encrypted, restored)


def _take_usage(sent: Json) -> bool:
    """Take `include_usage` out of the options; return whether it is wanted in a stream."""
    options = sent.get("stream_options")
    if not isinstance(options, dict) or "include_usage" not in options:
        return False
    others = {name: value for name, value in options.items() if name != "include_usage"}
    if others:
        sent["stream_options"] = others
    else:
        del sent["stream_options"]
    return options["include_usage"] is True and sent.get("stream") is True


def _take_encrypted(sent: Json) -> bool:
    include = sent.get("include")
    if not isinstance(include, list) or ENCRYPTED_REASONING not in include:
        return False
    others = [word for word in include if word != ENCRYPTED_REASONING]
    if others:
        sent["include"] = others
    else:
        del sent["include"]
    return True


def _restore_custom(sent: Json) -> frozenset[int]:
    """Turn calls of functions, and their outputs, into those of custom tools, by their names."""
    names = _custom_names(sent.get("tools"))
    items = sent.get("input")
    if not names or not isinstance(items, list):
        return frozenset()
    restored: dict[int, Json] = {}
    ids: set[object] = set()
    for position, item in enumerate(items):
        kind = item.get("type") if isinstance(item, dict) else None
        if kind == "function_call" and _text(item.get("name")) in names:
            restored[position] = _as_custom(item)
            ids.add(_text(item.get("call_id")))
        elif kind == "function_call_output" and _text(item.get("call_id")) in ids - {None}:
            restored[position] = {**_without(item, "id"), "type": _CUSTOM_OF[kind]}
    if restored:
        sent["input"] = [restored.get(position, item) for position, item in enumerate(items)]
    return frozenset(restored)


def _bound_ids(sent: Json) -> None:
    """Shorten call ids that are longer than OpenAI takes."""
    items = sent.get("input")
    if isinstance(items, list):
        sent["input"] = [with_bounded_id(item, "call_id") for item in items]


def _as_custom(item: Json) -> Json:
    """Return a function's call as a custom tool's, without its id, which has another prefix."""
    kept = _without(item, "arguments", "id")
    return {**kept, "type": _CUSTOM_OF["function_call"], "input": item.get("arguments")}


def _without(item: Json, *names: str) -> Json:
    return {name: value for name, value in item.items() if name not in names}


def _custom_names(tools: Any) -> frozenset[str]:
    return frozenset(
        tool["name"]
        for tool in (tools if isinstance(tools, list) else ())
        if isinstance(tool, dict)
        and tool.get("type") == "custom"
        and isinstance(tool.get("name"), str)
    )


def _text(value: object) -> str | None:
    """Return a text, or None for any other value, which might not be hashable."""
    return value if isinstance(value, str) else None
