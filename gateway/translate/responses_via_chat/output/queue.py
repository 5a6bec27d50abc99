"""The output items of a streamed response, written one strictly after another.

Chat interleaves fragments of several tool calls, text between them, and reasoning after text.
Clients of responses cannot take overlapping items (Codex drops text after another item's end,
litellm#38654). So items queue: the first is written as it arrives, the others wait. A message or
reasoning ends when another item begins, a call when its arguments are complete JSON; all others end
with the stream.
"""

from collections import deque
from collections.abc import Iterator
from typing import TypeVar

from gateway.shapes import Json
from gateway.translate.responses_via_chat.output.items import OutputItem, Status

Item = TypeVar("Item", bound=OutputItem)


class OutputQueue:
    """The items of one response in order, and its events that wait to be sent."""

    def __init__(self) -> None:
        self.done: list[Json] = []
        """The items that have ended, as JSON."""
        self.next_index = 0
        """The `output_index` of the next item."""
        self._open: deque[OutputItem] = deque()
        self._events: list[Json] = []
        self._sequence = 0

    def add(self, item: Item) -> Item:
        """Append an item, and return it."""
        self._open.append(item)
        self.next_index += 1
        return item

    @property
    def last(self) -> OutputItem | None:
        """The last item, unless it has ended."""
        return self._open[-1] if self._open else None

    def open_items(self, kind: type[Item]) -> Iterator[Item]:
        """Yield the items of a kind that have not ended, the last one first."""
        return (item for item in reversed(self._open) if isinstance(item, kind))

    def write(self, event: Json) -> None:
        """Append an event, with its `sequence_number`."""
        self._events.append({"type": event["type"], "sequence_number": self._sequence} | event)
        self._sequence += 1

    def sent(self) -> list[Json]:
        """Return the events that are to be sent now."""
        events, self._events = self._events, []
        return events

    def advance(self) -> None:
        """Write the events of the first item; end it if others wait and it is complete."""
        while self._open:
            self._write_item(self._open[0])
            if len(self._open) == 1 or not self._open[0].complete:
                return
            self._end_first("completed")

    def end(self, *, truncated: bool) -> None:
        """End all items; if `truncated`, the last one and those that are cut off are incomplete."""
        while self._open:
            lacks_its_end = len(self._open) == 1 or self._open[0].is_cut_off
            self._end_first("incomplete" if truncated and lacks_its_end else "completed")

    def break_off(self) -> list[Json]:
        """Return the output of a response that has failed: the items that the client has seen."""
        if not self._open or not self._open[0].announced:
            return list(self.done)
        item = self._open[0]
        self._write_item(item)
        item.status = "incomplete"
        return [*self.done, item.resource()]

    def _end_first(self, status: Status) -> None:
        item = self._open[0]
        item.close(status)
        self._write_item(item)
        self.done.append(item.resource())
        self._open.popleft()

    def _write_item(self, item: OutputItem) -> None:
        for event in item.outbox:
            self.write(event)
        item.outbox.clear()
