"""Hints in the parts of a messages body: agents send them to any server, and some refuse them.

Some are marks of what to cache, or newer fields of these (Vertex AI: sub2api#225,
jetbrains-cc-gui#844). Others say of tools how the arguments of a call are streamed (Copilot:
copilot-api#261), which tools are loaded at once (Bedrock: claude-code#82549), who may call them,
and with what examples. They are left out of tools for other endpoints, too.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Final

from gateway.shapes import Json

CACHE: Final = "cache_control"
"""Anthropic's mark of what to cache: in messages, their parts and tools, at relays also of chat."""
_OF_TOOLS = "eager_input_streaming|defer_loading|input_examples|allowed_callers"
_PLACES: tuple[str, ...] = ("system", "tools", "messages")
_REFUSED = re.compile(
    rf"(system|tools|messages)\[\d{{1,6}}\]([\w.\[\]]{{0,200}}?)\."
    rf"(?:({CACHE})(?:\.ephemeral)?(?:\.(scope|ttl))?|({_OF_TOOLS}))\Z"
)
_WORD = re.compile(r"\.([a-z_]{1,50})")
_NAME = re.compile(
    rf"{CACHE}\.(scope|ttl)|"
    rf"(system|tools|messages)\[\]\.({CACHE}|{_OF_TOOLS})|"
    rf"content\[(\w{{1,50}})\]\.{CACHE}"
)
_DEPTH = 4


def refused_hint(param: str) -> str | None:
    """Return the name of the hint that a parameter's path leads to; None: it is no hint.

    A mark is called by its place (`tools[].cache_control`) or by the type of its block
    (`content[text].cache_control`), a field of marks in one way for all (`cache_control.ttl`).
    """
    found = _REFUSED.match(param)
    if found is None:
        return None
    place, path, mark, part, of_tool = found.groups()
    if part is not None:
        return f"{CACHE}.{part}"
    if mark is None:
        return f"tools[].{of_tool}" if place == "tools" else None
    kind = (_WORD.findall(path) or ["content"])[-1] if place == "messages" else "content"
    return f"{place}[].{mark}" if kind == "content" else f"content[{kind}].{mark}"


def is_hint(name: str) -> bool:
    """Whether a fix of this name leaves out a hint."""
    return _NAME.fullmatch(name) is not None


def strip_hint(body: Json, name: str) -> bool:
    """Leave a hint out of a messages body, in copies of its parts; return whether it is a hint."""
    found = _NAME.fullmatch(name)
    if found is None:
        return False
    part, place, field, kind = found.groups()
    if part is not None:
        places, change = _PLACES, partial(_without_part, part=part)
        body.update(change(body))
    else:
        places = (place or "messages",)
        change = partial(_without, field=field or CACHE, kind=kind)
    for each in places:
        if isinstance(body.get(each), list):
            body[each] = _changed(body[each], change)
    return True


def _changed(value: object, change: Callable[[Json], Json], depth: int = _DEPTH) -> object:
    """Return blocks, tools or messages with each of them changed, and the blocks within them."""
    if isinstance(value, list):
        return [_changed(each, change, depth) for each in value]
    if not isinstance(value, dict) or not depth:
        return value
    changed = change(value)
    if isinstance(value.get("content"), list):
        changed["content"] = _changed(value["content"], change, depth - 1)
    return changed


def _without(block: Json, field: str, kind: str | None) -> Json:
    is_meant = kind is None or block.get("type") == kind
    return {name: value for name, value in block.items() if name != field or not is_meant}


def _without_part(block: Json, part: str) -> Json:
    mark = block.get(CACHE)
    if not isinstance(mark, dict):
        return dict(block)
    return {**block, CACHE: {name: value for name, value in mark.items() if name != part}}
