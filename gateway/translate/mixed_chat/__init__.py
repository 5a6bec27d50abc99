"""Chat requests with parts of other shapes, and empty lists, as Cursor sends them.

Cursor writes tools as clients of responses do (`ApplyPatch`, with a grammar). For models with
Claude's names it writes tools, calls and results as clients of messages do. Each such part is
turned into chat's form. Calls of custom tools that were declared flat are returned as calls of
functions, with the bare text as arguments, because Cursor reads `function.name` of every call.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.errors import InvalidRequest
from gateway.shapes import Json, Shape
from gateway.translate.composed import Composed
from gateway.translate.contract import Context, Report, StreamTranslation, Translation
from gateway.translate.mixed_chat.calls import as_functions, chunk_as_functions
from gateway.translate.mixed_chat.messages import Messages, read_messages
from gateway.translate.mixed_chat.tools import (
    Tools,
    forms_in,
    is_for_one_call,
    read_choice,
    read_tools,
)
from gateway.translate.pair import PairTranslation

_INDEXED = re.compile(r"(messages|tools)\[([0-9]{1,6})\](.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reformed:
    """A chat request in which all parts are chat's, and the sources of its parts."""

    body: Json
    tools: Tools
    messages: Messages
    report: Report

    @property
    def calls(self) -> Sequence[Json]:
        """The one request body."""
        return (self.body,)

    def client_param(self, call: int, param: str | None) -> str | None:  # noqa: ARG002
        """Return the client's path of a parameter of the body that was sent."""
        found = _INDEXED.fullmatch(param or "")
        if found is None:
            return param
        read = self.tools if found[1] == "tools" else self.messages
        return read.client_path(int(found[2]), found[3])


def reformed(body: Json) -> Reformed | None:
    """Return a chat request in which all parts are chat's; None: they are already.

    `body` is not changed, nor checked.
    """
    tools, given = read_tools(body.get("tools")), body.get("messages")
    messages = read_messages(given if isinstance(given, list) else [], tools.custom)
    report = Report(Shape.CHAT, Shape.CHAT)
    changed = dict(body)
    for form in forms_in(tools.forms):
        changed["tools"] = tools.sent
        report.change("tools", form, Shape.CHAT)
    choice, form = read_choice(body.get("tool_choice"))
    if form:
        changed["tool_choice"] = choice
        report.change("tool_choice", form, Shape.CHAT)
        if is_for_one_call(body["tool_choice"]) and body.get("parallel_tool_calls") is None:
            changed["parallel_tool_calls"] = False
    if messages.has_blocks:
        report.change("messages", Shape.MESSAGES, Shape.CHAT)
    if isinstance(given, list) and messages.sent != given:
        changed["messages"] = messages.sent
    for path in (*tools.dropped, *messages.dropped):
        report.drop(path)
    for path in messages.emulated:
        report.emulate(path)
    return Reformed(changed, tools, messages, report) if changed != body else None


def translate(
    inner: Callable[[Json, Context], Translation], request: Reformed, context: Context, home: Shape
) -> Translation:
    """Translate a reformed request; `inner` translates chat requests.

    Raises `InvalidRequest` and its kinds, naming the client's parameter.
    """
    try:
        translation = inner(request.body, context)
    except InvalidRequest as error:
        raise error.renamed(request.client_param(0, error.param)) from None
    outer = PairTranslation(request, context, request.report, _fold, _Stream)
    return Composed(outer, [translation], home)


def _fold(replies: Sequence[Json], request: Reformed, context: Context) -> Json:  # noqa: ARG001
    return as_functions(replies[0]) if request.tools.custom else replies[0]


class _Stream(StreamTranslation):
    """Passes chunks on, with calls of custom tools as calls of functions."""

    def __init__(self, request: Reformed, context: Context) -> None:  # noqa: ARG002
        self._has_custom = bool(request.tools.custom)

    def feed(self, call: int, event: Json) -> list[Json]:  # noqa: ARG002
        return [chunk_as_functions(event) if self._has_custom else event]

    def end(self, call: int) -> list[Json]:  # noqa: ARG002
        return []
