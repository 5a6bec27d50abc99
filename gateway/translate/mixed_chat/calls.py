"""Calls of custom tools in chat replies as calls of functions, with the bare text as arguments."""

from typing import Any

from gateway.shapes import Json


def as_functions(reply: Json) -> Json:
    """Return a whole reply in which all calls are calls of functions."""
    return _converted(reply, "message")


def chunk_as_functions(chunk: Json) -> Json:
    """Return a chunk of a stream in which all calls are calls of functions."""
    return _converted(chunk, "delta")


def _converted(reply: Json, holder: str) -> Json:
    choices = reply.get("choices")
    if not isinstance(choices, list):
        return reply
    return {**reply, "choices": [_choice(choice, holder) for choice in choices]}


def _choice(choice: Any, holder: str) -> Any:
    held = choice.get(holder) if isinstance(choice, dict) else None
    calls = held.get("tool_calls") if isinstance(held, dict) else None
    if not isinstance(held, dict) or not isinstance(calls, list):
        return choice
    return {**choice, holder: {**held, "tool_calls": [_call(call) for call in calls]}}


def _call(call: Any) -> Any:
    custom = call.get("custom") if isinstance(call, dict) else None
    if not isinstance(custom, dict):
        return call
    function = {("arguments" if name == "input" else name): value for name, value in custom.items()}
    kept = {name: value for name, value in call.items() if name != "custom"}
    kind = {"type": "function"} if "type" in call else {}
    return {**kept, **kind, "function": function}
