"""Tools are sent under names that the endpoint takes; replies have the client's names again.

The request is renamed before it is translated, and the reply after that: a pair of shapes sees one
name of each tool throughout.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gateway.errors import GatewayError
from gateway.shapes import Json, Shape
from gateway.translate.composed import Translate
from gateway.translate.contract import Context, Report, StreamTranslation, Translation
from gateway.translate.parts.to_messages.tool_names import safe_tool_name
from gateway.translate.wrapped import WrappedStream, WrappedTranslation

_KINDS = ("function", "custom")
_CALLS = ("function_call", "custom_tool_call")
_PART_ENDS = re.compile(r"[.\[]")


def with_safe_names(client: Shape, translate: Translate) -> Translate:
    """Return a translation to messages whose tools have names that Anthropic takes."""
    rename = {Shape.CHAT: _chat, Shape.RESPONSES: _responses}[client]

    def translated(body: Json, context: Context) -> Translation:
        renames = _Renames()
        renamed = rename(body, renames)
        translation = translate(renamed, context)
        return RenamedTools(translation, renames) if renames.names else translation

    return translated


class _Renames:
    """The tools of a request that are sent under other names."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        """The client's name of each tool, by the name sent."""
        self.paths: dict[str, list[str]] = {}
        """The paths of each tool's name in the client's request, by the name sent."""

    def with_safe_name(self, given: Any, path: str) -> Any:
        """Return an object with a `name` that may be sent; without one, the object as it is."""
        name = given.get("name") if isinstance(given, dict) else None
        if not isinstance(name, str):
            return given
        sent = safe_tool_name(name)
        if sent == name:
            return given
        self.names[sent] = name
        self.paths.setdefault(sent, []).append(f"{path}.name")
        return {**given, "name": sent}

    def report(self, report: Report) -> None:
        """Report each tool once, at the first place of its name that is sent."""
        dropped = frozenset(report.dropped)
        for sent, paths in self.paths.items():
            path = next((each for each in paths if dropped.isdisjoint(_around(report, each))), None)
            if path is not None:
                report.change(path, self.names[sent], sent)


def _around(report: Report, path: str) -> Iterator[str]:
    """Yield the paths around a path, in the client's names: `a` and `a[0]` for `a[0].b`."""
    named = report.named(path)
    return (named[: end.start()] for end in _PART_ENDS.finditer(named))


class RenamedTools(WrappedTranslation):
    """The translation of a request whose tools are renamed (a `Translation`)."""

    def __init__(self, translation: Translation, renames: _Renames) -> None:
        super().__init__(translation)
        self._names = renames.names
        renames.report(self.report)

    def reply(self, replies: Sequence[Json]) -> Json:
        """Fold the replies; raises `UpstreamError`."""
        reply: Json = _as_named(self._translation.reply(replies), self._names)
        return reply

    def stream(self) -> StreamTranslation:
        """Return the stream folder."""
        return _RenamedStream(self._translation.stream(), self._names)


class _RenamedStream(WrappedStream):
    def __init__(self, stream: StreamTranslation, names: Mapping[str, str]) -> None:
        super().__init__(stream)
        self._names = names

    def feed(self, call: int, event: Json) -> list[Json]:
        return [_as_named(each, self._names) for each in self._stream.feed(call, event)]

    def end(self, call: int) -> list[Json]:
        return [_as_named(each, self._names) for each in self._stream.end(call)]

    def fail(self, error: GatewayError) -> list[Json]:
        return [_as_named(each, self._names) for each in self._stream.fail(error)]


def _as_named(value: Any, names: Mapping[str, str]) -> Any:
    """Return a part of a reply in which tools have the client's names."""
    if isinstance(value, list):
        return [_as_named(each, names) for each in value]
    if not isinstance(value, dict):
        return value
    renamed = {key: _as_named(inner, names) for key, inner in value.items()}
    name = value.get("name")
    if isinstance(name, str):
        renamed["name"] = names.get(name, name)
    return renamed


def _each(given: Any, path: str, rename: Callable[[Any, str], Any]) -> Any:
    """Return a list with its entries renamed; the value itself if nothing changes."""
    if not isinstance(given, list):
        return given
    renamed = [rename(each, f"{path}[{index}]") for index, each in enumerate(given)]
    return renamed if any(a is not b for a, b in zip(renamed, given, strict=True)) else given


def _with(given: Json, parts: Mapping[str, Any]) -> Json:
    """Return an object with other `parts`; the object itself if they are all the same."""
    others = {key: part for key, part in parts.items() if part is not given.get(key)}
    return {**given, **others} if others else given


def _chat(body: Json, renames: _Renames) -> Json:
    """Return a chat request in which tools have names that may be sent."""

    def tool(given: Any, path: str) -> Any:
        if not isinstance(given, dict):
            return given
        return _with(
            given,
            {kind: renames.with_safe_name(given.get(kind), f"{path}.{kind}") for kind in _KINDS},
        )

    def message(given: Any, path: str) -> Any:
        if not isinstance(given, dict):
            return given
        if given.get("role") == "function":
            return renames.with_safe_name(given, path)
        calls = _each(given.get("tool_calls"), f"{path}.tool_calls", tool)
        call = renames.with_safe_name(given.get("function_call"), f"{path}.function_call")
        return _with(given, {"tool_calls": calls, "function_call": call})

    renamed = {
        "tools": _each(body.get("tools"), "tools", tool),
        "functions": _each(body.get("functions"), "functions", renames.with_safe_name),
        "function_call": renames.with_safe_name(body.get("function_call"), "function_call"),
        "tool_choice": _choice(body.get("tool_choice"), tool),
        "messages": _each(body.get("messages"), "messages", message),
    }
    return _with(body, renamed)


def _choice(given: Any, tool: Callable[[Any, str], Any]) -> Any:
    """Return a choice of tools, one or several, with their names as they are sent."""
    if not isinstance(given, dict):
        return given
    path = "tool_choice"
    allowed = given.get("allowed_tools")
    if isinstance(allowed, dict):
        listed = _each(allowed.get("tools"), f"{path}.allowed_tools.tools", tool)
        return _with(given, {"allowed_tools": _with(allowed, {"tools": listed})})
    if isinstance(given.get("tools"), list):
        return _with(given, {"tools": _each(given["tools"], f"{path}.tools", tool)})
    return tool(given, path)


def _responses(body: Json, renames: _Renames) -> Json:
    """Return a responses request in which tools have names that may be sent.

    Tools of namespaces are not renamed here: their flat names may be sent anyway.
    """

    def tool(given: Any, path: str) -> Any:
        is_named = isinstance(given, dict) and given.get("type") in _KINDS
        return renames.with_safe_name(given, path) if is_named else given

    def item(given: Any, path: str) -> Any:
        if not isinstance(given, dict):
            return given
        if given.get("type") in _CALLS and given.get("namespace") is None:
            return renames.with_safe_name(given, path)
        return _with(given, {"tools": _each(given.get("tools"), f"{path}.tools", tool)})

    renamed = {
        "tools": _each(body.get("tools"), "tools", tool),
        "tool_choice": _choice(body.get("tool_choice"), tool),
        "input": _each(body.get("input"), "input", item),
    }
    return _with(body, renamed)
