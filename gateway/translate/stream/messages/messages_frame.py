"""The frame of a messages stream, whatever its blocks are made of.

Anthropic's SDKs decide the grammar: `message_start` first, blocks one strictly after another with
indexes that count from 0, one `message_delta` with the reason and the whole usage, `message_stop`.
Other shapes interleave calls, and text between them. So blocks queue: the first is written as it
arrives, the others wait until it has ended.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

from gateway.errors import GatewayError
from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.parts.fields import model_name
from gateway.translate.parts.messages.errors import messages_error
from gateway.translate.parts.messages.stop_reasons import Stop
from gateway.translate.parts.messages.usage import messages_usage
from gateway.translate.stream.messages.block_deltas import PARTIAL
from gateway.translate.stream.messages.message_events import check_inputs, message_of
from gateway.translate.stream.messages.messages_blocks import Block, is_input

AnyBlock = TypeVar("AnyBlock", bound=Block)

_PING: Final[Json] = {"type": "ping"}


class MessagesFrame:
    """The events of one message that wait to be sent, and its blocks that have not ended."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._waiting: deque[Block] = deque()
        self._events: list[Json] = []
        self._index = -1
        """The index of the last block that has begun."""
        self._is_open = False
        """Whether the first of the blocks has begun."""
        self._has_started = False
        self.ended = False
        """Whether the last event, or an error, has been written."""

    def start(self, model: object, usage: object, tier: object = None) -> None:
        """Write the event that begins the message, once, with the upstream's fields so far."""
        if self._has_started:
            return
        self._has_started = True
        message: Json = {
            "id": f"msg_{self._context.new_id()}",
            "type": "message",
            "role": "assistant",
            "model": model_name(model, self._context),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "stop_details": None,
            "usage": messages_usage(usage, tier),
        }
        self._events.append({"type": "message_start", "message": message})

    def add(self, block: AnyBlock) -> AnyBlock:
        """Append a block, and return it."""
        self._waiting.append(block)
        return block

    @property
    def has_content(self) -> bool:
        """Whether there is any block, ended or not."""
        return bool(self._waiting) or self._index >= 0

    @property
    def last(self) -> Block | None:
        """The last block, unless it has ended."""
        return self._waiting[-1] if self._waiting else None

    def open_blocks(self, kind: type[AnyBlock]) -> Iterator[AnyBlock]:
        """Yield the blocks of a kind that have not ended, the last one first."""
        return (block for block in reversed(self._waiting) if isinstance(block, kind))

    def advance(self) -> None:
        """Write the events of the first block; end it if others wait and it is complete."""
        while self._waiting:
            first = self._waiting[0]
            self._write(first)
            if len(self._waiting) == 1 or not first.complete:
                return
            self._end_first(truncated=False)

    def end(self, stop: Stop, usage: object, tier: object = None, *, truncated: bool) -> None:
        """End all blocks and the message.

        With `truncated` the last block was not completed, nor were others that show it
        (`is_cut_off`). Raises `UpstreamError` for a block that cannot end.
        """
        while self._waiting:
            lacks_its_end = len(self._waiting) == 1 or self._waiting[0].is_cut_off
            self._end_first(truncated=truncated and lacks_its_end)
        counted = messages_usage(usage, tier)
        self._events.append({"type": "message_delta", "delta": stop.fields(), "usage": counted})
        self._events.append({"type": "message_stop"})
        self.ended = True

    def sent(self) -> list[Json]:
        """Return the events that are to be sent now."""
        events, self._events = self._events, []
        return events

    def fail(self, error: GatewayError) -> list[Json]:
        """Return the events that wait, and the event that ends a message with an error."""
        if self.ended:
            return []
        self.ended = True
        return [*self.sent(), messages_error(error, self._context.model_asked)]

    def ping(self) -> list[Json]:
        """Return the event that shows that the stream is alive; none before its first event."""
        return [_PING] if self._has_started and not self.ended else []

    def _end_first(self, *, truncated: bool) -> None:
        first = self._waiting[0]
        first.close(truncated=truncated)
        self._write(first)
        if self._is_open:
            self._events.append({"type": "content_block_stop", "index": self._index})
        self._is_open = False
        first.ended = True
        self._waiting.popleft()

    def _write(self, block: Block) -> None:
        """Write the new events of the first block, if it has begun."""
        if block.start is None:
            return
        if not self._is_open:
            self._is_open = True
            self._index += 1
            start = {"index": self._index, "content_block": block.start}
            self._events.append({"type": "content_block_start", **start})
        for delta in block.deltas:
            self._events.append(
                {"type": "content_block_delta", "index": self._index, "delta": delta}
            )
        block.deltas.clear()


def whole_message(events: Sequence[Json], report: Report) -> Json:
    """Return the message that the events of a whole stream make.

    Calls that a limit has cut off are left out and reported, because their input is not an object.
    Raises `UpstreamError` for any other input that is not an object.
    """
    inputs: dict[int, str] = {}
    for event in events:
        if event["type"] == "content_block_start" and event["content_block"]["type"] == "tool_use":
            inputs[event["index"]] = ""
        elif (delta := event.get("delta", {})).get("type") == "input_json_delta":
            inputs[event["index"]] += delta["partial_json"]
    cut_off = {index for index, text in inputs.items() if not is_input(text)}
    message = message_of(event for event in events if not _is_input_of(event, cut_off))
    check_inputs(message)
    cut_off |= {index for index, block in enumerate(message["content"]) if PARTIAL in block}
    if message["stop_reason"] in ("max_tokens", "model_context_window_exceeded"):
        last = len(message["content"]) - 1
        cut_off |= {index for index, text in inputs.items() if index == last and not text}
    for index in sorted(cut_off):
        report.drop(f"content[{index}]")
    kept = [block for index, block in enumerate(message["content"]) if index not in cut_off]
    return {**message, "content": kept}


def _is_input_of(event: Json, cut_off: set[int]) -> bool:
    return event["type"] == "content_block_delta" and event["index"] in cut_off
