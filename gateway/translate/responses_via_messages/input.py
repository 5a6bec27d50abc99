"""The items of a responses request as the turns of a messages conversation.

Successive texts, reasoning and calls of the assistant make one turn, in their order. Calls and
outputs are matched by `call_id`, never by the `id` of an item.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.parts.messages.signatures import open_sealed
from gateway.translate.parts.to_messages.blocks import (
    cached,
    mark_last,
    responses_blocks,
    text_block,
)
from gateway.translate.parts.to_messages.calls import text_result, tool_result, tool_use
from gateway.translate.parts.to_messages.conversation import Block, Call, Turn
from gateway.translate.parts.to_messages.files import not_taken
from gateway.translate.parts.tools.call_faults import without_output
from gateway.translate.parts.tools.calls import call_id_from
from gateway.translate.parts.tools.custom import NATIVE, wrapped_input
from gateway.translate.responses_via_chat.compaction import REQUEST, TRIGGER, summary_of
from gateway.translate.responses_via_chat.input.configured import UPDATE
from gateway.translate.responses_via_chat.input.turn import SYSTEM_ROLES
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
from gateway.translate.schema.checks import Anything, Record
from gateway.translate.schema.responses_input import ITEMS, MESSAGE, is_record
from gateway.translate.schema.unknown_fields import carry_unknown

_THINKING = frozenset({"thinking", "redacted_thinking"})
_CALL_FIELDS = {
    given: {"name": "name", "input": given, "id": "call_id"} for given in ("arguments", "input")
}
_RESULT_FIELDS = {"tool_use_id": "call_id", "content": "output"}
_CALLS = frozenset({"function_call", "custom_tool_call"})


def _with_cache(known: Record) -> Record:
    return Record({"cache_control": Anything(), **known.fields})


_ITEMS: Mapping[str, Record] = {
    "message": _with_cache(MESSAGE),
    **{kind: _with_cache(known) for kind, known in ITEMS.items()},
}


def turns_of(client: Json, names: ToolNames, context: Context, report: Report) -> list[Turn]:
    """Return the turns that a checked responses request makes, in order.

    Raises `InvalidRequest` where calls and outputs do not match, and `UnsupportedParameter` for
    items that messages do not have, both naming `input[i]`.
    """
    reader = _Reader(names, context, report)
    if "instructions" in client:
        reader.say("system", text_block(client["instructions"], "instructions", ""), "instructions")
    given = client["input"]
    if isinstance(given, str):
        reader.say("user", text_block(given, "input", ""), "input")
    else:
        for position, item in enumerate(given):
            reader.read(item, f"input[{position}]")
    return reader.finish()


class _Reader:
    """Reads items in order; `_open` is the assistant's turn that the next item may extend."""

    def __init__(self, names: ToolNames, context: Context, report: Report) -> None:
        self._turns: list[Turn] = []
        self._names = names
        self._context = context
        self._report = report
        self._open: Turn | None = None
        self._waiting = WaitingCalls[Call]()

    def say(self, role: str, blocks: list[Block], path: str) -> None:
        """Add a turn that is not the assistant's."""
        self._open = None
        self._turns.append(Turn(role, path, blocks))

    def read(self, item: Json, path: str) -> None:
        """Add one checked item."""
        read = self._readers.get(item["type"])
        if read is None or is_record(item):
            pass_over(item, path, self._context, self._report)
        else:
            read(self, item, path)
            known = _ITEMS.get(item["type"])
            if known is not None and not known.names.issuperset(item):
                carry_unknown(item, known, path, self._context, self._report)

    def finish(self) -> list[Turn]:
        """Return all turns; raises `InvalidRequest` if a call has no output.

        A turn with nothing but thinking is left out.
        """
        for turn in self._turns:
            blocks = turn.blocks
            if blocks and all(block.sent["type"] in _THINKING for block in blocks):
                for block in turn.blocks:
                    self._report.drop(block.path)
                turn.blocks.clear()
            for call in turn.calls:
                if call.output is None:
                    raise without_output(call.block.sent["id"], call.block.path)
        return self._turns

    def _assistant(self, path: str) -> Turn:
        if self._open is None:
            self._open = Turn("assistant", path)
            self._turns.append(self._open)
        return self._open

    def _message(self, item: Json, path: str) -> None:
        if "phase" in item:
            self._report.drop(f"{path}.phase")
        place = f"{path}.content"
        blocks = responses_blocks(item["content"], place, self._context, self._report)
        mark_last(blocks, item)
        role = item["role"]
        if role == "assistant":
            self._assistant(path).blocks += blocks
            return
        if role in SYSTEM_ROLES:
            role = "system"
            self._check_texts(blocks)
        self.say(role, blocks, path)

    def _check_texts(self, blocks: list[Block]) -> None:
        for block in blocks:
            if block.sent["type"] != "text":
                raise not_taken(block.path, self._context, "text only in system messages")

    def _reasoning(self, item: Json, path: str) -> None:
        """Add thinking that this gateway has sealed for the server; drop other reasoning.

        Anthropic takes thinking only under its own signature.
        """
        sealed = item.get("encrypted_content")
        block = open_sealed(sealed, "", self._context) if sealed else None
        if block is None or block.get("type") not in _THINKING:
            self._report.drop(path)
            return
        self._assistant(path).blocks.append(Block(block, path))

    def _call(self, item: Json, path: str) -> None:
        name = item["name"]
        if "namespace" in item:
            name = self._names.flat(item["namespace"], name)
        if item["type"] == "custom_tool_call":
            given, text = "input", item.get(NATIVE) or wrapped_input(item["input"])
        else:
            given, text = "arguments", item["arguments"]
        self._add_call(item, path, name, text, _CALL_FIELDS[given])

    def _client_call(self, item: Json, path: str) -> None:
        tool = CLIENT_CALLS[item["type"]]
        if item.get("environment", {}).keys() - {"type"}:
            self._report.drop(f"{path}.environment")
        self._add_call(item, path, tool.kind, tool.arguments(item), {})

    def _add_call(
        self, item: Json, path: str, name: str, text: str, fields: Mapping[str, str]
    ) -> None:
        call_id = item.get("call_id") or call_id_from(path)
        param = f"{path}.{fields['input']}" if fields else path
        sent = tool_use(call_id, name, text, param, self._report)
        sent.update(cached(item))
        self._waiting.add(self._assistant(path).call(Block(sent, path, fields)), item)

    def _output(self, item: Json, path: str) -> None:
        pass_over_names(item, path, self._report)
        output, place = item["output"], f"{path}.output"
        if not isinstance(output, str):
            output = responses_blocks(output, place, self._context, self._report)
        self._set_output(item, path, output)

    def _client_output(self, item: Json, path: str) -> None:
        tool = CLIENT_OUTPUTS[item["type"]]
        if "max_output_length" in item:
            self._report.drop(f"{path}.max_output_length")
        text = tool.show(item, self._names.flat)
        self._set_output(item, path, text)

    def _set_output(self, item: Json, path: str, content: str | list[Block]) -> None:
        self._open = None
        call = self._waiting.answered(item, path)
        call_id: str = call.block.sent["id"]
        if isinstance(content, str):
            call.output = text_result(call_id, content, path, _RESULT_FIELDS)
        else:
            call.output = tool_result(call_id, content, path, _RESULT_FIELDS)
        call.output.sent |= cached(item)

    def _compaction(self, item: Json, path: str) -> None:
        """Add the summary of a compaction that the gateway has made, as a user message."""
        summary = summary_of(item, self._context)
        if summary is None:
            pass_over_compaction(item, path, self._context, self._report)
        else:
            self.say("user", text_block(summary, path, ""), path)

    def _compact(self, item: Json, path: str) -> None:
        """Ask for a summary; raises `UnsupportedParameter` without a seal."""
        if self._context.seal is None:
            pass_over_foreign(item, path, self._context, self._report)
        self._report.emulate(path)
        self.say("user", text_block(REQUEST, path, ""), path)

    def _reference(self, item: Json, path: str) -> None:
        raise unknown_reference(item, path)

    def _declaration(self, item: Json, path: str) -> None:
        """Add nothing for an item that only declares tools."""

    # On the class: a table of bound methods would be a reference cycle.
    _readers: ClassVar[Mapping[str, Callable[["_Reader", Json, str], None]]] = {
        "message": _message,
        "reasoning": _reasoning,
        **dict.fromkeys(_CALLS, _call),
        **dict.fromkeys((f"{kind}_output" for kind in _CALLS), _output),
        **dict.fromkeys(CLIENT_CALLS, _client_call),
        **dict.fromkeys(CLIENT_OUTPUTS, _client_output),
        "additional_tools": _declaration,
        UPDATE: _declaration,
        "item_reference": _reference,
        "compaction": _compaction,
        TRIGGER: _compact,
    }
