"""The content of a response, as the blocks of one message in a frame."""

from collections.abc import Callable
from functools import partial

from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.calls import Call
from gateway.translate.chat_via_responses.output.documents import Documents
from gateway.translate.chat_via_responses.output.item_texts import ReasoningForm
from gateway.translate.chat_via_responses.output.text import Step
from gateway.translate.chat_via_responses.output.tracking import OutputItem
from gateway.translate.contract import Context, Report, check_reply_length
from gateway.translate.messages_via_responses.output.blocks import CallBlock, ReasoningBlock
from gateway.translate.messages_via_responses.output.texts import Texts
from gateway.translate.parts.messages.prepared import PreparedMessages, known_call_ids
from gateway.translate.parts.tools.calls import arguments_text
from gateway.translate.stream.messages.messages_frame import MessagesFrame


class Content:
    """Adds the content of items to their blocks; raises `UpstreamError` if it is too long."""

    def __init__(
        self, request: PreparedMessages, frame: MessagesFrame, context: Context, report: Report
    ) -> None:
        self._request = request
        self._frame = frame
        self._context = context
        self._report = report
        self._reasoning: dict[OutputItem, ReasoningBlock] = {}
        self._calls: dict[Call, CallBlock] = {}
        self._call_ids: set[str] | None = None
        self._characters = 0
        self._documents = Documents(report) if request.options.one_document else None
        self.texts = Texts(request.options.stop_sequences, frame)

    @property
    def has_calls(self) -> bool:
        """Whether there are any calls."""
        return bool(self._calls)

    def add_text(self, item: OutputItem, part: int | None, text: str) -> None:
        """Add text of a part; `part` is None if the upstream sends no index."""
        if text:
            self._count(text)
            if self._documents is None:
                self.texts.add_text(item, part, text)
            else:
                piece = partial(_without_steps, self.texts.add_text, item, part, text)
                self._documents.take(item, text, piece)
            item.texts.add("text", part, text)

    def refuse(self, item: OutputItem, part: int | None, text: str) -> None:
        """Add text of a refusal."""
        if text:
            self._count(text)
            if self._documents is None:
                self.texts.refuse(item, part, text)
            else:
                piece = partial(_without_steps, self.texts.refuse, item, part, text)
                self._documents.take_refusal(item, text, piece)
            item.texts.add("refusal", part, text)

    def end_texts(self) -> None:
        """Show the text that was held back, at the end of the response."""
        if self._documents is not None:
            self._documents.finish()
        self.texts.interrupt()

    def reason(self, item: OutputItem, form: ReasoningForm, part: int, text: str) -> None:
        """Add text of the reasoning, or of a summary of it."""
        if not text:
            return
        self._count(text)
        item.texts.add(form, part, text)
        shown = self._reasoning.get(item)
        block = self.reasoning(item) if shown is None or shown.shows(form) else shown
        if block is not None and not block.add_text(form, part, text):
            self._report.drop(f"reasoning.{form}")

    def reasoning(self, item: OutputItem) -> ReasoningBlock | None:
        """Return the block of a reasoning item; None: the client is not shown any."""
        thinking = self._request.options.thinking
        if thinking == "none":
            return None
        block = self._reasoning.get(item)
        if block is None or block.ended:
            self.texts.interrupt()
            block = ReasoningBlock(item, self._context, is_shown=thinking == "summarized")
            self._reasoning[item] = self._frame.add(block)
        return block

    def end_reasoning(self, item: OutputItem, whole: Json) -> None:
        """Take a whole item, for the signature of its block to carry; repetitions do not count."""
        block = self._reasoning.get(item)
        if item.done and (block is None or block.ended):
            return
        block = self.reasoning(item)
        if block is not None:
            block.whole |= {name: value for name, value in whole.items() if value}

    def describe(self, call: Call, source: Json) -> None:
        """Take name, id and type of a call from an item or an event."""
        call.describe(source, self._request.options.tools)

    def open(self, call: Call, text: object) -> None:
        """Take the text of a call's announcement."""
        call.text.open(arguments_text(text))
        self._show(call)

    def add(self, call: Call, text: object) -> None:
        """Take the next text of a call."""
        piece = arguments_text(text)
        self._count(piece)
        call.text.go_on(piece)
        self._show(call)

    def complete_call(self, call: Call, text: object, *, item_is_done: bool) -> None:
        """Take a text that should be a call's whole one; raises `UpstreamError` if it cannot be."""
        call.text.complete(arguments_text(text), item_is_done=item_is_done)
        if item_is_done:
            call.longer_names = frozenset()
        self._show(call)

    def finish(self, call: Call, *, truncated: bool) -> None:
        """Take the end of the response; calls that follow the arguments get blocks of their own."""
        call.longer_names = frozenset()
        call.text.end(truncated=truncated)
        self._show(call)
        for text in call.text.other_calls(truncated=truncated):
            other = Call(call.kind, call.name)
            self.complete_call(other, text, item_is_done=True)
            other.text.end(truncated=truncated)

    def cut(self) -> None:
        """Take the end of the message at a stop sequence."""
        for call in list(self._calls):
            self.finish(call, truncated=True)

    def _show(self, call: Call) -> None:
        block = self._calls.get(call)
        if block is None:
            self.texts.interrupt()
            if self._call_ids is None:
                self._call_ids = known_call_ids(self._request.client)
            own_id = f"toolu_{self._context.new_id()}"
            block = CallBlock(call, self._request.options, own_id, self._call_ids)
            self._calls[call] = self._frame.add(block)
        block.show()

    def _count(self, text: str) -> None:
        self._characters += len(text)
        check_reply_length(self._characters, "max_tokens")


def _without_steps(
    add: Callable[[OutputItem, int | None, str], None],
    item: OutputItem,
    part: int | None,
    text: str,
) -> list[Step]:
    """Write a piece of text; return no steps, since this fold writes at once."""
    add(item, part, text)
    return []
