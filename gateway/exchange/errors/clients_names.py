"""Puts the client's own ids of calls and names of tools into errors of upstreams that got others.

An id or a name that an endpoint does not take is sent under another one, mostly with a hash in it.
If an error seems to have such a name, the client's is worked out again from its request.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from gateway.errors import GatewayError, InvalidRequest, UpstreamError
from gateway.exchange.bodies.request_fields import read_object
from gateway.exchange.bodies.unreadable_body import nested_too_deeply
from gateway.resolve.refusals.history.earlier_blocks import safe_use_id
from gateway.resolve.refusals.history.earlier_calls import short_id
from gateway.shapes import Json
from gateway.translate.parts.from_messages.tool_names import sent_name
from gateway.translate.parts.to_messages.conversation import repeated_id, safe_tool_id
from gateway.translate.parts.to_messages.tool_names import safe_tool_name
from gateway.translate.parts.tools.calls import bounded_call_id
from gateway.translate.parts.tools.namespaces import FlatNames

_SEEMS_MADE = re.compile(
    r"(?:call|toolu)_[0-9a-f]{32}|(?<!\w)[0-9a-f]{9}(?!\w)|_[0-9a-f]{8}(?!\w)|__"
)
"""A part that nearly every name made by the gateway has."""
_IDS = ("id", "call_id", "tool_call_id", "tool_use_id")
_MOST_REPEATED = 100


def in_clients_names(error: GatewayError | RecursionError, body: bytes) -> GatewayError:
    """Return an upstream's error with the names in the client's request, `body`.

    A `RecursionError` stands for a body that was decoded, but is nested too deeply to be worked on.
    """
    if isinstance(error, RecursionError):
        return nested_too_deeply()
    if isinstance(error, UpstreamError) and _SEEMS_MADE.search(error.message):
        # What is sent as it came may be more than can be read here.
        with suppress(InvalidRequest, RecursionError):
            error.message = _renamed(error.message, _names_by_sent(read_object(body)))
    return error


def _renamed(text: str, names: Mapping[str, str]) -> str:
    found = [sent for sent in names if sent in text]
    if not found:
        return text
    known = "|".join(map(re.escape, sorted(found, key=len, reverse=True)))
    return re.sub(rf"(?<![\w-])(?:{known})(?![\w-])", lambda match: names[match[0]], text)


def _names_by_sent(body: Json) -> dict[str, str]:
    """Return the client's names, by the different names under which they may have been sent.

    A name that the client itself uses is never replaced by another.
    """
    ids: Counter[str] = Counter()
    own: set[str] = set()
    names: dict[str, str] = {}
    for each in _objects(body):
        ids.update(given for key in _IDS if isinstance(given := each.get(key), str))
        if isinstance(name := each.get("name"), str):
            own.add(name)
            names |= {sent_name(name): name, safe_tool_name(name): name}
        names |= _namespaced(each)
    for call_id, times in ids.items():
        names |= dict.fromkeys(_sent_ids(call_id, times), call_id)
    return {sent: name for sent, name in names.items() if sent not in own and sent not in ids}


def _objects(body: Json) -> Iterator[Json]:
    """Yield all objects in a JSON value."""
    left: list[Any] = [body]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            yield value
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)


def _sent_ids(call_id: str, times: int) -> Iterator[str]:
    """Yield the ids under which a call's id, which occurs `times` times, may have been sent."""
    safe = safe_tool_id(call_id)
    yield from (bounded_call_id(call_id), safe, short_id(call_id), safe_use_id(call_id))
    for occurrence in range(2, min(times, _MOST_REPEATED) + 1):
        yield from (repeated_id(safe, occurrence), safe_use_id(call_id, occurrence))


def _namespaced(each: Json) -> dict[str, str]:
    """Return the names of a namespace's tools, or of a call of one, by their flat names."""
    space: object = each.get("namespace")
    members: list[object] = [each]
    if each.get("type") == "namespace" and isinstance(each.get("tools"), list):
        space, members = each.get("name"), each["tools"]
    if not isinstance(space, str):
        return {}
    inner = [tool["name"] for tool in members if isinstance(tool, dict) and "name" in tool]
    flat = FlatNames().flat
    return {flat(space, name): f"{space}.{name}" for name in inner if isinstance(name, str)}
