"""The fast path of streams: runs of events with text only.

The generic path decodes an event, folds it, and encodes the result. Where event and result are text
only (`text_events.py`), more events of the same template have results of the same template. So
texts are copied from bytes to bytes, and the translation is fed afterwards: one event with all the
text of the run. For translations that pass text unchanged (`StreamTranslation.passes_text`) that
makes no difference, except to the number of events, which is corrected here.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from gateway.errors import GatewayError
from gateway.fast.budget import Budget
from gateway.fast.event_template import LARGEST, EventTemplate, text_of, with_text
from gateway.fast.text_events import is_text_event
from gateway.shapes import Json, Shape
from gateway.translate.contract import MAX_REPLY_CHARACTERS, StreamTranslation

MAX_PENDING = 16 * 1024
"""About how many characters may wait for the translation: memory stays bounded."""

_MAX_PIECES = 64
"""The number of pieces in which they wait."""

_Templates = tuple[EventTemplate, EventTemplate]
"""The template of an event as received, and that of its result."""

Folded = tuple[bytes, Sequence[Json], Json | None]
"""The bytes to send for received ones, the same as JSON, and the event if it was exactly one."""


class GenericPath(Protocol):
    """Takes the bytes that the fast path hands over."""

    def fold(self, call: int, data: bytes) -> Folded:
        """Take bytes of a call's stream; their events go through `DeltaFastPath.feed`."""

    def ended(self, call: int) -> bool:
        """Whether the rest of the call's stream is not needed."""


class _Call:
    """The state of one call's stream."""

    __slots__ = ("between_events", "budget", "held", "templates")

    def __init__(self) -> None:
        self.budget = Budget()
        self.templates: _Templates | None = None
        """The templates of the last folded text event that had any."""
        self.between_events = False
        """Whether the generic path has received whole events only."""
        self.held = b""
        """The beginning of an event that waits for its rest."""


class DeltaFastPath(StreamTranslation):
    """Takes the bytes of all calls of one stream, and hands over everything but runs of text.

    It is also the `StreamTranslation` that the generic path feeds, so that it knows when the state
    of the translation may have changed. It is open for one call at a time, from a folded text event
    until any other event of any call.
    """

    def __init__(
        self, client: Shape, target: Shape, calls: int, translation: StreamTranslation
    ) -> None:
        self._client = client
        self._target = target
        self._translation = translation
        self._calls = [_Call() for _ in range(calls)]
        self._received = 0
        self._open: int | None = None
        """The call whose next events may be taken."""
        self._opened_by: tuple[int, Json] = (0, {})
        """The event that opened it last, and its call."""
        self._number = 0
        """The `sequence_number` of the next event."""
        self._shift = 0
        """The difference between the numbers sent and those of the translation."""
        self._texts: list[str] = []
        """The texts that the translation has not been fed yet."""
        self._pending = 0
        """How many of their characters are in one piece."""

    def feed(self, call: int, event: Json) -> list[Json]:
        """Feed the translation, the texts before the event first; raises as it does."""
        self._settle()
        self._open = None
        return self._numbered(self._translation.feed(call, event))

    def end(self, call: int) -> list[Json]:
        """End a call's stream for the translation; raises as it does."""
        self._settle()
        self._open = None
        return self._numbered(self._translation.end(call))

    def fail(self, error: GatewayError) -> list[Json]:
        """Let the translation fail after all the text that was sent."""
        with suppress(GatewayError):
            self._settle()
        self._open = None
        return self._numbered(self._translation.fail(error))

    def ping(self) -> list[Json]:
        """Return the translation's."""
        return self._translation.ping()

    def satisfied(self, call: int) -> bool:
        """Whether nothing more of this call's stream is needed; text alone never changes that."""
        return self._translation.satisfied(call)

    def take(self, call: int, data: bytes, generic: GenericPath) -> bytes:
        """Take bytes of a call's stream; return those to send."""
        known = self._calls[call]
        self._received += len(data)
        if self._received > MAX_REPLY_CHARACTERS:
            # Text of this length may exceed a limit, which must be noticed at once.
            return generic.fold(call, self.rest(call) + data)[0]
        if self._open == call and not known.held:
            written = self._one(known, data)
            if written:
                return written
        if known.held:
            data = self.rest(call) + data
        if known.budget.exhausted:
            return generic.fold(call, data)[0]
        return self._take_all(call, known, data, generic)

    def _take_all(self, call: int, known: _Call, data: bytes, generic: GenericPath) -> bytes:
        pieces: list[bytes] = []
        start = 0
        while start < len(data):
            if self._open == call:
                written, end = self._run(known, data, start)
                if end > start:
                    pieces.append(written)
                    start = end
                    continue
            if generic.ended(call):
                break
            end = data.find(b"\n\n", start) + 2
            if end < 2:
                end = len(data)
                if known.between_events and known.templates and _can_wait(data[start:]):
                    known.held = data[start:]
                    break
            if known.budget.pauses:
                end = len(data)
                known.budget.begin()
            pieces.append(self._hand_over(call, known, data[start:end], generic))
            start = end
        return b"".join(pieces)

    def rest(self, call: int) -> bytes:
        """Take the beginning of an event that waits for its rest."""
        known = self._calls[call]
        held, known.held = known.held, b""
        return held

    def _run(self, known: _Call, data: bytes, start: int) -> tuple[bytes, int]:
        """Take the events at `start` of the last one's template, if there are any.

        Returns the bytes to send, and the end of those events.
        """
        if known.templates is None or self._pending > MAX_PENDING:
            return b"", start
        received, sent = known.templates
        texts, end = received.read(data, start)
        if not texts:
            return b"", start
        return self._sent(known, texts, sent), end

    def _one(self, known: _Call, data: bytes) -> bytes:
        """Take bytes that are one event of the last one's template; empty: `_run` must tell."""
        if known.templates is None or self._pending > MAX_PENDING:
            return b""
        received, sent = known.templates
        text = received.read_one(data)
        return self._sent(known, [text], sent) if text else b""

    def _sent(self, known: _Call, texts: list[str], sent: EventTemplate) -> bytes:
        """Return texts as events, and keep them for the translation."""
        first = self._number
        self._number += len(texts)
        self._texts += texts
        if len(self._texts) > _MAX_PIECES:
            self._texts = ["".join(self._texts)]
            self._pending = len(self._texts[0])
        known.budget.serve(len(texts))
        return sent.write(texts, first)

    def _hand_over(self, call: int, known: _Call, data: bytes, generic: GenericPath) -> bytes:
        """Let bytes be folded; open the fast path behind a text event that became one."""
        self._open = None
        written, events, event = generic.fold(call, data)
        known.between_events = data.endswith(b"\n\n")
        known.budget.miss()
        if event is None or len(events) != 1 or not self._translation.passes_text:
            return written
        (sent,) = events
        number = sent.get("sequence_number", 0)
        if known.templates is not None and _fit(known.templates, data, number, written):
            known.budget.spend(1)
        elif is_text_event(self._target, event) and is_text_event(self._client, sent):
            known.budget.spend(Budget.FIND)
            found = self._find(data, event, written, sent)
            if found is None:
                return written
            known.templates = found
        else:
            return written
        known.budget.begin()
        self._open = call
        self._opened_by = call, event
        self._number = number + 1
        return written

    def _find(self, wire: bytes, event: Json, written: bytes, sent: Json) -> _Templates | None:
        """Return the templates of an event and of its result; None: there are none."""
        received = EventTemplate.of(self._target, wire, event)
        client = EventTemplate.of(self._client, written, sent)
        if received is None or client is None or not client.writable:
            return None
        number = sent.get("sequence_number", 0)
        same = client.write([text_of(self._target, event)], number) == written
        return (received, client) if same else None

    def _settle(self) -> None:
        """Feed the translation the texts that wait, as one event."""
        if not self._texts:
            return
        call, event = self._opened_by
        event = with_text(self._target, event, "".join(self._texts))
        self._texts = []
        self._pending = 0
        events = self._translation.feed(call, event)
        if events and "sequence_number" in events[-1]:
            self._shift = self._number - 1 - events[-1]["sequence_number"]

    def _numbered(self, events: list[Json]) -> list[Json]:
        if not self._shift:
            return events
        return [
            {**event, "sequence_number": event["sequence_number"] + self._shift} for event in events
        ]


def _fit(templates: _Templates, wire: bytes, number: int, written: bytes) -> bool:
    """Whether these are the templates of an event and of its result."""
    received, sent = templates
    texts, end = received.read(wire, 0)
    return bool(texts) and end == len(wire) and sent.write(texts, number) == written


def _can_wait(piece: bytes) -> bool:
    """Whether a piece is certainly not a whole event, and short enough to wait for the rest."""
    return len(piece) < LARGEST and b"\r" not in piece
