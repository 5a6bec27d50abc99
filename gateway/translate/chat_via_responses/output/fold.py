"""One response as the deltas of one chat message.

Streams and whole replies share this fold: a whole reply is a stream of one terminal event. Text is
kept only as long as it may become a stop sequence.
"""

from collections.abc import Iterable
from functools import partial
from itertools import takewhile
from operator import is_not

from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.calls import Call, CallsFold, call_text
from gateway.translate.chat_via_responses.output.endings import (
    native_of,
    reached_limit,
    reason_of,
    status_of,
)
from gateway.translate.chat_via_responses.output.events import ResponseEvents, part_of
from gateway.translate.chat_via_responses.output.item_texts import FORMS
from gateway.translate.chat_via_responses.output.last_output import matched
from gateway.translate.chat_via_responses.output.messages import MessagesFold
from gateway.translate.chat_via_responses.output.other_items import OtherItems
from gateway.translate.chat_via_responses.output.reading import an_object, objects, string
from gateway.translate.chat_via_responses.output.reasoning import ReasoningFold
from gateway.translate.chat_via_responses.output.text import Step
from gateway.translate.chat_via_responses.output.tracking import (
    ItemKind,
    OutputItem,
    item_kind,
)
from gateway.translate.chat_via_responses.request import PreparedRequest
from gateway.translate.contract import Context, Report
from gateway.translate.parts.content.images import data_url, image
from gateway.translate.parts.finish_reasons import finish_reason, native_word
from gateway.translate.stream.sse import RESPONSES_END

_PARTS = {
    **dict.fromkeys(FORMS, ItemKind.MESSAGE),
    "reasoning_text": ItemKind.REASONING,
    "summary_text": ItemKind.REASONING,
}
"""By the type of a part with a text, the kind of its item."""

_ANSWERS = (ItemKind.MESSAGE, ItemKind.CALL)
"""The kinds of items that make a chat message, as pictures do; other items alone do not."""

TERMINAL = RESPONSES_END - {"response.failed"}
"""The events that end a response; `response.failed` is an error before it comes here."""


class OutputFold(ResponseEvents[list[Step]]):
    """Takes the events of one response, and returns the steps of one chat message.

    `sent` is the upstream request body that the response answers.
    """

    def __init__(
        self, request: PreparedRequest, sent: Json, context: Context, report: Report
    ) -> None:
        super().__init__()
        self._legacy = request.tools.legacy
        self._sent = sent
        self._context = context
        self._messages = MessagesFold(request, report)
        self._reasoning = ReasoningFold(context)
        self._calls = CallsFold(request.tools, context, report)
        self._others = OtherItems()
        self._has_picture = False
        self.finish_reason: str | None = None
        """Chat's finish reason; None: the message has not ended."""
        self.native_word: str | None = None
        """The upstream's own finish reason, if it says more than chat's."""

    def feed(self, event: Json) -> list[Step]:
        """Take one event; raises `UpstreamError` for an unreadable one.

        After the end of the message, events are ignored, except citations of a text that was cut.
        """
        kind = event.get("type")
        if self.finish_reason is not None or not isinstance(kind, str):
            return self._late(event)
        if kind in TERMINAL:
            return self._end(event)
        read = self._readers.get(kind)
        placed = self._items.placed(event)
        steps: list[Step] = [] if read is None else read(self, placed) or []
        if self._messages.cut_by is not None:
            steps += self._ended_calls() + self._last_steps()
            self.finish_reason = self._messages.cut_by
        return steps

    def _late(self, event: Json) -> list[Step]:
        """Return a late citation, if it is of a text that the gateway has cut."""
        is_citation = event.get("type") == "response.output_text.annotation.added"
        if self._messages.cut_by is None or not is_citation:
            return []
        part = part_of(event)
        for item in self._items.all_of(ItemKind.MESSAGE):
            if item.item_id == event.get("item_id") and part in item.part_offsets:
                return self._messages.annotate(item, part, event.get("annotation"))
        return []

    def _ended_calls(self) -> list[Step]:
        """Return the rest of the calls that have ended: arguments that might not have been all.

        In a message whose text was cut, these are all the calls.
        """
        steps: list[Step] = []
        for item in self._items.all_of(ItemKind.CALL):
            if item.done:
                steps += _steps(self._calls.finish(item.call, truncated=False))
        return steps

    def _last_steps(self) -> list[Step]:
        steps = self._reasoning.finish() + self._messages.finish()
        if self._messages.phase is not None:
            # Once, and last: clients join the strings of deltas.
            steps.append(Step({"phase": self._messages.phase}))
        return steps

    def _item_added(self, event: Json) -> list[Step]:
        item = an_object(event, "item")
        kind = item_kind(item)
        if kind is None:
            self._items.pass_over(item)
            self._others.announce(item)
            return []
        known = self._items.announced(kind, item, event.get("output_index"))
        self._describe(known, item)
        if kind is not ItemKind.CALL:
            return []
        return _steps(self._calls.open(known.call, call_text(item)))

    def _item_done(self, event: Json) -> list[Step]:
        item = an_object(event, "item")
        kind = item_kind(item)
        if kind is None:
            return self._others.complete(item)
        return self._complete(self._items.completed(kind, item, event.get("output_index")), item)

    def _describe(self, known: OutputItem, item: Json) -> None:
        phase = item.get("phase")
        if isinstance(phase, str):
            known.phase = phase
        if known.kind is ItemKind.CALL:
            self._calls.describe(known.call, item)

    def _complete(self, known: OutputItem, item: Json) -> list[Step]:
        """Show the content of a whole item that its deltas did not have."""
        self._describe(known, item)
        known.done = True
        if known.kind is ItemKind.MESSAGE:
            return self._messages.complete(known, item)
        if known.kind is ItemKind.REASONING:
            return self._reasoning.complete(known, item)
        if known.kind is ItemKind.IMAGE:
            return self._picture(known, item)
        return _steps(self._calls.complete(known.call, call_text(item)))

    def _picture(self, known: OutputItem, item: Json) -> list[Step]:
        """Show a picture, or the item itself if it has an error instead; once."""
        result = item.get("result")
        if known.image_is_shown:
            return []
        if isinstance(result, str) and result:
            known.image_is_shown = self._has_picture = True
            return [Step({"images": [image(data_url(result, item.get("output_format")))]})]
        if item.get("status") == "failed" or item.get("error"):
            known.image_is_shown = True
            return self._others.complete(item)
        return []

    def _text_delta(self, event: Json) -> list[Step]:
        item = self._items.of_event(ItemKind.MESSAGE, event)
        text, logprobs = string(event, "delta"), event.get("logprobs")
        return self._messages.add_text(item, part_of(event), text, logprobs)

    def _refusal_delta(self, event: Json) -> list[Step]:
        item = self._items.of_event(ItemKind.MESSAGE, event)
        return self._messages.refuse(item, part_of(event), string(event, "delta"))

    def _annotation_added(self, event: Json) -> list[Step]:
        item = self._items.annotated(event)
        return self._messages.annotate(item, part_of(event), event.get("annotation"))

    def _reasoning_delta(self, event: Json) -> list[Step]:
        return self._reasoning.text_delta(self._items.of_event(ItemKind.REASONING, event), event)

    def _summary_delta(self, event: Json) -> list[Step]:
        return self._reasoning.summary_delta(self._items.of_event(ItemKind.REASONING, event), event)

    def _whole_text(self, event: Json, kind: str, part: Json) -> list[Step]:
        """Take a part of an item with its whole text; `kind` is its type."""
        of = _PARTS.get(kind)
        item = None if of is None else self._items.of_whole(of, event)
        if item is None:
            return []
        text = string(part, "refusal" if kind == "refusal" else "text")
        if FORMS.get(kind) == "text":
            return self._messages.complete_text(item, part_of(event), text, part.get("logprobs"))
        if kind == "refusal":
            return self._messages.refuse_whole(item, part_of(event), text)
        if kind == "summary_text":
            return self._reasoning.summary_done(item, event, text)
        return self._reasoning.text_done(item, event, text)

    def _call_delta(self, event: Json) -> list[Step]:
        call = self._call_of(event)
        if "name" in event:
            self._calls.describe(call, {"name": event["name"]})
        return _steps(self._calls.add(call, event.get("delta")))

    def _call_done(self, event: Json) -> list[Step]:
        call = self._call_of(event)
        self._calls.describe(call, {"name": event.get("name")})
        whole = event.get("arguments") or event.get("input")
        return _steps(self._calls.complete(call, whole, item_is_done=False))

    def _call_of(self, event: Json) -> Call:
        """Return the call of an event; the event's type tells the call's kind."""
        call = self._items.of_event(ItemKind.CALL, event).call
        if str(event["type"]).startswith("response.custom_tool_call"):
            self._calls.describe(call, {"type": "custom_tool_call"})
        return call

    def _end(self, event: Json) -> list[Step]:
        response = an_object(event, "response")
        status = status_of(event, response)
        steps: list[Step] = []
        last = (self._messages.last_item, self._reasoning.last_item)
        others = output = objects(response, "output")
        shown: Json = {}
        # An item that continues the last text precedes other texts.
        for known, item in sorted(
            matched(self._items, output), key=lambda pair: pair[0] not in last
        ):
            if self._messages.cut_by is not None:
                break
            steps += self._complete(known, item)
            shown = item
        if self._messages.cut_by is None:
            for call in self._items.calls():
                steps += _steps(self._calls.finish(call, truncated=status != "completed"))
        else:
            steps += self._ended_calls()
            others = list(takewhile(partial(is_not, shown), output))
        steps += self._others.finish(others) + self._last_steps()
        if status == "completed" and not (
            self._has_picture or any(map(self._items.all_of, _ANSWERS))
        ):
            self._others.check_alone()
        self.finish_reason = self._messages.cut_by or self._reason(status, response)
        if self._messages.cut_by is None:
            self.native_word = native_word(
                {"finish_reason": reason_of(response), **native_of(response)}
            )
        return steps

    def _reason(self, status: str, response: Json) -> str:
        if status == "incomplete":
            reason = finish_reason(reason_of(response) or "length", has_text=True)
            return "content_filter" if reason == "content_filter" else "length"
        if reached_limit(self._sent, response, self._context):
            return "length"
        if not self._calls.count:
            return "stop"
        return "function_call" if self._legacy else "tool_calls"


def _steps(deltas: Iterable[Json]) -> list[Step]:
    """Return the steps of deltas without text."""
    return [Step(delta) for delta in deltas]
