"""The template of an upstream's events together with that of the client's."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.fast.deltas.event_slots import text_of
from gateway.fast.deltas.event_template import EventTemplate
from gateway.fast.deltas.text_events import Kind, has_only
from gateway.shapes import Json, Shape


@dataclass(frozen=True, slots=True)
class Exchanged:
    """One event as it was received and as it was sent, as bytes and as JSON."""

    wire: bytes
    event: Json
    written: bytes
    sent: Json

    @property
    def number(self) -> int:
        """The number of the event that was sent; 0 if it has none."""
        number: int = self.sent.get("sequence_number", 0)
        return number


@dataclass(frozen=True, slots=True)
class TemplatePair:
    """The template of an event as received, and that of the event that is sent for it."""

    received: EventTemplate
    sent: EventTemplate
    kind: Kind

    def fits(self, one: Exchanged) -> bool:
        """Whether an event and its result have these templates."""
        texts, end = self.received.read(one.wire, 0)
        is_whole = bool(texts) and end == len(one.wire)
        return is_whole and self.sent.write(texts, one.number) == one.written


def kind_of(kinds: Sequence[Kind], target: Shape, client: Shape, one: Exchanged) -> Kind | None:
    """Return what both an event and its result have; None if that is something else, or more."""
    for kind in kinds:
        if has_only(kind, target, one.event) and has_only(kind, client, one.sent):
            return kind
    return None


def templates_of(kind: Kind, target: Shape, client: Shape, one: Exchanged) -> TemplatePair | None:
    """Return the templates of an event and of its result; None: there are none."""
    received = EventTemplate.of(target, one.wire, one.event, kind)
    sent = EventTemplate.of(client, one.written, one.sent, kind)
    if received is None or sent is None or not sent.writable:
        return None
    same = sent.write([text_of(target, one.event, kind)], one.number) == one.written
    return TemplatePair(received, sent, kind) if same else None


def shorter(pieces: Sequence[str], fed: int) -> list[str]:
    """Return pieces of arguments, joined as far as each stays shorter than all fed before it.

    A longer piece could be taken for a repetition of the pieces before it.
    """
    joined: list[str] = []
    waiting: list[str] = []
    size = 0
    for piece in pieces:
        if size and size + len(piece) >= fed:
            joined.append("".join(waiting))
            fed += size
            waiting, size = [], 0
        waiting.append(piece)
        size += len(piece)
    return [*joined, "".join(waiting)]
