"""A chat stream as a stream of messages events."""

from gateway.errors import GatewayError
from gateway.shapes import Json
from gateway.translate.contract import Context, Report, StreamTranslation, check_reply_length
from gateway.translate.messages_via_chat.blocks import CallBlock, CarryingBlock, RefusalBlock
from gateway.translate.messages_via_chat.ending import Ending
from gateway.translate.parts.messages.prepared import PreparedMessages, known_call_ids
from gateway.translate.parts.upstream_errors import ended_too_early, without_error
from gateway.translate.responses_via_chat.deltas.call_tracking import CallTracker
from gateway.translate.responses_via_chat.deltas.carrier import Carrier, sign_calls
from gateway.translate.responses_via_chat.deltas.delta import Delta, read_delta
from gateway.translate.responses_via_chat.output.response_object import UpstreamFacts
from gateway.translate.stream.choice_deltas import ChoiceDeltas, is_whole
from gateway.translate.stream.messages.messages_blocks import TextBlock
from gateway.translate.stream.messages.messages_frame import MessagesFrame
from gateway.translate.stream.reply_choices import ChoicePlaces, choices_of
from gateway.translate.stream.stops import StopScanner


class MessagesStream(StreamTranslation):
    """Folds the stream of the one call (a `StreamTranslation`)."""

    def __init__(self, request: PreparedMessages, context: Context, report: Report) -> None:
        self._request = request
        self._context = context
        self._report = report
        self._frame = MessagesFrame(context)
        self._facts = UpstreamFacts()
        self._places = ChoicePlaces(1)
        self._deltas = ChoiceDeltas()
        self._calls = CallTracker[CallBlock](request.options.tools)
        self._call_ids: set[str] | None = None
        self._scanner = StopScanner(request.options.stop_sequences)
        self._ending = Ending(request.options, report)
        self._characters = 0
        self._has_content = False

    def feed(self, call: int, event: Json) -> list[Json]:
        """Take one chunk; return the events to send.

        Raises `UpstreamReplied` for an error, `UpstreamError` for a value that is not a chunk.
        """
        if self._frame.ended:
            return []
        without_error(call, event, self._request)
        choices = choices_of(event)
        self._facts.note(event)
        for choice in choices:
            self._take(choice)
        if self._frame.last is not None or self._ending.word is not None:
            facts = self._facts
            self._frame.start(facts.model, facts.usage, facts.service_tier)
            self._frame.advance()
        if self._scanner.found is not None:
            self._finish()
        return self._frame.sent()

    def end(self, call: int) -> list[Json]:  # noqa: ARG002
        """Take the end of the stream; return the closing events.

        Raises `TruncatedStream` if there was no finish reason, and `UpstreamError` if it means a
        failure, or if a call cannot be used.
        """
        if self._frame.ended:
            return []
        if self._ending.word is None:
            raise ended_too_early()
        self._finish()
        return self._frame.sent()

    def fail(self, error: GatewayError) -> list[Json]:
        """Return the event that reports an error."""
        return self._frame.fail(error)

    def ping(self) -> list[Json]:
        """Return a ping, once the message has begun."""
        return self._frame.ping()

    def satisfied(self, call: int) -> bool:  # noqa: ARG002
        """Whether a stop sequence was found: the rest of the upstream's reply is not needed."""
        return self._scanner.found is not None

    @property
    def passes_text(self) -> bool:
        """Whether no stop sequences are looked for."""
        return not self._request.options.stop_sequences

    def _finish(self) -> None:
        self._end_text()
        found = self._scanner.found
        truncated = found is not None or self._ending.is_cut_short
        self._calls.finish(self._begin_call, truncated=truncated)
        stop = self._ending.stop(has_tool_calls=bool(self._calls), found=found)
        facts = self._facts
        for name in facts.beside:
            self._report.drop(name)
        self._frame.start(facts.model, facts.usage, facts.service_tier)
        self._frame.end(stop, facts.usage, facts.service_tier, truncated=truncated)

    def _take(self, choice: Json) -> None:
        if self._places.place(choice) is None:
            self._report.drop("choices[1]")
            return
        for each in self._deltas.take(choice):
            if self._scanner.found is None:
                self._take_delta(each)

    def _take_delta(self, choice: Json) -> None:
        delta = read_delta(choice)
        self._count(delta)
        if delta.reasoning:
            self._add_reasoning(delta)
        carrier = self._carrier(delta)
        self._has_content = self._has_content or bool(delta.content)
        said = delta.content if self._has_content else delta.transcript
        if said:
            self._say(said)
        if delta.refusal:
            self._end_text()
            self._ending.refuse(delta.refusal)
            self._refusal_block().add(delta.refusal)
        if delta.calls and self._scanner.found is None:
            whole = is_whole(choice)
            calls = self._calls.take_all(delta.calls, self._begin_call, whole=whole)
            sign_calls(carrier, calls, delta.calls)
        self._ending.note(choice)
        self._report_rest(delta)

    def _count(self, delta: Delta) -> None:
        self._characters += delta.length
        check_reply_length(self._characters, "max_tokens")

    def _report_rest(self, delta: Delta) -> None:
        """Report the fields of a delta that messages have no place for."""
        for name in ("annotations", "images", "audio", "phase"):
            if getattr(delta, name):
                self._report.drop(name)
        for part in delta.unknown_parts:
            self._report.drop(f"content.{part.get('type')}")
        for name in delta.sources:
            self._report.drop(name)

    def _add_reasoning(self, delta: Delta) -> None:
        if self._request.options.thinking == "none":
            return
        self._end_text()
        last = self._frame.last
        block = last if isinstance(last, CarryingBlock) else self._thinking_block()
        block.carrier.add_text(delta.reasoning_names, delta.reasoning)
        block.add(delta.reasoning)

    def _thinking_block(self) -> CarryingBlock:
        is_shown = self._request.options.thinking == "summarized"
        carrier = Carrier(
            self._context,
            self._calls.begun,
            is_shown=is_shown,
            demanded=False,
            goes_on=self._frame.has_content,
        )
        return self._frame.add(CarryingBlock(self._context, carrier, is_shown=is_shown))

    def _carrier(self, delta: Delta) -> Carrier | None:
        """Return the carrier for a delta's fields of a message or its calls, if it has any.

        It belongs to the last open block of reasoning, or else to a new one: that comes before
        blocks that the delta begins, and after those that it continues.
        """
        has_fields = delta.carried or any(fragment.carried for fragment in delta.calls)
        hidden = self._request.options.thinking == "none"
        if not has_fields or hidden or self._context.seal is None:
            return None
        block = next(self._frame.open_blocks(CarryingBlock), None)
        if block is None:
            self._end_text()
            block = self._thinking_block()
        block.carrier.add_fields(delta.carried)
        return block.carrier

    def _say(self, text: str) -> None:
        self._ending.speak()
        shown = self._scanner.feed(text)
        if shown:
            self._text_block().add(shown)

    def _text_block(self) -> TextBlock:
        """Return the last block if it is text, or else a new one."""
        last = self._frame.last
        if isinstance(last, TextBlock) and not isinstance(last, RefusalBlock):
            return last
        return self._frame.add(TextBlock())

    def _refusal_block(self) -> RefusalBlock:
        last = self._frame.last
        return last if isinstance(last, RefusalBlock) else self._frame.add(RefusalBlock())

    def _end_text(self) -> None:
        """Show the text that was held back: other content ends a possible stop sequence."""
        if self._scanner.found is not None:
            return
        held = self._scanner.flush()
        if held:
            self._text_block().add(held)
            self._scanner = StopScanner(self._request.options.stop_sequences)

    def _begin_call(self) -> CallBlock:
        self._end_text()
        if self._call_ids is None:
            self._call_ids = known_call_ids(self._request.client)
        own_id = f"toolu_{self._context.new_id()}"
        return self._frame.add(CallBlock(self._request.options, own_id, self._call_ids))
