"""The short way of a stream's common events, those that carry text and nothing else that is new.

The general way decodes an event, folds it, and encodes what comes of it. Where it has just done so
with an event of text only, the next ones that differ from it in their text alone can only come out
like it: so their texts are taken from the bytes and put into the bytes.
"""

from collections.abc import Sequence

from gateway.fast.event_template import LARGEST, EventTemplate, text_of
from gateway.shapes import Json, Shape
from gateway.translate.contract import PlainTexts

PATIENCE = 16
"""After how many events that open no lane the rest of a read is taken together."""

_FINDING = 4
"""What it costs to find the forms of an event; to see that they are the known ones costs 1."""

_TRIAL = 16
"""How much may be spent before it must have paid."""

_WORTH = 2
"""How many events must be served for what has been spent."""


class DeltaFastPath:
    """The short way of one call's stream. It is open only right behind an event that proved it."""

    __slots__ = (
        *("_call", "_client", "_forms", "_home", "_plain", "_served", "_spent"),
        *("held", "missed", "open_at"),
    )

    def __init__(self, client: Shape, home: Shape, call: int, plain: PlainTexts) -> None:
        self._client = client
        self._home = home
        self._call = call
        self._plain = plain
        self._forms: tuple[EventTemplate, EventTemplate] | None = None
        self._served = 0
        self._spent = 0
        self.open_at = -1
        """How many events of the whole request had gone the general way when it was proved."""
        self.missed = 0
        """How many events in a row have not opened it."""
        self.held = b""
        """The beginning of an event, which waits for its rest."""

    @property
    def worthless(self) -> bool:
        """Whether the events of this stream differ too much."""
        return self._spent >= _TRIAL and self._served < _WORTH * self._spent

    def take(self, data: bytes, start: int) -> tuple[bytes, int]:
        """Take the events from `start` on that can go this way; none, perhaps.

        Returns the bytes to send, and where those events end.
        """
        if self._forms is None:
            return b"", start
        received, sent = self._forms
        texts, end = received.read(data, start)
        if not texts:
            return b"", start
        number = self._plain.take_plain(self._call, texts)
        if number is None:
            return b"", start
        self._served += len(texts)
        return sent.write(texts, number), end

    def can_hold(self, piece: bytes) -> bool:
        """Whether a piece is surely no event yet, and short enough to wait for the rest."""
        return len(piece) < LARGEST and b"\r" not in piece

    def proved(self, wire: bytes, event: Json, events: Sequence[Json], written: bytes) -> bool:
        """Whether the lane is open behind an event that has just gone the general way.

        `wire` is the event as received, `events` what came of it, and `written` the bytes of that.
        """
        if len(events) != 1 or not self._plain.is_plain(self._call, event):
            return False
        number = events[0].get("sequence_number", 0)
        self._spent += 1
        if self._forms is not None:
            received, sent = self._forms
            texts, end = received.read(wire, 0)
            if texts and end == len(wire) and sent.write(texts, number) == written:
                return True
        self._spent += _FINDING - 1
        forms = (
            EventTemplate.of(self._home, wire, event),
            EventTemplate.of(self._client, written, events[0]),
        )
        if forms[0] is None or forms[1] is None or not forms[1].writable:
            return False
        self._forms = forms[0], forms[1]
        return forms[1].write([text_of(self._home, event)], number) == written
