"""A turn of the assistant as input items, in the order of its blocks."""

import hashlib
from collections.abc import Mapping

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.messages_via_responses.origins import Origin
from gateway.translate.parts.from_messages.blocks.assistant import AssistantReader
from gateway.translate.parts.from_messages.blocks.calls import arguments_of, report_unsent
from gateway.translate.parts.from_messages.blocks.content import BlockReader
from gateway.translate.parts.from_messages.blocks.thinking import report_signature, thought_in
from gateway.translate.parts.from_messages.tool_names import sent_name
from gateway.translate.parts.from_messages.turns import Block
from gateway.translate.parts.tools.calls import bounded_call_id, responses_call

_CALL: Mapping[str, str] = {"call_id": "id", "name": "name", "arguments": "input"}


class AssistantItems(AssistantReader):
    """Makes items from the blocks of one turn."""

    def __init__(self, context: Context, report: Report, reader: BlockReader) -> None:
        super().__init__(context, report, reader)
        self.items: list[Json] = []
        self.origins: list[Origin] = []

    def finish(self) -> None:
        """Leave out reasoning that no other item follows: the API refuses it."""
        while self.items and self.items[-1]["type"] == "reasoning":
            self.items.pop()
            self._report.drop(self.origins.pop().path)

    def _add(self, item: Json, origin: Origin) -> None:
        self.items.append(item)
        self.origins.append(origin)

    def _text(self, text: str, block: Block) -> None:
        if not text:
            return
        last = self.items[-1] if self.items else {}
        if last.get("role") == "assistant" and not self._context.capabilities.roles_in_a_row:
            last["content"] += f"\n{text}"
            return
        item = {"type": "message", "role": "assistant", "content": text}
        self._add(item, Origin(block.path, [block.path]))

    def _call(self, block: Block) -> None:
        use = block.json
        report_unsent(use, block.path, self._context, self._report)
        name, call_id = sent_name(use["name"]), bounded_call_id(use["id"])
        item = responses_call(
            "function", name, arguments_of(use, block.path, self._context), call_id
        )
        self._add(item, Origin(block.path, fields=_CALL))

    def _thought(self, block: Block) -> None:
        """Write the item that the server has sent, or else the text if the server takes any."""
        content, text = thought_in(block.json, self._context)
        item: Json | None = None if content is None else content.get("item")
        if item is not None:
            shown = [{"type": "summary_text", "text": text}] if text else []
            self._add({**item, "summary": item.get("summary", shown)}, Origin(block.path))
        elif text and self._context.capabilities.reasoning_items:
            report_signature(block.json, block.path, self._report)
            self._add(_reasoning_item(text), Origin(block.path))
        else:
            self._report.drop(block.path)


def _reasoning_item(text: str) -> Json:
    """Return reasoning as an item of text; its id is a hash, so that its bytes never change."""
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    part = {"type": "reasoning_text", "text": text}
    return {"type": "reasoning", "id": f"rs_{digest[:32]}", "summary": [], "content": [part]}
