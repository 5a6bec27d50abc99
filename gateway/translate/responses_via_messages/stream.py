"""A stream of messages events as a stream of responses events."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.reading import an_object, string
from gateway.translate.contract import Context, Report, check_reply_length
from gateway.translate.parts.finish_reasons import native_word
from gateway.translate.parts.messages.stop_reasons import chat_reason, incomplete_reason
from gateway.translate.parts.messages.usage import responses_usage_of
from gateway.translate.parts.to_messages.calls import arguments_of
from gateway.translate.parts.to_messages.counts import Counts
from gateway.translate.parts.to_messages.ending import Ending
from gateway.translate.parts.to_messages.replied_errors import error_of_message
from gateway.translate.parts.to_messages.unplaced import has_place, report_unplaced
from gateway.translate.parts.tools.further_calls import further_calls
from gateway.translate.parts.upstream_errors import ended_too_early, without_error
from gateway.translate.responses_via_chat.output.call_item import CallItem
from gateway.translate.responses_via_chat.output.compaction_stream import HiddenQueue, compacted
from gateway.translate.responses_via_chat.output.frame import ResponseFrame
from gateway.translate.responses_via_chat.output.queue import OutputQueue
from gateway.translate.responses_via_chat.output.reasoning_item import ReasoningItem
from gateway.translate.responses_via_messages.request import PreparedRequest
from gateway.translate.responses_via_messages.thinking_item import ThinkingCarrier
from gateway.translate.stream.messages.block_order import BlockOrder


class MessagesAsResponse(ResponseFrame):
    """Folds the stream of the one call (a `StreamTranslation`).

    Nothing is sent before the first block, so that failures before it keep their status.
    """

    def __init__(
        self,
        request: PreparedRequest,
        context: Context,
        report: Report,
        queue: OutputQueue | None = None,
    ) -> None:
        super().__init__(request.client, context, queue)
        self._request = request
        self._report = report
        self._order = BlockOrder()
        self._call_ids: set[str] = set()
        self._call: CallItem | None = None
        self._is_passed_over = False
        """Whether responses have no place for the open block."""
        self._beyond: list[str] = []
        """The text after the arguments of the open call, which belongs to other calls."""
        self._given: object = None
        """The input in the event that began the open call."""
        self._thought: tuple[ReasoningItem, ThinkingCarrier] | None = None
        self._has_output = False
        self._characters = 0
        self._ending = Ending(request.report)
        self._counts = Counts()

    def feed(self, call: int, event: Json) -> list[Json]:
        """Take one messages event; return the events to send.

        Raises `UpstreamReplied` for an error, `UpstreamError` for an unreadable event.
        """
        if self._ended:
            return []
        without_error(call, event, self._request, error_of_message)
        report_unplaced(event, self._report)
        self._note_facts(event)
        for each in self._order.take(event):
            kind = each.get("type")
            read = self._readers.get(kind) if isinstance(kind, str) else None
            if read is not None:
                read(self, each)
                self._queue.advance()
        return self._queue.sent()

    def end(self, call: int) -> list[Json]:  # noqa: ARG002
        """Take the end of the stream; raises `TruncatedStream` if the message has not ended."""
        if not self._ended:
            raise ended_too_early("message")
        return []

    @property
    def passes_text(self) -> bool:
        """Return True: texts are never cut here."""
        return True

    def _note_facts(self, event: Json) -> None:
        message = event.get("message")
        started: Json = message if isinstance(message, dict) else {}
        self._facts.model = self._facts.model or started.get("model")
        self._counts.take(event)

    def _begin(self, event: Json) -> None:
        block = an_object(event, "content_block")
        kind = block.get("type")
        self._is_passed_over = not has_place(block)
        self._end_block()
        self._open()
        if kind == "text":
            self._say(string(block, "text"))
        elif kind == "tool_use":
            self._call_tool(block)
        elif kind in ("thinking", "redacted_thinking"):
            self._think_anew(block)

    def _add(self, event: Json) -> None:
        delta = an_object(event, "delta")
        if self._is_passed_over:
            return
        kind = delta.get("type")
        if kind == "text_delta":
            self._say(string(delta, "text"))
        elif kind == "thinking_delta":
            self._think(string(delta, "thinking"))
        elif kind == "input_json_delta":
            self._pass(string(delta, "partial_json"))
        elif kind == "signature_delta" and self._thought is not None:
            self._thought[1].block["signature"] = string(delta, "signature")

    def _end_block(self, *, truncated: bool = False) -> None:
        """End the open block; a call without pieces has the input that it began with, or none.

        This happens when the next block begins, not when the block itself ends, because `truncated`
        is known only after that.
        """
        call, self._call, self._thought = self._call, None, None
        if call is None:
            return
        rest = "".join([*self._beyond, call.settle()])
        self._beyond.clear()
        is_blank = not call.text.strip()
        call.lacks_its_end = is_blank and truncated and not self._given
        if is_blank and not call.lacks_its_end:
            call.add("", "", arguments_of(self._given), custom=False)
        for text in further_calls(rest, call.text, truncated=truncated):
            self._add_call("", call.name).add("", "", text, custom=False)

    def _note_stop(self, event: Json) -> None:
        self._ending.note(event)

    def _end(self, _event: Json) -> None:
        word = self._ending.word(has_output=self._has_output)
        self._end_block(truncated=incomplete_reason(word) is not None)
        if chat_reason(word) == "content_filter":
            self._open()
            self._message().add_refusal(self._ending.refusal)
        elif not self._has_output:
            self._open()
            self._message()
        self._facts.counted = responses_usage_of(self._counts.usage)
        self._facts.service_tier = self._counts.tier
        self._native_word = native_word({"finish_reason": word})
        self._complete(incomplete_reason(word))

    def _say(self, text: str) -> None:
        if text:
            self._count(text)
            self._has_output = True
            self._message().add_text(text, ())

    def _think_anew(self, block: Json) -> None:
        form, gives_back = self._request.reasoning, self._request.gives_back
        has_text = block["type"] == "thinking"
        if not (gives_back or (has_text and form != "drop")):
            return
        carrier = ThinkingCarrier(form, self._context, demanded=gives_back)
        carrier.block = dict(block)
        index = self._queue.next_index
        context = self._context
        item = self._queue.add(ReasoningItem(index, context.new_id(), form, carrier, context))
        if has_text:
            self._thought = item, carrier
            self._think(string(block, "thinking"))

    def _think(self, text: str) -> None:
        if text and self._thought is not None:
            self._count(text)
            self._thought[0].add(("thinking",), text)

    def _call_tool(self, block: Json) -> None:
        self._has_output = True
        self._given = block.get("input")
        self._call = self._add_call(string(block, "id"), string(block, "name"))

    def _add_call(self, call_id: str, name: str) -> CallItem:
        index = self._queue.next_index
        item = CallItem(index, self._context.new_id(), self._request.names, self._call_ids)
        self._queue.add(item).add(call_id, name, "", custom=False)
        if not item.announced:
            item.announce()
        return item

    def _pass(self, piece: str) -> None:
        if self._call is None:
            raise UpstreamError(
                "The upstream's stream has the arguments of a tool call that is not open. "
                "Retry the request."
            )
        self._count(piece)
        rest = piece if self._beyond else self._call.add("", "", piece, custom=False)
        if rest:
            self._beyond.append(rest)

    def _count(self, text: str) -> None:
        self._characters += len(text)
        check_reply_length(self._characters, "max_output_tokens")

    # On the class: a table of bound methods would be a reference cycle.
    _readers: ClassVar[Mapping[str, Callable[["MessagesAsResponse", Json], None]]] = {
        "content_block_start": _begin,
        "content_block_delta": _add,
        "message_delta": _note_stop,
        "message_stop": _end,
    }


class MessagesAsCompaction(MessagesAsResponse):
    """Folds a summary: its text is hidden, and the sealed item is the whole output."""

    def __init__(self, request: PreparedRequest, context: Context, report: Report) -> None:
        super().__init__(request, context, report, HiddenQueue())

    @property
    def passes_text(self) -> bool:
        """Return False: no text is passed on."""
        return False

    def _output(self, status: str) -> list[Json]:
        """Return the one item, and write its events; raises as `compacted` does."""
        return compacted(self._queue, status, self._context)
