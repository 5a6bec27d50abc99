"""What the parts of a response become: one delta of a chat message after the other."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.shapes import Json
from gateway.translate.chat_via_completions.choices import Piece


@dataclass(slots=True)
class Step:
    """A delta of the message, and the logprobs of its text."""

    delta: Json
    entries: list[Json] = field(default_factory=list)


def text_steps(piece: Piece) -> list[Step]:
    """Return the step that shows a piece of text; none where there is nothing to show."""
    return [Step({"content": piece.text}, piece.entries)] if piece.text or piece.entries else []


def plain_steps(deltas: Iterable[Json]) -> list[Step]:
    """Return the steps of deltas without text."""
    return [Step(delta) for delta in deltas]
