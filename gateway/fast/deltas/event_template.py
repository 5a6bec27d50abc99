"""The template of an event: its bytes, with slots where events of one kind differ.

Most events of a stream repeat the event before them byte by byte, except for their text, a number
that counts up, and padding. Filling a slot with another string (or number) changes only that value.
So facts about one event hold for all events of its template, and only their slots must be read.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Any

import msgspec

from gateway.fast.deltas.event_slots import NUMBER, PADDING, TEXTS, Slot
from gateway.fast.deltas.text_events import Kind
from gateway.shapes import Json, Shape

LARGEST = 4096
"""The size of the largest event with a template: a larger one is not worth the memory."""

_WINDOW = 16 * 1024
"""The bytes that are read together. Those after an event of another template are read again."""

_BEFORE_DATA = re.compile(rb"(?:event: ?[^\r\n]*\n)?data: ?")


class EventTemplate:
    """The constant bytes of text events. Numbers and padding are slots where present."""

    __slots__ = (
        "_before_gaps",
        "_closing",
        "_gaps",
        "_head",
        "_line_count",
        "_line_head",
        "_opening",
        "_slots",
        "_tail",
        "_text",
    )

    def __init__(self, text: Slot, slots: Sequence[Slot], constants: Sequence[bytes]) -> None:
        self._text = text
        self._slots = slots
        self._head, *self._gaps, self._tail = constants
        self._line_count = self._head.count(b"\n") + 2
        self._line_head = self._head[self._head.rfind(b"\n") + 1 :]
        self._opening = self._head + b'"'
        self._closing = b'"' + self._tail
        self._before_gaps = list(zip(slots, self._gaps, strict=False))
        """All slots but the last one, each with the bytes between it and the next slot."""

    @classmethod
    def of(
        cls, shape: Shape, wire: bytes, event: Json, kind: Kind = "text"
    ) -> "EventTemplate | None":
        """Return the template of an event of a kind; None if it has none for certain.

        `wire` is the event as it was sent, `event` its decoded data.
        """
        opening = wire.find(b"{")
        if opening < 0 or len(wire) > LARGEST or not _BEFORE_DATA.fullmatch(wire, 0, opening):
            return None
        data = wire[opening:-2]
        if not wire.endswith(b"\n\n") or b"\n" in data or b"\r" in data:
            return None
        text = TEXTS[kind, shape]
        place = text.place(data, event)
        if place is None:
            return None
        places = [(*place, text)]
        for slot in (NUMBER, PADDING):
            if slot.path[0] in event and (place := slot.place(data, event)):
                places.append((*place, slot))
                places.sort(key=itemgetter(0))
        constants = []
        end = 0
        for start, next_end, _ in places:
            constants.append(wire[end : opening + start])
            end = opening + next_end
        return cls(text, [slot for _, _, slot in places], [*constants, wire[end:]])

    @property
    def writable(self) -> bool:
        """Whether `write` can fill the slots."""
        return self._slots in ([self._text], [NUMBER, self._text])

    def read_one(self, data: bytes) -> str:
        """Return the text if `data` is one event of this template; empty if `read` has to tell."""
        if self._gaps:
            return self._read_slots(data)
        if data.startswith(self._opening) and data.endswith(self._closing) and len(data) <= LARGEST:
            # A valid JSON string between the two quotes has no line break, so this is one event.
            with suppress(msgspec.DecodeError, UnicodeDecodeError):
                text: str = self._text.decode(data[len(self._head) : -len(self._tail)])
                return text
        return ""

    def _read_slots(self, data: bytes) -> str:
        """Do what `read_one` does for a template with more slots than the text."""
        text = ""
        if (
            data.startswith(self._head)
            and data.endswith(self._tail)
            and len(data) <= LARGEST
            and data.count(b"\n") == self._line_count
            and b"\r" not in data
        ):
            filled = data[len(self._head) : -len(self._tail)]
            with suppress(msgspec.DecodeError, UnicodeDecodeError):
                for slot, gap in self._before_gaps:
                    first, _, filled = filled.partition(gap)
                    text = self._noted(slot, first, text)
                return self._noted(self._slots[-1], filled, text)
        return ""

    def _noted(self, slot: Slot, filling: bytes, text: str) -> str:
        """Return the filling if the slot is that of the text, else `text`.

        Raises if the filling is not valid in the slot.
        """
        value = slot.decode(filling)
        return value if slot is self._text else text

    def read(
        self, data: bytes, start: int, takes: Callable[[list[str]], int] = len
    ) -> tuple[list[str], int]:
        """Return the texts of the events of this template in `data` from `start` on, and their end.

        An event without text, or an incomplete one, ends the run. `takes` says how many of the
        texts may be taken.
        """
        if not data.startswith(self._head, start):
            return [], start
        fillings = self._fillings(data[start : start + _WINDOW])
        columns = _columns(fillings, self._gaps) if self._gaps else [fillings]
        texts: list[str] = []
        count = len(fillings)
        for slot, column in zip(self._slots, columns, strict=True):
            values = _decoded(slot.decode, column)
            count = min(count, len(values))
            if slot is self._text:
                texts = values
        if "" in texts:
            count = min(count, texts.index(""))
        count = takes(texts[:count])
        end = start + count * (len(self._head) + len(self._tail))
        return texts[:count], end + sum(map(len, fillings[:count]))

    def _fillings(self, data: bytes) -> list[bytes]:
        """Return, for each event that `data` begins with, the bytes between head and tail.

        Each line is cut at the lengths of head and tail. Joining the pieces again proves that the
        events are of this template.
        """
        if b"\r" in data:
            return []
        if (
            len(data) <= LARGEST
            and data.count(b"\n") == self._line_count
            and data.endswith(self._tail)
        ):
            # A single event, as slow models send them.
            return [data[len(self._head) : -len(self._tail)]]
        lines = data.split(b"\n")
        whole = (len(lines) - 1) // self._line_count * self._line_count
        begin, end = len(self._line_head), 2 - len(self._tail)
        rows = lines[self._line_count - 2 : whole : self._line_count]
        while rows and not rows[-1].startswith(self._line_head):
            # Events of other templates end most runs.
            rows.pop()
        fillings = [row[begin:end] for row in rows]
        if not data.startswith(self._head + (self._tail + self._head).join(fillings) + self._tail):
            del fillings[self._count_good(data, fillings) :]
        return fillings

    def _count_good(self, data: bytes, fillings: Sequence[bytes]) -> int:
        """Return the number of events of this template that `data` begins with."""
        head, tail = self._head, self._tail
        end = 0
        for position, filling in enumerate(fillings):
            event = head + filling + tail
            if not data.startswith(event, end):
                return position
            end += len(event)
        return len(fillings)

    def write_one(self, text: str, number: int) -> bytes:
        """Return the event with this text, and with this number, if the template has numbers."""
        written = msgspec.json.encode(text)
        if self._gaps:
            written = b"%d%b%b" % (number, self._gaps[0], written)
        return self._head + written + self._tail

    def write(self, texts: Sequence[str], number: int) -> bytes:
        """Return the events with these texts; `number` is the first one's, if they have numbers."""
        written = list(map(msgspec.json.encode, texts))
        if self._gaps:
            (gap,) = self._gaps
            written = [b"%d%b%b" % (n, gap, each) for n, each in enumerate(written, number)]
        return b"%b%b%b" % (self._head, (self._tail + self._head).join(written), self._tail)


def _columns(fillings: Sequence[bytes], gaps: Sequence[bytes]) -> list[list[bytes]]:
    """Return the fillings slot by slot, not yet validated."""
    columns: list[list[bytes]] = []
    rest = list(fillings)
    for gap in gaps:
        parted = [each.partition(gap) for each in rest]
        columns.append([first for first, _, _ in parted])
        rest = [behind for _, _, behind in parted]
    return [*columns, rest]


def _decoded(decode: Callable[[bytes], Any], column: Sequence[bytes]) -> list[Any]:
    """Return the values of a slot up to the first invalid one."""
    values: list[Any] = []
    try:
        values.extend(map(decode, column))
    except (msgspec.DecodeError, UnicodeDecodeError):
        # The values before it are in the list.
        return values
    return values
