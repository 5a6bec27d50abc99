"""One response as the blocks of one message.

Streams and whole replies share this fold: a whole reply is a stream of one terminal event. The item
that an event belongs to, and the new part of repetitions, are found as for chat clients.
"""

from collections.abc import Mapping
from typing import Final

from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.calls import Call, call_text
from gateway.translate.chat_via_responses.output.endings import status_of
from gateway.translate.chat_via_responses.output.events import ResponseEvents, part_of
from gateway.translate.chat_via_responses.output.item_texts import (
    FORMS,
    ReasoningForm,
    parts_of,
    texts_of,
)
from gateway.translate.chat_via_responses.output.last_output import matched
from gateway.translate.chat_via_responses.output.reading import an_object, objects, string
from gateway.translate.chat_via_responses.output.reasoning import summary_index
from gateway.translate.chat_via_responses.output.tracking import (
    ItemKind,
    OutputItem,
    item_kind,
)
from gateway.translate.contract import Context, Report
from gateway.translate.messages_via_responses.output.content import Content
from gateway.translate.messages_via_responses.output.ending import is_cut_off, stop_of
from gateway.translate.parts.messages.prepared import PreparedMessages
from gateway.translate.parts.messages.stop_reasons import Stop
from gateway.translate.stream.messages.messages_frame import MessagesFrame

_REASONING: Final[Mapping[str, ReasoningForm]] = {
    "reasoning_text": "content",
    "summary_text": "summary",
}
"""The form of reasoning, by the type of its part."""


class MessageFold(ResponseEvents[None]):
    """Takes the events of one response; writes the blocks of one message into a frame."""

    def __init__(
        self, request: PreparedMessages, frame: MessagesFrame, context: Context, report: Report
    ) -> None:
        super().__init__()
        self._sent = request.calls[0]
        self._context = context
        self._report = report
        self._content = Content(request, frame, context, report)
        self.stop: Stop | None = None
        """Why the message ended; None: it has not."""
        self.truncated = False
        """Whether the last block lacks its end."""

    @property
    def is_cut(self) -> bool:
        """Whether a stop sequence was found."""
        return self._content.texts.found is not None

    def feed(self, event: Json) -> None:
        """Take one event; raises `UpstreamError` for an unreadable one."""
        read = self._readers.get(str(event.get("type")))
        placed = self._items.placed(event)
        if read is not None:
            read(self, placed)
        if self.is_cut:
            self._cut()

    def end(self, event: Json) -> None:
        """Take the terminal event."""
        response = an_object(event, "response")
        status = status_of(event, response)
        output = objects(response, "output")
        for item in output:
            if item_kind(item) in (None, ItemKind.IMAGE):
                self._report.drop(f"output.{item.get('type')}")
        last = self._content.texts.last_item
        # An item that continues the last text precedes other texts.
        for known, item in sorted(matched(self._items, output), key=lambda pair: pair[0] != last):
            self._complete(known, item)
            if self.is_cut:
                self._cut()
                return
        self.truncated = is_cut_off(status, response, self._sent, self._context)
        for call in self._items.calls():
            self._content.finish(call, truncated=self.truncated)
        self._content.end_texts()
        if self.is_cut:
            self._cut()
            return
        self.stop = stop_of(
            status,
            response,
            self._report,
            has_calls=self._content.has_calls,
            refusal=self._content.texts.refusal,
            truncated=self.truncated,
        )

    def _cut(self) -> None:
        self._content.cut()
        self.truncated = True
        self.stop = Stop("stop_sequence", self._content.texts.found)

    def _item_added(self, event: Json) -> None:
        item = an_object(event, "item")
        kind = item_kind(item)
        if kind is None:
            self._items.pass_over(item)
            return
        known = self._items.announced(kind, item, event.get("output_index"))
        if kind is ItemKind.REASONING:
            self._content.reasoning(known)
        elif kind is ItemKind.CALL:
            self._content.describe(known.call, item)
            self._content.open(known.call, call_text(item))
        else:
            self._note_phase(known, item)

    def _item_done(self, event: Json) -> None:
        item = an_object(event, "item")
        kind = item_kind(item)
        if kind is None:
            self._report.drop(f"output.{item.get('type')}")
            return
        self._complete(self._items.completed(kind, item, event.get("output_index")), item)

    def _complete(self, known: OutputItem, item: Json) -> None:
        """Add the content of a whole item that its deltas did not have."""
        if known.kind is ItemKind.MESSAGE:
            self._complete_message(known, item)
        elif known.kind is ItemKind.REASONING:
            self._complete_reasoning(known, item)
        elif known.kind is ItemKind.CALL:
            self._content.describe(known.call, item)
            self._content.complete_call(known.call, call_text(item), item_is_done=True)
        else:
            self._report.drop(f"output.{item.get('type')}")
        known.done = True

    def _note_phase(self, known: OutputItem, item: Json) -> None:
        """Take the phase of a message and report it: the client's messages have no place for it."""
        if isinstance(item.get("phase"), str):
            known.phase = item["phase"]
            self._report.drop("phase")

    def _complete_message(self, known: OutputItem, item: Json) -> None:
        self._note_phase(known, item)
        texts = texts_of(item)
        new_texts = dict(known.texts.rest_of_item("text", texts["text"]))
        new_refusals = dict(known.texts.rest_of_item("refusal", texts["refusal"]))
        for index, part in enumerate(parts_of(item)):
            if part.get("annotations"):
                self._report.drop("annotations")
            if str(part.get("type")) not in FORMS:
                self._report.drop(f"content.{part.get('type')}")
            self._content.refuse(known, index, new_refusals.get(index, ""))
            self._content.add_text(known, index, new_texts.get(index, ""))

    def _complete_reasoning(self, known: OutputItem, item: Json) -> None:
        texts = texts_of(item)
        for form in _REASONING.values():
            for index, text in known.texts.rest_of_item(form, texts.get(form, ())):
                self._content.reason(known, form, index, text)
        self._content.end_reasoning(known, item)

    def _text_delta(self, event: Json) -> None:
        item = self._items.of_event(ItemKind.MESSAGE, event)
        self._content.add_text(item, part_of(event), string(event, "delta"))

    def _refusal_delta(self, event: Json) -> None:
        item = self._items.of_event(ItemKind.MESSAGE, event)
        self._content.refuse(item, part_of(event), string(event, "delta"))

    def _annotation_added(self, event: Json) -> None:  # noqa: ARG002
        self._report.drop("annotations")

    def _reasoning_delta(self, event: Json) -> None:
        item = self._items.of_event(ItemKind.REASONING, event)
        self._content.reason(item, "content", part_of(event) or 0, string(event, "delta"))

    def _summary_delta(self, event: Json) -> None:
        item = self._items.of_event(ItemKind.REASONING, event)
        self._content.reason(item, "summary", summary_index(item, event), string(event, "delta"))

    def _whole_text(self, event: Json, kind: str, part: Json) -> None:
        """Take a part of an item with its whole text; `kind` is its type."""
        form = FORMS.get(kind) or _REASONING.get(kind)
        of = ItemKind.REASONING if kind in _REASONING else ItemKind.MESSAGE
        item = None if form is None else self._items.of_whole(of, event)
        if item is None or form is None:
            return
        text = string(part, "refusal" if form == "refusal" else "text")
        place = summary_index(item, event) if form == "summary" else part_of(event)
        known_place, rest = item.texts.rest_of_part(form, place, text)
        if form == "text":
            self._content.add_text(item, known_place, rest)
        elif form == "refusal":
            self._content.refuse(item, known_place, rest)
        else:
            self._content.reason(item, form, known_place or 0, rest)
        item.texts.end_part(form, known_place)

    def _call_delta(self, event: Json) -> None:
        call = self._call_of(event)
        self._content.add(call, event.get("delta"))

    def _call_done(self, event: Json) -> None:
        whole = event.get("arguments") or event.get("input")
        self._content.complete_call(self._call_of(event), whole, item_is_done=False)

    def _call_of(self, event: Json) -> Call:
        call = self._items.of_event(ItemKind.CALL, event).call
        custom = str(event["type"]).startswith("response.custom_tool_call")
        kind = "custom_tool_call" if custom else "function_call"
        self._content.describe(call, {"type": kind, "name": event.get("name")})
        return call
