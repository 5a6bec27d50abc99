"""The fast path of streams: runs of events with text only, or with arguments of a call only.

The generic path decodes an event, folds it, and encodes the result. Where event and result are text
only (`text_events.py`), more events of the same template have results of the same template. So
texts are copied from bytes to bytes, and the translation is fed afterwards: one event with all the
text of the run. For translations that pass text unchanged (`StreamTranslation.passes_text`) that
makes no difference, except to the number of events, which is corrected here. So it is with
arguments, as long as their JSON is open (`open_arguments.py`).
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from gateway.errors import GatewayError
from gateway.fast.deltas.budget import Budget
from gateway.fast.deltas.event_slots import with_text
from gateway.fast.deltas.event_template import LARGEST
from gateway.fast.deltas.open_arguments import OpenArguments
from gateway.fast.deltas.template_pairs import (
    Exchanged,
    TemplatePair,
    kind_of,
    shorter,
    templates_of,
)
from gateway.fast.deltas.text_events import Kind
from gateway.fast.paths import Folded
from gateway.shapes import Json, Shape
from gateway.translate.contract import MAX_REPLY_CHARACTERS, StreamTranslation

MAX_PENDING = 16 * 1024
"""About how many characters may wait for the translation, which bounds the memory."""

_MAX_PIECES = 64
"""The most pieces in which these characters wait."""

_PASSED = frozenset({(Shape.CHAT, Shape.RESPONSES), (Shape.RESPONSES, Shape.CHAT)})
"""The shapes of clients and upstreams between which arguments are passed on unchanged."""


class GenericPath(Protocol):
    """Takes the bytes that the fast path hands over."""

    def fold(self, call: int, data: bytes) -> Folded:
        """Take bytes of a call's stream; their events go through `DeltaFastPath.feed`."""

    def ended(self, call: int) -> bool:
        """Whether the rest of the call's stream is not needed."""


class _Call:
    """The state of one call's stream."""

    __slots__ = ("arguments", "between_events", "budget", "held", "templates")

    def __init__(self, target: Shape) -> None:
        self.budget = Budget()
        self.arguments = OpenArguments(target)
        self.templates: TemplatePair | None = None
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
        self._calls = [_Call(target) for _ in range(calls)]
        passes = (client, target) in _PASSED
        self._kinds: Sequence[Kind] = ("text", "arguments") if passes else ("text",)
        self._received = 0
        self._open: int | None = None
        """The call whose next events may be taken."""
        self._opened_by: tuple[int, Json] = (0, {})
        """The call and the event that opened the fast path last."""
        self._number = 0
        """The `sequence_number` of the next event."""
        self._shift = 0
        """The difference between the numbers sent and those of the translation."""
        self._texts: list[str] = []
        """The texts that the translation has not been fed yet."""
        self._fed = 0
        """How many characters of the arguments the translation has surely been fed."""
        self._pending = 0
        """How many characters of `_texts` were joined into one piece."""

    def feed(self, call: int, event: Json) -> list[Json]:
        """Feed the translation, the texts before the event first; raises as it does."""
        self._settle()
        self._open = None
        if len(self._kinds) > 1:
            self._calls[call].arguments.note(event)
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
        """Return the events of the translation that show that the stream is alive."""
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
            return generic.fold(call, self.flush(call) + data)[0]
        if self._open == call and not known.held and (written := self._one(known, data)):
            return written
        if known.held:
            data = self.flush(call) + data
        if known.budget.exhausted:
            self._open = None  # the generic path may keep an event back
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

    def flush(self, call: int) -> bytes:
        """Return the beginning of an event that waits for its rest, which is then forgotten."""
        known = self._calls[call]
        held, known.held = known.held, b""
        return held

    def _run(self, known: _Call, data: bytes, start: int) -> tuple[bytes, int]:
        """Take the events at `start` that have the template of the last event, if there are any.

        Returns the bytes to send, and the end of those events.
        """
        if known.templates is None or self._pending > MAX_PENDING:
            return b"", start
        templates = known.templates
        takes = len if templates.kind == "text" else known.arguments.takes
        texts, end = templates.received.read(data, start, takes)
        if not texts:
            return b"", start
        return self._sent(known, texts, templates), end

    def _one(self, known: _Call, data: bytes) -> bytes:
        """Take bytes that are one event with the template of the last event; return its bytes.

        Empty if only `_run` can tell.
        """
        if known.templates is None or self._pending > MAX_PENDING:
            return b""
        templates = known.templates
        text = templates.received.read_one(data)
        if not text or (templates.kind == "arguments" and not known.arguments.takes([text])):
            return b""
        number = self._number
        self._number = number + 1
        self._texts.append(text)
        if len(self._texts) > _MAX_PIECES:
            self._reduce(templates.kind)
        known.budget.served += 1
        return templates.sent.write_one(text, number)

    def _sent(self, known: _Call, texts: list[str], templates: TemplatePair) -> bytes:
        """Return texts as events, and keep them for the translation."""
        first = self._number
        self._number += len(texts)
        self._texts += texts
        if len(self._texts) > _MAX_PIECES:
            self._reduce(templates.kind)
        known.budget.served += len(texts)
        return templates.sent.write(texts, first)

    def _reduce(self, kind: Kind) -> None:
        """Keep the texts in fewer pieces."""
        if kind == "text":
            self._texts = ["".join(self._texts)]
            self._pending = len(self._texts[0])
        else:
            # The next event takes the generic path, which feeds the translation these texts first.
            self._pending = MAX_PENDING + 1

    def _hand_over(self, call: int, known: _Call, data: bytes, generic: GenericPath) -> bytes:
        """Have bytes folded; open the fast path if they were a text event, and became one."""
        self._open = None
        written, events, event = generic.fold(call, data)
        known.between_events = data.endswith(b"\n\n")
        known.budget.miss()
        if event is None or len(events) != 1:
            return written
        one = Exchanged(data, event, written, events[0])
        if known.templates is not None and known.templates.fits(one):
            known.budget.spend(1)
        elif not self._has_found(known, one):
            return written
        if not self._passes(known):
            return written
        known.budget.begin()
        self._open = call
        self._opened_by = call, event
        self._fed = known.arguments.length
        self._number = one.number + 1
        return written

    def _has_found(self, known: _Call, one: Exchanged) -> bool:
        """Look for the templates of an event and of its result; return whether there are any."""
        kind = kind_of(self._kinds, self._target, self._client, one)
        if kind is None or (kind == "text" and not self._translation.passes_text):
            return False
        known.budget.spend(Budget.FIND)
        found = templates_of(kind, self._target, self._client, one)
        if found is not None:
            known.templates = found
        return found is not None

    def _passes(self, known: _Call) -> bool:
        """Whether more text, or arguments, of the call's templates would pass unchanged."""
        if known.templates is not None and known.templates.kind == "arguments":
            return known.arguments.is_open
        return self._translation.passes_text

    def _settle(self) -> None:
        """Feed the translation the texts that wait: as one event, or arguments as few events."""
        if not self._texts:
            return
        call, event = self._opened_by
        templates = self._calls[call].templates
        kind = "text" if templates is None else templates.kind
        texts, self._texts = self._texts, []
        self._pending = 0
        joined = ["".join(texts)] if kind == "text" else shorter(texts, self._fed)
        for text in joined:
            events = self._translation.feed(call, with_text(self._target, event, text, kind))
            if events and "sequence_number" in events[-1]:
                self._shift = self._number - 1 - events[-1]["sequence_number"]

    def _numbered(self, events: list[Json]) -> list[Json]:
        if not self._shift:
            return events
        return [
            {**event, "sequence_number": event["sequence_number"] + self._shift} for event in events
        ]


def _can_wait(piece: bytes) -> bool:
    """Whether a piece is certainly not a whole event, and short enough to wait for the rest."""
    return len(piece) < LARGEST and b"\r" not in piece
