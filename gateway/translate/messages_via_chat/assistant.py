"""A turn of the assistant as one chat message."""

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.parts.from_messages.blocks.assistant import AssistantReader
from gateway.translate.parts.from_messages.blocks.calls import arguments_of, report_unsent
from gateway.translate.parts.from_messages.blocks.content import BlockReader
from gateway.translate.parts.from_messages.blocks.forms import CHAT
from gateway.translate.parts.from_messages.blocks.thinking import report_signature, thought_in
from gateway.translate.parts.from_messages.tool_names import sent_name
from gateway.translate.parts.from_messages.turns import Block
from gateway.translate.parts.tools.calls import bounded_call_id, chat_call
from gateway.translate.responses_via_chat.deltas.reasoning_fields import TEXT_FIELDS, merge
from gateway.translate.responses_via_chat.input.returned import put_reasoning


class AssistantTurn(AssistantReader):
    """Puts the blocks of one turn into a message."""

    def __init__(self, context: Context, report: Report, reader: BlockReader) -> None:
        super().__init__(context, report, reader)
        self.text_paths: list[str] = []
        self.call_paths: list[str] = []
        self.thought_paths: list[str] = []
        """The client's paths of the blocks of texts, of calls, and of thinking."""
        self._texts: list[str] = []
        self._calls: dict[str, Json] = {}
        self._reasoning: Json = {}
        self._fields_of_calls: dict[str, Json] = {}
        """The fields that the server wants back with each call, by the client's id of the call."""
        self._goes_on = False
        """Whether the next text continues the last one."""

    def message(self) -> Json | None:
        """Return the message; None: nothing of the turn is sent.

        No server takes a message of reasoning alone: it is dropped.
        """
        if not self._texts and not self._calls:
            for path in self.thought_paths:
                self._report.drop(path)
            return None
        message: Json = {"role": "assistant", "content": self._content()}
        if self._reasoning:
            message |= self._reasoning
        for name, fields in self._fields_of_calls.items():
            if name in self._calls:
                merge(self._calls[name], fields)
        if self._calls:
            message["tool_calls"] = list(self._calls.values())
        put_reasoning(message, self._context, self._report)
        return message

    def _content(self) -> str | list[Json] | None:
        if len(self._texts) > 1 and self._context.capabilities.roles_in_a_row:
            return [CHAT.text(text) for text in self._texts]
        return "\n".join(self._texts) if self._texts else None

    def _text(self, text: str, block: Block) -> None:
        if not text:
            return
        if self._calls:
            self._report.change(block.path, "behind tool_use", "before it")
        if self._goes_on and self._texts:
            self._texts[-1] += text
        else:
            self._texts.append(text)
            self.text_paths.append(block.path)
        self._goes_on = False

    def _call(self, block: Block) -> None:
        use = block.json
        report_unsent(use, block.path, self._context, self._report)
        call_id = bounded_call_id(use["id"])
        name, arguments = sent_name(use["name"]), arguments_of(use, block.path, self._context)
        self._calls[use["id"]] = chat_call("function", name, arguments, call_id)
        self.call_paths.append(block.path)

    def _thought(self, block: Block) -> None:
        """Take the fields that the server wants back: its own, or else the text."""
        content, text = thought_in(block.json, self._context)
        able = self._context.capabilities
        given: Json = content if content is not None and able.takes_back else {}
        fields: Json = given.get("message", {})
        if able.reasoning_field and text and not any(name in fields for name in TEXT_FIELDS):
            fields = {able.reasoning_field: text, **fields}
        if not fields and not given.get("calls"):
            self._report.drop(block.path)
            return
        if not given:
            report_signature(block.json, block.path, self._report)
        self.thought_paths.append(block.path)
        merge(self._reasoning, _continued(self._reasoning, fields))
        self._fields_of_calls |= given.get("calls", {})
        self._goes_on = given.get("goes_on", False)


def _continued(known: Json, fields: Json) -> Json:
    """Return the fields of another block of reasoning; a text is a paragraph of its own."""
    return {
        name: f"\n\n{value}" if name in TEXT_FIELDS and name in known else value
        for name, value in fields.items()
    }
