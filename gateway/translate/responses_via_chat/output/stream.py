"""Chat streams as streams of responses events: one item strictly after another.

Chat interleaves what it likes: fragments of several tool calls, text between them, reasoning after
text. Clients of responses bear no overlap (Codex drops text after another item's end,
litellm#38654). So items queue: the first is written as it arrives, the others wait. A message or
reasoning ends when anything else begins, a call when its arguments are whole JSON; all others end
with the stream.
"""

from collections import deque
from collections.abc import Sequence

from gateway.errors import GatewayError, TruncatedStream, UpstreamError
from gateway.shapes import Json
from gateway.translate.contract import MAX_REPLY_CHARACTERS, Context, StreamTranslation
from gateway.translate.parts.content.sources import add_sources
from gateway.translate.parts.finish_reasons import finish_reason, native_word, with_native
from gateway.translate.parts.tokens.logprobs import chat_logprobs
from gateway.translate.parts.upstream_errors import without_error
from gateway.translate.responses_via_chat.deltas.call_tracking import CallTracker
from gateway.translate.responses_via_chat.deltas.delta import (
    CallFragment,
    Delta,
    annotation_of,
    malformed,
    read_delta,
)
from gateway.translate.responses_via_chat.output.call_item import CallItem
from gateway.translate.responses_via_chat.output.items import (
    ImageItem,
    MessageItem,
    OutputItem,
    Status,
)
from gateway.translate.responses_via_chat.output.reasoning_item import Carrier, ReasoningItem
from gateway.translate.responses_via_chat.output.response_object import (
    ResponseObject,
    UpstreamFacts,
    failure,
)
from gateway.translate.responses_via_chat.request import PreparedRequest
from gateway.translate.stream.choice_deltas import ChoiceDeltas
from gateway.translate.stream.reply_choices import ChoicePlaces, choices_of

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


class ResponsesStream(StreamTranslation):
    """The fold of the one call's stream (a `StreamTranslation`)."""

    def __init__(self, request: PreparedRequest, context: Context) -> None:
        self._request = request
        self._context = context
        self._facts = UpstreamFacts()
        self._response: ResponseObject | None = None
        self._sequence = 0
        self._written: list[Json] = []
        self._items = 0
        self._queue: deque[OutputItem] = deque()
        self._done: list[Json] = []
        self._places = ChoicePlaces(1)
        self._said = ChoiceDeltas()
        self._calls = CallTracker[CallItem](request.names.declared)
        self._call_ids: set[str] = set()
        self._early_entries: list[Json] = []
        self._has_text = False
        self._has_images = False
        self._native_word: str | None = None
        self._characters = 0
        self._finish: object = None
        self._ended = False

    def feed(self, call: int, event: Json) -> list[Json]:
        """Take one chunk; return the events to send.

        Raises `UpstreamReplied` for an error, `UpstreamError` for anything that is no chunk.
        """
        if self._ended:
            return []
        without_error(call, event, self._request)
        choices = choices_of(event)
        self._facts.note(event)
        if choices:
            self._open()
            for choice in choices:
                self._take(choice)
            self._advance()
        return self._sent()

    def end(self, call: int) -> list[Json]:  # noqa: ARG002
        """Take the end of the stream; return the closing events.

        Raises `TruncatedStream` where no finish reason has come, and `UpstreamError` where it
        says that the generation failed.
        """
        if self._ended:
            return []
        if self._finish is None:
            raise TruncatedStream(
                "The upstream's stream ended before its reply was complete. Retry the request."
            )
        return self.finish(self._finish)

    def finish(self, word: object) -> list[Json]:
        """End the reply with the upstream's `finish_reason`; raises as `end` does."""
        has_text = self._has_text or self._has_images or "content_parts" in self._facts.beside
        reason = finish_reason(word, has_text=has_text, has_tool_calls=bool(self._calls))
        response = self._open()
        if not has_text and not self._calls:
            self._message()
        incomplete = _INCOMPLETE.get(reason)
        self._calls.finish(self._begin_call, naturally=incomplete is None)
        while self._queue:
            lacks_its_end = len(self._queue) == 1 or self._queue[0].is_cut_off
            self._close_first("incomplete" if incomplete and lacks_its_end else "completed")
        status = "incomplete" if incomplete else "completed"
        ended = response.at(status, self._output(status), incomplete_reason=incomplete)
        ended = with_native(ended, self._native_word)
        self._write({"type": f"response.{status}", "response": ended})
        self._ended = True
        return self._sent()

    def fail(self, error: GatewayError) -> list[Json]:
        """Return the error, flat and nested, and the failed response with the items so far.

        openai-python raises on the nested form only, other clients read the documented flat one.
        """
        if self._ended:
            return []
        self._ended = True
        response = self._open()
        output = list(self._done)
        if self._queue and self._queue[0].announced:
            item = self._queue[0]
            self._write_item(item.outbox)
            item.status = "incomplete"
            output.append(item.resource())
        details = error.envelope()["error"]
        flat = {name: details[name] for name in ("code", "message", "param")}
        self._write({"type": "error", **flat, "error": details})
        failed = response.at("failed", output, error=failure(error))
        self._write({"type": "response.failed", "response": failed})
        return self._sent()

    @property
    def passes_text(self) -> bool:
        """Whether no logprobs come with the text."""
        return self._request.top_logprobs is None

    def _open(self) -> ResponseObject:
        """Begin the response, at the first chunk that has something of it."""
        if self._response is None:
            self._response = ResponseObject(self._request.client, self._facts, self._context)
            for kind in ("response.created", "response.in_progress"):
                self._write({"type": kind, "response": self._response.at("in_progress", ())})
        return self._response

    def _take(self, choice: Json) -> None:
        if self._places.place(choice) is None:
            return
        for each in self._said.take(choice):
            self._take_delta(each)

    def _take_delta(self, choice: Json) -> None:
        delta = read_delta(choice)
        self._count(delta)
        if delta.reasoning:
            self._reason(delta)
        carrier = self._carrier(delta)
        self._say(delta, choice.get("logprobs"))
        if delta.audio:
            self._speak(delta.audio)
        if delta.phase:
            self._message_so_far().be_for(delta.phase)
        for url in delta.images:
            self._has_images = True
            self._queue.append(ImageItem(self._next_index(), self._context.new_id(), url))
        for annotation in delta.annotations:
            self._annotate(annotation)
        if delta.unknown_parts:
            parts = self._facts.beside.setdefault("content_parts", [])
            parts += delta.unknown_parts
        add_sources(self._facts.beside, delta.sources)
        self._call(delta.calls, carrier, whole="message" in choice)
        # LocalAI says "" where others say null; of two reasons the first is the true one.
        self._finish = self._finish or choice.get("finish_reason") or None
        self._native_word = self._native_word or native_word(choice)

    def _call(
        self, fragments: Sequence[CallFragment], carrier: Carrier | None, *, whole: bool
    ) -> None:
        if whole:
            calls = self._calls.hear(fragments, self._begin_call)
        else:
            calls = [self._calls.take(fragment, self._begin_call) for fragment in fragments]
        for call, fragment in zip(calls, fragments, strict=True):
            if carrier is not None and fragment.carried:
                carrier.sign(call, fragment.carried)

    def _count(self, delta: Delta) -> None:
        self._characters += delta.length
        if self._characters > MAX_REPLY_CHARACTERS:
            raise UpstreamError(
                f"The upstream's reply has more than {MAX_REPLY_CHARACTERS} characters. "
                "Limit it with 'max_output_tokens'."
            )

    def _reason(self, delta: Delta) -> None:
        if self._request.reasoning == "drop" and not self._request.gives_back:
            return
        last = self._queue[-1] if self._queue else None
        if not isinstance(last, ReasoningItem):
            last = self._reasoning_item()
        last.add(delta.reasoning_names, delta.reasoning)

    def _reasoning_item(self) -> ReasoningItem:
        form = self._request.reasoning
        demanded = self._request.gives_back
        carrier = Carrier(
            form, self._context, self._calls.begun, demanded=demanded, goes_on=self._items > 0
        )
        item = ReasoningItem(self._next_index(), self._context.new_id(), form, carrier)
        self._queue.append(item)
        return item

    def _carrier(self, delta: Delta) -> Carrier | None:
        """Return what carries the fields of a message or its calls, if a delta has any.

        That is the last reasoning that is not closed, or else an item of its own: before what the
        delta begins, and after what it goes on with.
        """
        carried = delta.carried or any(fragment.carried for fragment in delta.calls)
        if not carried or self._context.seal is None:
            return None
        open_items = [item for item in self._queue if isinstance(item, ReasoningItem)]
        item = open_items[-1] if open_items else self._reasoning_item()
        item.carrier.add(delta.carried)
        return item.carrier

    def _say(self, delta: Delta, logprobs: object) -> None:
        entries = self._entries(delta, logprobs)
        if delta.content:
            self._has_text = True
            self._message().add_text(delta.content, entries)
        else:
            # A token can hold part of a character only: its text comes with the next one.
            self._early_entries = entries
        if delta.refusal:
            self._has_text = True
            top = self._request.top_logprobs
            refused = logprobs.get("refusal") if isinstance(logprobs, dict) else None
            entries = [] if top is None else chat_logprobs({"content": refused or []}, top=top)
            self._message().add_refusal(delta.refusal, entries)

    def _speak(self, audio: Json) -> None:
        self._has_text = self._has_text or bool(audio.get("transcript"))
        if not self._has_text:
            raise malformed("it is spoken, without a transcript, which responses cannot express")
        self._message_so_far().speak(audio)

    def _entries(self, delta: Delta, logprobs: object) -> list[Json]:
        """Return the logprobs of visible text: those of reasoning would name its tokens."""
        top = self._request.top_logprobs
        waiting, self._early_entries = self._early_entries, []
        if top is None or logprobs is None or (delta.hidden and not delta.content):
            return waiting
        return waiting + chat_logprobs(logprobs, top=top)

    def _message(self) -> MessageItem:
        last = self._queue[-1] if self._queue else None
        if not isinstance(last, MessageItem):
            last = MessageItem(self._next_index(), self._context.new_id())
            self._queue.append(last)
        return last

    def _message_so_far(self) -> MessageItem:
        """Return the last message that is not closed, or else a new one."""
        messages = [item for item in self._queue if isinstance(item, MessageItem)]
        return messages[-1] if messages else self._message()

    def _annotate(self, annotation: object) -> None:
        """Annotate the last message that is not closed.

        An annotation whose message is gone, or of a kind that responses do not know, is told beside
        the output.
        """
        flat = annotation_of(annotation)
        messages = [item for item in self._queue if isinstance(item, MessageItem)]
        gone = not messages and (self._has_text or self._calls)
        if flat is not None and not gone:
            message = messages[-1] if messages else self._message()
            message.add_annotation(flat)
        elif isinstance(annotation, dict) and annotation:
            add_sources(self._facts.beside, {"annotations": [flat or annotation]})

    def _begin_call(self) -> CallItem:
        names = self._request.names
        item = CallItem(self._next_index(), self._context.new_id(), names, self._call_ids)
        self._queue.append(item)
        return item

    def _output(self, status: str) -> list[Json]:  # noqa: ARG002 - it matters to a compaction
        """Return the output of a response that ends."""
        return self._done

    def _next_index(self) -> int:
        self._items += 1
        return self._items - 1

    def _advance(self) -> None:
        """Write what the first item has, and close it where others wait and it is complete."""
        while self._queue:
            self._write_item(self._queue[0].outbox)
            if len(self._queue) == 1 or not self._queue[0].complete:
                return
            self._close_first("completed")

    def _close_first(self, status: Status) -> None:
        item = self._queue[0]
        item.close(status)
        self._write_item(item.outbox)
        self._done.append(item.resource())
        self._queue.popleft()

    def _write_item(self, events: list[Json]) -> None:
        """Write what has become of an item, and forget it."""
        for event in events:
            self._write(event)
        events.clear()

    def _write(self, event: Json) -> None:
        self._written.append({"type": event["type"], "sequence_number": self._sequence} | event)
        self._sequence += 1

    def _sent(self) -> list[Json]:
        written, self._written = self._written, []
        return written
