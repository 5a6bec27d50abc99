"""Blocks of content made from the items of a response.

OpenAI's items come one after another. If a server's items overlap, a block waits for the end of its
item, provided that the item was announced: only then its end is certain to come.
"""

from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.calls import Call
from gateway.translate.chat_via_responses.output.item_texts import ReasoningForm
from gateway.translate.chat_via_responses.output.tracking import OutputItem
from gateway.translate.contract import Context
from gateway.translate.parts.messages.reply_options import MessagesReplyOptions
from gateway.translate.parts.upstream_errors import nameless_call
from gateway.translate.stream.messages.messages_blocks import (
    TextBlock,
    ThinkingBlock,
    ToolUseBlock,
    check_input,
)


class PartBlock(TextBlock):
    """One part of a message."""

    def __init__(self, item: OutputItem) -> None:
        super().__init__()
        self.item = item
        self.is_over = False
        """Whether the next part of the message has begun."""

    @property
    def complete(self) -> bool:
        """Whether no more of the part is expected."""
        return self.is_over or _is_done(self.item)


class ReasoningBlock(ThinkingBlock):
    """A reasoning item: its text, or a summary of it, whichever comes first.

    The block's signature carries the item, unless the shown text is all of it.
    """

    def __init__(self, item: OutputItem, context: Context, *, is_shown: bool) -> None:
        super().__init__(context, is_shown=is_shown)
        self._item = item
        self._form: ReasoningForm | None = None
        self._part = 0
        self._texts: list[str] = []
        self.whole: Json = {}
        """The item, as its last event has it."""

    @property
    def complete(self) -> bool:
        """Whether no more of the item is expected."""
        return _is_done(self._item)

    def shows(self, form: ReasoningForm) -> bool:
        """Whether the block has no text yet, or text of that form."""
        return self._form in (None, form)

    def add_text(self, form: ReasoningForm, part: int, text: str) -> bool:
        """Add text of a part; return False if the block shows the other form.

        The parts of a summary become paragraphs; parts of the reasoning itself make one text.
        """
        if not self.shows(form):
            return False
        self._form = form
        if form == "summary" and self._texts and part != self._part:
            self._add("\n\n", begins_part=True)
        elif not self._texts:
            self._texts.append("")
        self._part = part
        self._add(text)
        return True

    def carried(self) -> Json:
        """Return the item, if it has encrypted content, or text that the client is not shown."""
        item: Json = {"type": "reasoning"}
        if "id" in self.whole:
            item["id"] = self.whole["id"]
        sealed = self.whole.get("encrypted_content")
        texts = [text for text in self._texts if text]
        if isinstance(sealed, str) and sealed:
            item["encrypted_content"] = sealed
            if self._form != "summary" or not self.is_shown or len(texts) > 1:
                item["summary"] = self._parts(texts if self._form == "summary" else [], "summary")
        elif texts and not self.is_shown and self._context.capabilities.reasoning_items:
            item |= {"summary": [], "content": self._parts(["\n\n".join(texts)], "reasoning")}
        else:
            return {}
        return {"item": item}

    def _add(self, text: str, *, begins_part: bool = False) -> None:
        if begins_part:
            self._texts.append("")
        else:
            self._texts[-1] += text
        self.add(text)

    def _parts(self, texts: list[str], kind: str) -> list[Json]:
        return [{"type": f"{kind}_text", "text": text} for text in texts]


class CallBlock(ToolUseBlock):
    """A call; it begins once its whole name is known.

    `own_id` is the id of the call if the upstream gives none that can be used; `known_ids` has the
    ids of all calls that the client has seen.
    """

    def __init__(
        self, call: Call, options: MessagesReplyOptions, own_id: str, known_ids: set[str]
    ) -> None:
        super().__init__()
        self._call = call
        self._names = options.tool_names
        self._own_id = own_id
        self._known_ids = known_ids

    @property
    def complete(self) -> bool:
        """Whether the arguments are certainly complete."""
        text = self._call.text
        return self.start is not None and text.settled and text.is_whole

    @property
    def is_cut_off(self) -> bool:
        """Whether the arguments have begun, but are not whole JSON."""
        return not (self._call.text.is_empty or self._call.text.is_whole)

    def show(self) -> None:
        """Add the new part of the call."""
        call = self._call
        if not call.name or call.longer_names:
            return
        if self.start is None:
            known = call.upstream_id
            shown_id = self._own_id if known in self._known_ids else known or self._own_id
            self._known_ids.add(shown_id)
            self.begin(shown_id, self._names.get(call.name, call.name))
        self.add_input(call.text.next_text())

    def close(self, *, truncated: bool) -> None:
        """Add the rest; raises `UpstreamError` for arguments that are not an object."""
        self._call.longer_names = frozenset()
        self.show()
        self.end_input()
        if not truncated:
            if not self._call.name:
                raise nameless_call()
            check_input(self._call.name, self._call.text.text)


def _is_done(item: OutputItem) -> bool:
    return item.done or not item.announced
