"""The tool calls of one response as deltas of a chat message.

A client gets a call's id and name once, before or with its first text. Indexes count from 0 in the
order of appearance, independent of positions among the output items.
"""

from dataclasses import dataclass, field
from typing import Literal

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.call_text import CallText
from gateway.translate.chat_via_responses.tools import ToolPlan
from gateway.translate.contract import Context, Report
from gateway.translate.parts.tools.call_faults import check_arguments
from gateway.translate.parts.tools.calls import arguments_text, minted_call_id
from gateway.translate.parts.tools.custom import NATIVE, input_is_all, unwrapped_input
from gateway.translate.parts.upstream_errors import nameless_call

MAX_CALL_CHARACTERS = 32 * 1024 * 1024
"""The most characters of all calls of a response, which are kept to compare them with its end."""


@dataclass(slots=True, eq=False)
class Call:
    """One call as far as it has come."""

    kind: Literal["function", "custom"] = "function"
    """The kind of the call at the upstream."""
    name: str = ""
    upstream_id: str = ""
    longer_names: frozenset[str] = frozenset()
    """The tools whose names begin with the name so far, unless that is a tool's name itself."""
    index: int | None = None
    """The position of the call in the client's list; None: the client does not have it yet."""
    text: CallText = field(default_factory=CallText)

    def describe(self, source: Json, tools: frozenset[str]) -> None:
        """Take the name, the id and the type of the call from an item or an event.

        `tools` are the names that the model can call: they show whether a name is only a piece.
        """
        name, call_id = source.get("name"), source.get("call_id")
        if isinstance(name, str) and name:
            self.name = (self.whole_name(name) or self.name) if self.name else name
            longer = () if self.name in tools else tools
            self.longer_names = frozenset(tool for tool in longer if tool.startswith(self.name))
        if isinstance(call_id, str) and not self.upstream_id:
            self.upstream_id = call_id
        if is_custom(source):
            self.kind = "custom"
            self.text.is_free = True

    def whole_name(self, name: str) -> str | None:
        """Return the name with another piece of it, or in a longer form; None: `name` differs."""
        for tool in self.longer_names:
            if tool.startswith(self.name + name):
                return self.name + name
            if tool.startswith(name) and name.startswith(self.name):
                return name
        return None


class CallsFold:
    """Turns the calls of a response into deltas of a chat message."""

    def __init__(self, plan: ToolPlan, context: Context, report: Report) -> None:
        self._plan = plan
        self._context = context
        self._report = report
        self._characters = 0
        self._ids: set[str] = set()
        self.count = 0
        """The number of calls that the client has, or would have."""

    def describe(self, call: Call, source: Json) -> None:
        """Take the name, the id and the type of a call from an item or an event."""
        call.describe(source, self._plan.names)

    def open(self, call: Call, text: object) -> list[Json]:
        """Take the text of a call's announcement; return the deltas to send."""
        call.text.open(arguments_text(text))
        return self._show(call)

    def add(self, call: Call, text: object) -> list[Json]:
        """Take the next text of a call; return the deltas to send.

        Raises `UpstreamError` if all calls together exceed the limit.
        """
        piece = arguments_text(text)
        self._characters += len(piece)
        if self._characters > MAX_CALL_CHARACTERS:
            raise UpstreamError(
                f"The upstream's response has tool calls of more than {MAX_CALL_CHARACTERS} "
                "characters. Limit it with a token limit."
            )
        call.text.go_on(piece)
        return self._show(call)

    def complete(self, call: Call, text: object, *, item_is_done: bool = True) -> list[Json]:
        """Take a text that should be a call's whole one; raises `UpstreamError` if it cannot be."""
        call.text.complete(arguments_text(text), item_is_done=item_is_done)
        if item_is_done:
            call.longer_names = frozenset()
        return self._show(call)

    def finish(self, call: Call, *, truncated: bool) -> list[Json]:
        """Take the end of the response; `truncated`: it was cut short.

        Raises `UpstreamError` if a call has no name, or the arguments of several calls.
        """
        if not call.name:
            raise nameless_call()
        call.longer_names = frozenset()
        call.text.end(truncated=truncated)
        others = call.text.other_calls(truncated=truncated)
        if not truncated:
            self._check(call)
        deltas = self._show(call, has_ended=True)
        for text in others:
            other = Call(call.kind, call.name)
            other.text.complete(text, item_is_done=True)
            other.text.end(truncated=truncated)
            if not truncated:
                self._check(other)
            deltas += self._show(other, has_ended=True)
        return deltas

    def _check(self, call: Call) -> None:
        """Raise `UpstreamError` for arguments of several calls, or of half a call."""
        if not call.text.is_free and not call.text.is_whole:
            check_arguments(call.name, call.text.text, wrapped=self._is_wrapped(call))

    def _is_wrapped(self, call: Call) -> bool:
        return call.kind == "function" and call.name in self._plan.wrapped

    def _show(self, call: Call, *, has_ended: bool = False) -> list[Json]:
        if not call.name or call.longer_names:
            return []
        text, more = "", {}
        if not self._is_wrapped(call):
            text = call.text.next_text()
        elif has_ended or (call.text.settled and call.text.is_whole):
            # Text that is not JSON may be incomplete until the response ends.
            text = call.text.next_text()
            more = {} if input_is_all(text) else {NATIVE: text}
            text = text and unwrapped_input(text)
        if call.index is None:
            call.index, self.count = self.count, self.count + 1
            return self._delta(call, text, more, first=True)
        return self._delta(call, text, more, first=False) if text or more else []

    def _delta(self, call: Call, text: str, more: Json, *, first: bool) -> list[Json]:
        if self._plan.legacy:
            if call.index:
                # A `function_call` holds a single call.
                self._report.drop("tool_calls")
                return []
            named = {"name": call.name} if first else {}
            return [{"function_call": {**named, "arguments": text}}]
        custom = self._plan.has_custom and (call.kind == "custom" or self._is_wrapped(call))
        kind, field = ("custom", "input") if custom else ("function", "arguments")
        shown: Json = {"index": call.index}
        if first:
            shown |= {"id": self._own_id(call), "type": kind}
        shown[kind] = {"name": call.name, field: text} if first else {field: text}
        shown[kind] |= more if custom else {}
        return [{"tool_calls": [shown]}]

    def _own_id(self, call: Call) -> str:
        """Return the id of a call: the upstream's, unless there is none or another call has it."""
        known = call.upstream_id
        own = minted_call_id(self._context) if not known or known in self._ids else known
        self._ids.add(own)
        return own


def is_custom(item: Json) -> bool:
    """Whether an output item is a call of a custom tool."""
    kind = item.get("type")
    return kind == "custom_tool_call" or (not kind and "input" in item)


def call_text(item: Json) -> object:
    """Return the arguments or the input of a call."""
    return item.get("input" if is_custom(item) else "arguments")
