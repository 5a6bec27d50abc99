"""A chat stream as a stream of responses events."""

from gateway.shapes import Json
from gateway.translate.contract import Context, check_reply_length
from gateway.translate.parts.content.sources import add_sources
from gateway.translate.parts.finish_reasons import ending_word, finish_reason, native_word
from gateway.translate.parts.tokens.logprobs import chat_logprobs
from gateway.translate.parts.tokens.visible_tokens import entries_of_text
from gateway.translate.parts.upstream_errors import ended_too_early, malformed_chat, without_error
from gateway.translate.responses_via_chat.deltas.call_tracking import CallTracker
from gateway.translate.responses_via_chat.deltas.carrier import Carrier, sign_calls
from gateway.translate.responses_via_chat.deltas.delta import (
    Delta,
    annotation_of,
    read_delta,
)
from gateway.translate.responses_via_chat.output.call_item import CallItem
from gateway.translate.responses_via_chat.output.frame import INCOMPLETE, ResponseFrame
from gateway.translate.responses_via_chat.output.items import ImageItem, MessageItem
from gateway.translate.responses_via_chat.output.queue import OutputQueue
from gateway.translate.responses_via_chat.output.reasoning_item import ReasoningItem
from gateway.translate.responses_via_chat.request import PreparedRequest
from gateway.translate.stream.choice_deltas import ChoiceDeltas, is_whole
from gateway.translate.stream.reply_choices import ChoicePlaces, choices_of


class ResponsesStream(ResponseFrame):
    """Folds the stream of the one call (a `StreamTranslation`)."""

    def __init__(
        self, request: PreparedRequest, context: Context, queue: OutputQueue | None = None
    ) -> None:
        super().__init__(request.client, context, queue)
        self._request = request
        self._places = ChoicePlaces(1)
        self._deltas = ChoiceDeltas()
        self._calls = CallTracker[CallItem](request.names.declared)
        self._call_ids: set[str] = set()
        self._early_entries: list[Json] = []
        self._has_text = self._has_content = self._has_audio = False
        self._has_images = False
        self._characters = 0
        self._finish: object = None

    def feed(self, call: int, event: Json) -> list[Json]:
        """Take one chunk; return the events to send.

        Raises `UpstreamReplied` for an error, `UpstreamError` for a value that is not a chunk.
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
            self._queue.advance()
        return self._queue.sent()

    def end(self, call: int) -> list[Json]:  # noqa: ARG002
        """Take the end of the stream; return the closing events.

        Raises `TruncatedStream` if there was no finish reason, and `UpstreamError` if it means a
        failure.
        """
        if self._ended:
            return []
        if self._finish is None:
            raise ended_too_early()
        return self.finish(self._finish)

    def finish(self, word: object) -> list[Json]:
        """End the reply with the upstream's `finish_reason`; raises as `end` does."""
        has_text = self._has_text or self._has_images or "content_parts" in self._facts.beside
        reason = finish_reason(word, has_text=has_text, has_tool_calls=bool(self._calls))
        self._open()
        if not has_text and not self._calls:
            if self._has_audio:
                says = "it is audio without a transcript, which responses cannot express"
                raise malformed_chat(says)
            self._message()
        incomplete = INCOMPLETE.get(reason)
        self._calls.finish(self._begin_call, truncated=incomplete is not None)
        self._complete(incomplete)
        return self._queue.sent()

    @property
    def passes_text(self) -> bool:
        """Whether the text comes without logprobs."""
        return self._request.top_logprobs is None

    def _take(self, choice: Json) -> None:
        if self._places.place(choice) is None:
            return
        for each in self._deltas.take(choice):
            self._take_delta(each)

    def _take_delta(self, choice: Json) -> None:
        delta = read_delta(choice)
        self._count(delta)
        if delta.reasoning:
            self._add_reasoning(delta)
        carrier = self._carrier(delta)
        self._add_texts(delta, choice.get("logprobs"))
        if delta.phase:
            self._latest_message().set_phase(delta.phase)
        for url in delta.images:
            self._has_images = True
            index = self._queue.next_index
            self._queue.add(ImageItem(index, self._context.new_id(), url))
        if delta.unknown_parts:
            parts = self._facts.beside.setdefault("content_parts", [])
            parts += delta.unknown_parts
        add_sources(self._facts.beside, delta.sources)
        whole = is_whole(choice)
        calls = self._calls.take_all(delta.calls, self._begin_call, whole=whole)
        sign_calls(carrier, calls, delta.calls)
        # If there are two reasons, the first one is right.
        self._finish = self._finish or ending_word(choice)
        self._native_word = self._native_word or native_word(choice)

    def _count(self, delta: Delta) -> None:
        self._characters += delta.length
        check_reply_length(self._characters, "max_output_tokens")

    def _add_reasoning(self, delta: Delta) -> None:
        if self._request.reasoning == "drop" and not self._request.gives_back:
            return
        last = self._queue.last
        item = last if isinstance(last, ReasoningItem) else self._reasoning_item()
        item.add(delta.reasoning_names, delta.reasoning)

    def _reasoning_item(self) -> ReasoningItem:
        form, index = self._request.reasoning, self._queue.next_index
        carrier = Carrier(
            self._context,
            self._calls.begun,
            is_shown=form != "drop",
            demanded=self._request.gives_back,
            goes_on=index > 0,
        )
        item = ReasoningItem(index, self._context.new_id(), form, carrier, self._context)
        return self._queue.add(item)

    def _carrier(self, delta: Delta) -> Carrier | None:
        """Return the carrier for a delta's fields of a message or its calls, if it has any.

        It belongs to the last open reasoning item, or else to a new one: that comes before items
        that the delta begins, and after those that it continues.
        """
        has_fields = delta.carried or any(fragment.carried for fragment in delta.calls)
        if not has_fields or self._context.seal is None:
            return None
        item = next(self._queue.open_items(ReasoningItem), None) or self._reasoning_item()
        item.carrier.add_fields(delta.carried)
        return item.carrier

    def _add_texts(self, delta: Delta, logprobs: object) -> None:
        """Add the text with its audio and annotations, then a refusal, which is the next part."""
        self._add_text(delta, logprobs)
        if delta.audio:
            self._add_audio(delta)
        for annotation in delta.annotations:
            self._annotate(annotation)
        if delta.refusal:
            self._has_text = True
            top = self._request.top_logprobs
            refused = logprobs.get("refusal") if isinstance(logprobs, dict) else None
            entries = [] if top is None else chat_logprobs({"content": refused or []}, top=top)
            self._message().add_refusal(delta.refusal, entries)

    def _add_text(self, delta: Delta, logprobs: object) -> None:
        entries = self._entries(delta, logprobs)
        if delta.content:
            self._has_text = self._has_content = True
            self._message().add_text(delta.content, entries)
        else:
            # A token can be a part of a character: its text comes with the next one.
            self._early_entries = entries

    def _add_audio(self, delta: Delta) -> None:
        """Add audio: its transcript is the text, if there is no other (Qwen's has both)."""
        message, sound = self._latest_message(), delta.audio
        self._has_audio = True
        if delta.transcript and not self._has_content:
            self._has_text = True
            message.add_text(delta.transcript, ())
            sound = {name: value for name, value in sound.items() if name != "transcript"}
        if sound:
            message.add_audio(sound)

    def _entries(self, delta: Delta, logprobs: object) -> list[Json]:
        """Return the logprobs of visible text; logprobs of reasoning would reveal its tokens."""
        top = self._request.top_logprobs
        early, self._early_entries = self._early_entries, []
        if top is None or logprobs is None or (delta.hidden and not delta.content):
            return early
        entries = chat_logprobs(logprobs, top=top)
        if delta.hidden:
            entries = entries_of_text(entries, delta.content, delta.reasoning)
        return early + entries

    def _latest_message(self) -> MessageItem:
        """Return the last open message, or else a new one."""
        return next(self._queue.open_items(MessageItem), None) or self._message()

    def _annotate(self, annotation: object) -> None:
        """Add an annotation to the last open message.

        If that message or its text has ended, or responses have no such annotation, it goes into a
        field beside the output.
        """
        flat = annotation_of(annotation)
        message = next(self._queue.open_items(MessageItem), None)
        has_ended = message is None and (self._has_text or self._calls)
        if message is not None and message.refuses:
            has_ended = self._has_content
        if flat is not None and not has_ended:
            (message or self._message()).add_annotation(flat)
        elif isinstance(annotation, dict) and annotation:
            add_sources(self._facts.beside, {"annotations": [flat or annotation]})

    def _begin_call(self) -> CallItem:
        names, index = self._request.names, self._queue.next_index
        return self._queue.add(CallItem(index, self._context.new_id(), names, self._call_ids))
