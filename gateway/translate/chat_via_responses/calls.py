"""The tool calls of one response as what a chat client is told of them, piece by piece.

A client gets a call's id and name once, before or with its first text; its indexes count up from
0 in the order of appearance, whatever the positions among the output items were.
"""

from dataclasses import dataclass
from typing import Literal

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.chat_via_responses.tools import ToolPlan
from gateway.translate.contract import Context
from gateway.translate.tool_shapes import arguments_text, minted_call_id, unwrapped_input


@dataclass(slots=True, eq=False)
class Call:
    """One call, as far as it is known."""

    kind: Literal["function", "custom"] = "function"
    """What the upstream calls it."""
    name: str = ""
    upstream_id: str = ""
    index: int | None = None
    """The position that the client was told; None: it does not know of the call yet."""
    began: bool = False
    """Whether any text of it has come."""
    held: str = ""
    """Text that the client has not got: the name is not known, or the text is still wrapped."""
    complete: bool = False


class CallsFold:
    """Turns what becomes known of the calls into the deltas of a chat message."""

    def __init__(self, plan: ToolPlan, context: Context) -> None:
        self._plan = plan
        self._context = context
        self.count = 0
        """How many calls the client has been told of, or would have been."""

    def describe(self, call: Call, source: Json) -> None:
        """Take name, id and type from an item or an event that has them."""
        name, call_id = source.get("name"), source.get("call_id")
        if isinstance(name, str) and not call.name:
            call.name = name
        if isinstance(call_id, str) and not call.upstream_id:
            call.upstream_id = call_id
        if source.get("type") == "custom_tool_call":
            call.kind = "custom"

    def add(self, call: Call, text: str) -> list[Json]:
        """Take the next text of a call; return the deltas to send."""
        if text and not call.complete:
            call.began = True
            call.held += text
        return self._show(call)

    def complete(self, call: Call, text: object = None) -> list[Json]:
        """Take the end of a call; `text` is all of it, needed where no piece of it came before."""
        if call.complete:
            return []
        if not call.began:
            call.held = arguments_text(text)
        call.complete = True
        if self._is_wrapped(call):
            call.held = unwrapped_input(call.held)
        return self._show(call)

    def finish(self, call: Call) -> list[Json]:
        """Take the end of the response; raises `UpstreamError` if a call has no name."""
        deltas = self.complete(call)
        if not call.name:
            raise UpstreamError("The upstream's reply has a tool call without a name.")
        return deltas

    def _is_wrapped(self, call: Call) -> bool:
        return call.kind == "function" and call.name in self._plan.wrapped

    def _show(self, call: Call) -> list[Json]:
        if not call.name:
            return []
        text = ""
        if call.complete or not self._is_wrapped(call):
            text, call.held = call.held, ""
        if call.index is None:
            call.index, self.count = self.count, self.count + 1
            return self._delta(call, text, first=True)
        return self._delta(call, text, first=False) if text else []

    def _delta(self, call: Call, text: str, *, first: bool) -> list[Json]:
        if self._plan.legacy:
            if call.index:
                # A `function_call` holds one call only.
                return []
            named = {"name": call.name} if first else {}
            return [{"function_call": {**named, "arguments": text}}]
        custom = self._plan.has_custom and (call.kind == "custom" or self._is_wrapped(call))
        kind, field = ("custom", "input") if custom else ("function", "arguments")
        shown: Json = {"index": call.index}
        if first:
            shown |= {"id": call.upstream_id or minted_call_id(self._context), "type": kind}
        shown[kind] = {"name": call.name, field: text} if first else {field: text}
        return [{"tool_calls": [shown]}]
