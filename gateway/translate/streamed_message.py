"""One chat message put together from the deltas of a stream."""

import json
from collections.abc import Mapping
from typing import Any

from gateway.shapes import Json
from gateway.translate.sources import OF_A_MESSAGE, add_sources

_SAID_ONCE = frozenset({"role", "phase"})
"""Strings that are no pieces of a text."""
_TEXTS = frozenset({"arguments", "data", "input", "transcript"})
"""Those that are, in a call and in `audio`."""


def add_delta(message: Json, delta: Mapping[str, Any]) -> None:
    """Add a delta to the message so far: texts go on, tool calls by their index, lists grow."""
    for name, value in delta.items():
        if name == "tool_calls" and isinstance(value, list):
            calls = message.setdefault(name, [])
            for fragment in value:
                if isinstance(fragment, dict):
                    _add_call(calls, fragment)
        elif isinstance(value, dict):
            _join(message.setdefault(name, {}), value)
        elif name in OF_A_MESSAGE:
            add_sources(message, {name: value} if value else {})
        elif value is not None:
            before = None if name in _SAID_ONCE else message.get(name)
            message[name] = _and(before, value)


def without_indexes(message: Json) -> Json:
    """Return the message without the indexes of its calls, which whole messages do not have."""
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return message
    return {**message, "tool_calls": [_without_index(call) for call in calls]}


def _without_index(call: Any) -> Any:
    return {k: v for k, v in call.items() if k != "index"} if isinstance(call, dict) else call


def _join(known: Json, more: Mapping[str, Any]) -> None:
    """Add a piece of a `function_call`, or of `audio`: the texts of both go on."""
    for name, value in more.items():
        if name in _TEXTS:
            known[name] = _and(known.get(name), value)
        else:
            known[name] = value or known.get(name)


def _and(before: Any, value: Any) -> Any:
    goes_on = isinstance(value, str | list) and type(before) is type(value)
    return before + value if goes_on else value


def _add_call(calls: list[Json], fragment: Json) -> None:
    index = fragment.get("index", calls[-1]["index"] if calls else 0)
    known = next((call for call in reversed(calls) if call.get("index") == index), None)
    if known is None or _is_another(known, fragment):
        calls.append({**fragment, "index": index, **_copied(fragment)})
        return
    for name, value in fragment.items():
        if isinstance(known.get(name), dict) and isinstance(value, dict):
            _join(known[name], value)
        else:
            known[name] = known.get(name) or value


def _copied(fragment: Json) -> Json:
    return {name: dict(value) for name, value in fragment.items() if isinstance(value, dict)}


def _is_another(known: Json, fragment: Json) -> bool:
    """Whether a fragment begins another call at an index that servers give to all of them."""
    was, now = known.get("function") or {}, fragment.get("function") or {}
    new_id = bool(fragment.get("id") and known.get("id") and fragment["id"] != known["id"])
    new_name = bool(now.get("name") and was.get("name"))
    if new_name and (new_id or now["name"] != was["name"]):
        return True
    return bool(new_name or now.get("arguments")) and _is_whole(was.get("arguments"))


def _is_whole(arguments: object) -> bool:
    if not isinstance(arguments, str):
        return False
    try:
        json.loads(arguments)
    except ValueError:
        return False
    return True
