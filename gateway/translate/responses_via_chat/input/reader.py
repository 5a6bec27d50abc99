"""Reads the items of a responses request into turns, one for each chat message.

Text, reasoning and parallel calls of the assistant make one message in chat. Two messages stay two
if the server takes several in a row. The outputs of calls directly follow the message with the
calls, as chat requires. Items between calls and outputs come after these, except the assistant's
text, which moves before the calls. Calls and outputs are matched by `call_id`, never by the `id` of
an item.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.parts.content.parts import AssistantTexts, assistant_texts
from gateway.translate.parts.tools.calls import (
    MAX_CALL_ID,
    NOTHING,
    bounded_call_id,
    call_id_from,
    chat_call,
)
from gateway.translate.parts.tools.custom import NATIVE, wrapped_input
from gateway.translate.responses_via_chat.compaction import REQUEST, TRIGGER, summary_of
from gateway.translate.responses_via_chat.deltas.reasoning_fields import STAND_INS
from gateway.translate.responses_via_chat.input.configured import UPDATE
from gateway.translate.responses_via_chat.input.content import (
    chat_content,
    system_text,
    tool_content,
)
from gateway.translate.responses_via_chat.input.returned import put_reasoning, returned_reasoning
from gateway.translate.responses_via_chat.input.signatures import Signatures
from gateway.translate.responses_via_chat.input.turn import (
    SYSTEM_ROLES,
    Call,
    Turn,
)
from gateway.translate.responses_via_chat.input.unsupported_items import (
    pass_over,
    pass_over_compaction,
    pass_over_foreign,
    pass_over_names,
    unknown_reference,
)
from gateway.translate.responses_via_chat.input.waiting_calls import WaitingCalls
from gateway.translate.responses_via_chat.tools.client_tools import CLIENT_CALLS, CLIENT_OUTPUTS
from gateway.translate.responses_via_chat.tools.definitions import ToolNames
from gateway.translate.schema.chat_messages import MESSAGES, TOOL_CALL
from gateway.translate.schema.responses_input import (
    ITEMS,
    MESSAGE,
    REASONING,
    is_record,
)
from gateway.translate.schema.unknown_fields import carry_unknown

_RESERVED = (
    frozenset().union(TOOL_CALL.names, *(message.names for message in MESSAGES.values())) - {"name"}
    | STAND_INS
)
"""Names that have a meaning in chat messages and calls, or in the gateway."""


_KNOWN = {**ITEMS, "message": MESSAGE}
_FUNCTION_FIELDS = {"name": "name", "arguments": "arguments"}
_CUSTOM_FIELDS = {"name": "name", "arguments": "input", "input": "input"}


class Reader:
    """Reads items in order; `_open` is the assistant message that the next item may extend."""

    def __init__(self, names: ToolNames, context: Context, report: Report) -> None:
        self.turns: list[Turn] = []
        self._names = names
        self._context = context
        self._report = report
        self._open: Turn | None = None
        self._waiting = WaitingCalls[Call]()
        self._signatures = Signatures()

    def instruct(self, text: str) -> None:
        """Add the `instructions` as the first message."""
        role = self._context.capabilities.system_role
        self.turns.append(Turn({"role": role, "content": text}, "instructions"))

    def read(self, item: Json, path: str) -> None:
        """Add one checked item."""
        read = self._readers.get(item["type"])
        if read is None or is_record(item):
            pass_over(item, path, self._context, self._report)
        else:
            read(self, item, path)

    def flush(self) -> None:
        """Close the open assistant message; drop one with only reasoning."""
        turn, self._open = self._open, None
        if turn is None:
            return
        if not turn.has_content:
            for path in turn.reasoning_paths:
                self._report.drop(path)
            return
        if turn.calls:
            turn.message["tool_calls"] = [call.tool_call for call in turn.calls]
        elif self.turns and self.turns[-1].waits and not turn.reasoning_paths:
            # After the outputs it would seem to be about them, and ask the model to continue.
            if turn.message["content"] or "refusal" in turn.message:
                self._report.change(turn.path, "behind a call", "before it")
            self.turns[-1].take_text(turn)
            return
        self.turns.append(turn)

    def finish(self) -> list[Turn]:
        """Close the open message; return all turns, reasoning placed as the server expects it."""
        self.flush()
        for path in self._signatures.left_over:
            self._report.drop(path)
        for turn in self.turns:
            put_reasoning(turn.message, self._context, self._report)
        return self.turns

    def _assistant(self, path: str) -> Turn:
        if self._open is None:
            self._open = Turn({"role": "assistant", "content": None}, path)
        return self._open

    def _message(self, item: Json, path: str) -> None:
        if "phase" in item:
            self._report.drop(f"{path}.phase")
        role = item["role"]
        if role == "assistant":
            self._assistant_content(item["content"], path)
            self._carry(item, path, self._assistant(path).message)
            return
        self.flush()
        if role == "developer" and not self._context.capabilities.developer_role:
            role = "system"
        content, place = item["content"], f"{path}.content"
        if not isinstance(content, str):
            content = chat_content(content, place, self._context, self._report)
        if role in SYSTEM_ROLES:
            content = system_text(content, place, self._report)
        turn = Turn({"role": role, "content": content}, path, text_path=path)
        self._carry(item, path, turn.message)
        self.turns.append(turn)

    def _carry(self, item: Json, path: str, target: Json | None) -> None:
        """Pass unknown fields of an item on to the chat message or call made from it."""
        known = _KNOWN[item["type"]]
        if not known.names.issuperset(item):
            carry_unknown(item, known, path, self._context, self._report, target, _RESERVED)

    def _assistant_content(self, content: str | list[Json], path: str) -> None:
        if isinstance(content, str):
            new = AssistantTexts([content], [])
        else:
            new = assistant_texts(content, f"{path}.content", self._context, self._report)
        in_a_row = self._context.capabilities.roles_in_a_row
        if self._open is not None and self._open.ends_before(new, in_a_row=in_a_row):
            self.flush()
        turn = self._assistant(path)
        turn.text_path = turn.text_path or path
        turn.add_text(new, in_parts=in_a_row)

    def _reasoning(self, item: Json, path: str) -> None:
        """Give the server its fields back, in the message and the calls that they belong to.

        Usually message and calls follow the item. An item with fields that the server sent late
        comes after them: it names a call without output, or has no text, or is marked as `goes_on`.
        """
        self._carry(item, path, None)
        for name in ("summary", "content"):
            for k, part in enumerate(item.get(name, ())):
                carry_unknown(part, REASONING, f"{path}.{name}[{k}]", self._context, self._report)
        back = returned_reasoning(item, path, self._context, self._report)
        turn = self._signatures.turn_of(back)
        if turn is None and (back.message or back.calls):
            in_a_row = self._context.capabilities.roles_in_a_row
            if self._open is not None and self._open.ends_before_reasoning(back, in_a_row=in_a_row):
                self.flush()
            turn = self._assistant(path)
        if turn is not None:
            turn.add_reasoning(back, path)
        if self._open is not None:
            self._open.goes_on = back.goes_on
        self._signatures.take(back, path)

    def _call(self, item: Json, path: str) -> None:
        name = item["name"]
        if "namespace" in item:
            name = self._names.flat(item["namespace"], name)
        if item["type"] == "function_call":
            given = item["arguments"]
            text = NOTHING if not given or given.isspace() else given
            call = chat_call("function", name, text, item["call_id"])
            self._add_call(item, path, call, _FUNCTION_FIELDS)
            return
        kind, text = "custom", item["input"]
        if not self._context.capabilities.custom_tools:
            kind, text = "function", item.get(NATIVE) or wrapped_input(text)
        elif NATIVE in item:
            self._report.drop(f"{path}.{NATIVE}")
        self._add_call(item, path, chat_call(kind, name, text, item["call_id"]), _CUSTOM_FIELDS)

    def _client_call(self, item: Json, path: str) -> None:
        tool = CLIENT_CALLS[item["type"]]
        if item.get("environment", {}).keys() - {"type"}:
            self._report.drop(f"{path}.environment")
        call = chat_call("function", tool.kind, tool.arguments(item), item.get("call_id", ""))
        self._add_call(item, path, call, {})

    def _add_call(self, item: Json, path: str, tool_call: Json, fields: Mapping[str, str]) -> None:
        if not 0 < len(tool_call["id"]) <= MAX_CALL_ID:
            tool_call["id"] = bounded_call_id(tool_call["id"]) or call_id_from(path)
        call = Call(tool_call, path, fields)
        turn = self._open or self._assistant(path)
        turn.calls.append(call)
        self._carry(item, path, tool_call)
        self._signatures.sign(item["call_id"] if "call_id" in item else tool_call["id"], turn, call)
        self._waiting.add(call, item)

    def _output(self, item: Json, path: str) -> None:
        call = self._call_of(item, path)
        pass_over_names(item, path, self._report)
        content = item["output"]
        if not isinstance(content, str):
            place = f"{path}.output"
            content = chat_content(content, place, self._context, self._report)
            if not isinstance(content, str):
                content = tool_content(content, call, place, self._context)
        self._set_output(call, content, item, path)

    def _client_output(self, item: Json, path: str) -> None:
        tool = CLIENT_OUTPUTS[item["type"]]
        call = self._call_of(item, path)
        if "max_output_length" in item:
            self._report.drop(f"{path}.max_output_length")
        self._set_output(call, tool.show(item, self._names.flat), item, path)

    def _call_of(self, item: Json, path: str) -> Call:
        """Return the call that an output belongs to."""
        self.flush()
        call = self._waiting.answered(item, path)
        self._signatures.close(call)
        return call

    def _set_output(self, call: Call, content: str | list[Json], item: Json, path: str) -> None:
        call_id = call.tool_call["id"]
        call.output = {"role": "tool", "tool_call_id": call_id, "content": content}
        self._carry(item, path, call.output)
        call.output_path = path

    def _compaction(self, item: Json, path: str) -> None:
        """Add the summary of a compaction that the gateway has made, as a user message."""
        summary = summary_of(item, self._context)
        if summary is None:
            pass_over_compaction(item, path, self._context, self._report)
            return
        self.flush()
        self.turns.append(Turn({"role": "user", "content": summary}, path))

    def _compact(self, item: Json, path: str) -> None:
        """Ask for a summary; raises `UnsupportedParameter` without a seal."""
        if self._context.seal is None:
            pass_over_foreign(item, path, self._context, self._report)
        self._report.emulate(path)
        self.flush()
        self.turns.append(Turn({"role": "user", "content": REQUEST}, path))

    def _reference(self, item: Json, path: str) -> None:
        raise unknown_reference(item, path)

    def _declaration(self, item: Json, path: str) -> None:
        """Add nothing for an item that only declares tools."""
        self._carry(item, path, None)

    def _passed(self, item: Json, path: str) -> None:
        """Add nothing for an item that is read elsewhere."""

    # On the class: bound methods in a table of the object would be a reference cycle, which keeps
    # the whole request in memory until the garbage collector runs.
    _readers: ClassVar[Mapping[str, Callable[["Reader", Json, str], None]]] = {
        "message": _message,
        "reasoning": _reasoning,
        "function_call": _call,
        "custom_tool_call": _call,
        "function_call_output": _output,
        "custom_tool_call_output": _output,
        **dict.fromkeys(CLIENT_CALLS, _client_call),
        **dict.fromkeys(CLIENT_OUTPUTS, _client_output),
        "additional_tools": _declaration,
        UPDATE: _passed,
        "item_reference": _reference,
        "compaction": _compaction,
        TRIGGER: _compact,
    }
