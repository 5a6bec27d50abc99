"""The `input` of a responses request as chat messages.

Items that chat has as one message become one: an assistant's text, its reasoning and all calls
that it made at once. The outputs of calls directly follow the message with
the calls, as chat demands; what stood between them comes after. Calls and outputs find each other
by `call_id`, never by an item's `id`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.parts.content import chat_input_parts, spoken
from gateway.translate.parts.tools import (
    bounded_call_id,
    call_id_from,
    chat_call,
    wrapped_input,
)
from gateway.translate.responses_via_chat.carried import (
    THINKING,
    merge,
    put_reasoning,
    returned,
)
from gateway.translate.responses_via_chat.client_tools import CLIENT_CALLS, CLIENT_OUTPUTS
from gateway.translate.responses_via_chat.compaction import REQUEST, TRIGGER, summary_of
from gateway.translate.responses_via_chat.passed_over import (
    pass_over_compaction,
    pass_over_foreign,
    pass_over_record,
    unknown_reference,
)
from gateway.translate.responses_via_chat.signatures import Signatures
from gateway.translate.responses_via_chat.tools import ToolNames
from gateway.translate.responses_via_chat.turn import (
    SYSTEM_ROLES,
    Call,
    Origin,
    Turn,
    one_leading_system,
    says_something,
    system_text,
    with_outputs,
)
from gateway.translate.schema.chat_messages import MESSAGES, TOOL_CALL
from gateway.translate.schema.responses_input import ITEMS, MESSAGE, is_record
from gateway.translate.schema.unknown_fields import carry_unknown

_RESERVED = frozenset().union(
    TOOL_CALL.fields.keys(), *(message.fields.keys() for message in MESSAGES.values())
) - {"name"} | {THINKING}
"""What means something in chat's messages and calls, or here; a name means the same everywhere."""

_SEE_NEXT = {"image_url": "[image: see next message]", "file": "[file: see next message]"}


def input_turns(
    client: Json, names: ToolNames, context: Context, report: Report
) -> list[tuple[Json, Origin]]:
    """Return the chat messages of a checked request, each with its origin.

    Raises `InvalidRequest` where calls and outputs do not match, and
    `UnsupportedParameter` for items that chat cannot express, both naming `input[i]`.
    """
    reader = _Reader(names, context, report)
    if "instructions" in client:
        reader.instruct(client["instructions"])
    given = client["input"]
    if isinstance(given, str):
        reader.turns.append(Turn({"role": "user", "content": given}, "input"))
    else:
        for position, item in enumerate(given):
            reader.read(item, f"input[{position}]")
    turns = reader.finish()
    if not context.capabilities.multi_system:
        turns = one_leading_system(turns)
    if not turns:
        raise InvalidRequest(
            "Invalid 'input': there is no message in it. Send at least one message.",
            param="input",
            code="empty_array",
        )
    return with_outputs(turns)


_FUNCTION_FIELDS = {"name": "name", "arguments": "arguments"}
_CUSTOM_FIELDS = {"name": "name", "arguments": "input", "input": "input"}
_NAMES = frozenset({"name", "namespace"})
"""Of an output: what its call has as well."""


class _Reader:
    """Reads items in order; `open` is the assistant's message that the next item may add to."""

    def __init__(self, names: ToolNames, context: Context, report: Report) -> None:
        self.turns: list[Turn] = []
        self._names = names
        self._context = context
        self._report = report
        self._open: Turn | None = None
        self._waiting: dict[str, list[Call]] = {}
        self._signatures = Signatures()

    def instruct(self, text: str) -> None:
        """Take the `instructions`: the first message."""
        able = self._context.capabilities
        role = "developer" if able.developer_role and able.reasoning else "system"
        self.turns.append(Turn({"role": role, "content": text}, "instructions"))

    def read(self, item: Json, path: str) -> None:
        """Take one checked item."""
        read = self._readers.get(item["type"])
        if is_record(item):
            pass_over_record(item, path, self._context, self._report)
        elif read is None:
            pass_over_foreign(item, path, self._context, self._report)
        else:
            read(self, item, path)

    def flush(self) -> None:
        """Close the open assistant's message; one that holds nothing but reasoning is none."""
        turn, self._open = self._open, None
        if turn is None:
            return
        if not says_something(turn):
            self._report.drop(turn.path)
            return
        if turn.calls:
            turn.message["tool_calls"] = [call.tool_call for call in turn.calls]
        self.turns.append(turn)

    def finish(self) -> list[Turn]:
        """Close what is open; return all turns, with the reasoning where the backend wants it."""
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
        if item["role"] == "assistant":
            self._speak(item["content"], path)
            self._carry(item, path, self._assistant(path).message)
            return
        self.flush()
        role = item["role"]
        if role == "developer" and not self._context.capabilities.developer_role:
            role = "system"
        content = self._content(item["content"], f"{path}.content")
        if role in SYSTEM_ROLES:
            content = system_text(content, f"{path}.content", self._report)
        turn = Turn({"role": role, "content": content}, path, said=path)
        self._carry(item, path, turn.message)
        self.turns.append(turn)

    def _carry(self, item: Json, path: str, target: Json | None) -> None:
        """Pass what nobody knows of an item on to what was made of it."""
        known = MESSAGE if item["type"] == "message" else ITEMS[item["type"]]
        if not item.keys() <= known.fields.keys():
            carry_unknown(item, known, path, self._context, self._report, target, _RESERVED)

    def _content(self, content: str | list[Json], path: str) -> str | list[Json]:
        if isinstance(content, str):
            return content
        parts = chat_input_parts(content, path, self._context, self._report)
        if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
            text: str = parts[0]["text"]
            return text
        return parts

    def _speak(self, content: str | list[Json], path: str) -> None:
        if self._open is not None and self._open.calls:
            self.flush()
        turn = self._assistant(path)
        turn.said = turn.said or path
        message = turn.message
        if isinstance(content, str):
            message["content"] = (message["content"] or "") + content
            return
        said = spoken(content, f"{path}.content", self._context, self._report)
        if said.text is not None or said.refusal is None:
            message["content"] = (message["content"] or "") + (said.text or "")
        if said.refusal is not None:
            message["refusal"] = message.get("refusal", "") + said.refusal

    def _reasoning(self, item: Json, path: str) -> None:
        """Give the backend back what is its own, in the message and the calls that it belongs to.

        Mostly these follow. What the backend said of them only later comes after them: then it
        names a call whose output is still to come, or has no reasoning of its own.
        """
        self._carry(item, path, None)
        back = returned(item, path, self._context, self._report)
        turn = self._signatures.turn_of(back)
        if turn is None and (back.message or back.calls):
            if back.has_text and self._open is not None and says_something(self._open):
                self.flush()
            turn = self._assistant(path)
        if turn is not None:
            turn.thought = turn.thought or path
            merge(turn.message, back.message)
        self._signatures.take(back, path)

    def _call(self, item: Json, path: str) -> None:
        custom = item["type"] == "custom_tool_call"
        name = self._names.flat(item.get("namespace"), item["name"])
        kind = "custom" if custom else "function"
        text = item["input"] if custom else item["arguments"]
        if custom and not self._context.capabilities.custom_tools:
            kind, text = "function", wrapped_input(text)
        fields = _CUSTOM_FIELDS if custom else _FUNCTION_FIELDS
        self._called(item, path, chat_call(kind, name, text, item["call_id"]), fields)

    def _client_call(self, item: Json, path: str) -> None:
        tool = CLIENT_CALLS[item["type"]]
        if item.get("environment", {}).keys() - {"type"}:
            self._report.drop(f"{path}.environment")
        call = chat_call("function", tool.kind, tool.arguments(item), item["call_id"])
        self._called(item, path, call, {})

    def _called(self, item: Json, path: str, tool_call: Json, fields: Mapping[str, str]) -> None:
        tool_call["id"] = bounded_call_id(tool_call["id"]) or call_id_from(path)
        call = Call(tool_call, path, fields)
        turn = self._assistant(path)
        turn.calls.append(call)
        self._carry(item, path, call.tool_call)
        self._signatures.sign(item["call_id"], turn, call)
        self._waiting.setdefault(item["call_id"], []).append(call)
        if item["type"] == "local_shell_call" and "id" in item:
            # By the description, its output names it by this one.
            self._waiting.setdefault(item["id"], []).append(call)

    def _output(self, item: Json, path: str) -> None:
        call = self._answered(item["call_id"], path)
        for name in _NAMES & item.keys():
            self._report.drop(f"{path}.{name}")
        content = self._content(item["output"], f"{path}.output")
        if not isinstance(content, str):
            content = self._tool_parts(content, call, f"{path}.output")
        self._answer(call, content, item, path)

    def _client_output(self, item: Json, path: str) -> None:
        tool = CLIENT_OUTPUTS[item["type"]]
        call = self._answered(str(item.get("call_id", item.get("id"))), path)
        if "max_output_length" in item:
            self._report.drop(f"{path}.max_output_length")
        self._answer(call, tool.show(item, self._names.flat), item, path)

    def _answered(self, call_id: str, path: str) -> Call:
        """Return the call that an output belongs to."""
        self.flush()
        waiting = [call for call in self._waiting.get(call_id, ()) if call.output is None]
        if not waiting:
            raise InvalidRequest(
                "No tool call found for function call output with call_id "
                f"{call_id[:100]}. Send the call's item before its output.",
                param=path,
                code="invalid_value",
            )
        self._signatures.close(call_id)
        return waiting[0]

    def _answer(self, call: Call, content: str | list[Json], item: Json, path: str) -> None:
        call_id = call.tool_call["id"]
        call.output = {"role": "tool", "tool_call_id": call_id, "content": content}
        self._carry(item, path, call.output)
        call.output_path = path

    def _tool_parts(self, parts: Sequence[Json], call: Call, path: str) -> list[Json]:
        """Return the parts that a tool's message can hold; the others become attachments."""
        kept: list[Json] = []
        for position, part in enumerate(parts):
            takes_image = self._context.capabilities.tool_image_parts
            if part["type"] == "text" or (part["type"] == "image_url" and takes_image):
                kept.append(part)
            else:
                kept.append({"type": "text", "text": _SEE_NEXT[part["type"]]})
                call.attachments.append((part, f"{path}[{position}]"))
        return kept

    def _compaction(self, item: Json, path: str) -> None:
        """Tell the backend the summary that the item stands for, if the gateway has made it."""
        summary = summary_of(item, self._context)
        if summary is None:
            pass_over_compaction(item, path, self._context, self._report)
            return
        self.flush()
        self.turns.append(Turn({"role": "user", "content": summary}, path))

    def _compact(self, item: Json, path: str) -> None:
        """Ask for a summary; raises where nothing can be sealed."""
        if self._context.seal is None:
            pass_over_foreign(item, path, self._context, self._report)
        self._report.emulate(path)
        self.flush()
        self.turns.append(Turn({"role": "user", "content": REQUEST}, path))

    def _reference(self, item: Json, path: str) -> None:
        raise unknown_reference(item, path)

    def _no_message(self, item: Json, path: str) -> None:
        """Pass over an item that only declares tools."""
        self._carry(item, path, None)

    # Of the class: an object with its own methods in a table refers to itself, and would live,
    # with the whole request, until the garbage collector comes.
    _readers: ClassVar[Mapping[str, Callable[["_Reader", Json, str], None]]] = {
        "message": _message,
        "reasoning": _reasoning,
        "function_call": _call,
        "custom_tool_call": _call,
        "function_call_output": _output,
        "custom_tool_call_output": _output,
        **dict.fromkeys(CLIENT_CALLS, _client_call),
        **dict.fromkeys(CLIENT_OUTPUTS, _client_output),
        "additional_tools": _no_message,
        "item_reference": _reference,
        "compaction": _compaction,
        TRIGGER: _compact,
    }
