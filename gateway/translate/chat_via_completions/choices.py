"""The text of one choice, as a chat client reads it, from that of a completions endpoint.

Whole replies and streams go through the same fold: a whole reply is a stream of one piece.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.shapes import Json
from gateway.translate.parts.tokens.logprobs import chat_logprobs, token_bytes
from gateway.translate.prompt.write import LeadingStripper
from gateway.translate.stream.stops import StopScanner

_LONGEST_CHARACTER_REST = 3
"""The most bytes at the end of a token that are only the beginning of a character."""


@dataclass(slots=True)
class Piece:
    """Text that can be shown now, and the logprob entries of its tokens."""

    text: str = ""
    entries: list[Json] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.text or self.entries)

    def __add__(self, other: "Piece") -> "Piece":
        return Piece(self.text + other.text, self.entries + other.entries)


class ChoiceFold:
    """Cuts one choice's text at a stop sequence, strips its beginning, and aligns its logprobs.

    `stops` are the stop sequences that the gateway looks for. `top_logprobs` is how many
    alternatives per token the client wants; None: no logprobs.
    """

    def __init__(
        self, stops: Sequence[str], *, strip_leading: bool, top_logprobs: int | None
    ) -> None:
        self._scanner = StopScanner(stops)
        self._stripper = LeadingStripper() if strip_leading else None
        self._top = top_logprobs
        self._aligner = None if top_logprobs is None else _Aligner()
        self._started = not strip_leading
        self.has_text = False
        """Whether the model has generated any text, shown or not."""

    @property
    def stopped(self) -> bool:
        """Whether a stop sequence was found: no more text follows."""
        return self._scanner.found is not None

    def feed(self, text: str, logprobs: object) -> Piece:
        """Take the next text and its `logprobs` object; raises `UpstreamError` for a bad one."""
        if self.stopped:
            return Piece()
        self.has_text = self.has_text or bool(text)
        if self._aligner is not None and self._top is not None:
            self._aligner.add(text, chat_logprobs(logprobs, top=self._top))
        return self._show(self._scanner.feed(text))

    def finish(self) -> Piece:
        """Return the text that was held back, at the end."""
        if self.stopped:
            return Piece()
        piece = self._show(self._scanner.flush())
        if self._aligner is None:
            return piece
        return piece + Piece(entries=self._aligner.flush())

    def _show(self, released: str) -> Piece:
        shown = released if self._stripper is None else self._stripper.feed(released)
        self._started = self._started or bool(shown)
        if self._aligner is None:
            return Piece(shown)
        self._aligner.release(released, stripped=released[: len(released) - len(shown)])
        return Piece(shown, self._aligner.take() if self._started else [])


class _Aligner:
    """Holds logprob entries until the text of their tokens is shown. Positions are in bytes.

    An entry belongs to the text that has its first byte; an entry that is wholly in the stripped
    beginning belongs to no text.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, int, Json]] = deque()
        self._tokens_end = 0
        self._text_end = 0
        self._released = 0
        self._stripped = 0

    def add(self, text: str, entries: Sequence[Json]) -> None:
        """Take generated text and the entries that came with it."""
        self._text_end += _length(text)
        for entry in entries:
            start = self._tokens_end
            self._tokens_end += len(token_bytes(entry))
            self._waiting.append((start, self._tokens_end, entry))

    def release(self, text: str, *, stripped: str) -> None:
        """Count text that is either shown or stripped now; `stripped` is the part not shown."""
        self._released += _length(text)
        self._stripped += _length(stripped)
        while self._waiting and self._stripped and self._waiting[0][1] <= self._stripped:
            self._waiting.popleft()

    def take(self) -> list[Json]:
        """Return the entries whose text has begun to be shown."""
        taken: list[Json] = []
        while self._waiting and self._waiting[0][0] < self._released:
            taken.append(self._waiting.popleft()[2])
        drift = self._tokens_end - self._text_end
        if self._released == self._text_end and drift > _LONGEST_CHARACTER_REST:
            # Tokens that are not in the text (end of text, a tokenizer's word marks) do not count,
            # or all later entries would lag behind their text.
            taken += self.flush()
            self._tokens_end = self._text_end
        return taken

    def flush(self) -> list[Json]:
        """Return all entries that still wait."""
        rest = [entry for _, _, entry in self._waiting]
        self._waiting.clear()
        return rest


def _length(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
