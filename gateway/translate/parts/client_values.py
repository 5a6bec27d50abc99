"""Whether a client's request has the value that an upstream's error names, by its path."""

import re
from collections.abc import Sequence

from gateway.shapes import Json

_STEP = re.compile(r"\[([0-9]{1,6})\]|\.?([^.\[\]]+)")
_TOOL_FIELDS = {
    "function": frozenset({"name", "description", "parameters", "strict"}),
    "functions": frozenset({"name", "description", "parameters"}),
    "custom": frozenset({"name", "description", "format"}),
}
"""The fields of a tool by its kind; other kinds have only those that the client has sent."""


def value_at(client: Json, path: str) -> object:
    """Return the value at a path of a request: `messages[0].content`; None: there is none."""
    found: object = client
    for index, name in _STEP.findall(path):
        if isinstance(found, list) and index and int(index) < len(found):
            found = found[int(index)]
        elif isinstance(found, dict):
            found = found.get(name)
        else:
            return None
    return found


def has(client: Json, path: str) -> bool:
    """Whether a request has a value at a path, other than null."""
    return value_at(client, path) is not None


def below(client: Json, path: str, rest: str, within: Sequence[str] = ()) -> str | None:
    """Return the path of a field that the client has at `path`, or in an object `within` that.

    `rest` is the field with what is below it: `.zzz`, `.zzz[0].a`. None: the client has none.
    """
    field = re.match(r"\.\w+", rest)
    for holder in (path, *(f"{path}.{name}" for name in within)):
        if field is not None and has(client, holder + field[0]):
            return holder + rest
    return None


def below_tool(client: Json, path: str, kind: str, rest: str) -> str:
    """Return the path of a field of a tool of a kind, which is declared at `path`.

    A field that the client cannot have there was made from the tool, so the tool itself is named.
    In chat the fields of a kind are in an object of its name, other fields beside that object.
    """
    outer = path.removesuffix(f".{kind}")
    known = below(client, path, rest) or below(client, outer, rest)
    if known is not None:
        return known
    field = rest.removeprefix(".").partition(".")[0]
    return path + rest if field in _TOOL_FIELDS.get(kind, ()) else path


def chat_tool_kind(path: str) -> str:
    """Return the kind of a chat client's tool, for `below_tool`: `functions` of the old list."""
    return "functions" if path.startswith("functions[") else path.rpartition(".")[2]


def responses_tool_kind(client: Json, path: str) -> str:
    """Return the kind of a responses client's tool, for `below_tool`."""
    tool = value_at(client, path)
    return str(tool.get("type")) if isinstance(tool, dict) else ""


def stop_path(stop: object, param: str) -> str | None:
    """Return the path of a stop sequence in the client's `stop`; None: it is not the client's.

    `param` is the upstream's path (`stop[1]`) in a list that has each of the client's stops once.
    """
    index = param.removeprefix("stop[").removesuffix("]")
    if stop is None or not (index.isdecimal() and len(index) < 6):
        return None if stop is None else "stop"
    mine = [stop] if isinstance(stop, str) else list(stop) if isinstance(stop, list) else []
    distinct = list(dict.fromkeys(mine))
    if int(index) >= len(distinct):
        return None
    return "stop" if isinstance(stop, str) else f"stop[{mine.index(distinct[int(index)])}]"
