"""The reasoning items of one response: their text, its summary, or both."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.reading import index_of, string
from gateway.translate.chat_via_responses.output.said_parts import ReasoningForm, texts_of
from gateway.translate.chat_via_responses.output.text import Step
from gateway.translate.chat_via_responses.output.tracking import OutputItem
from gateway.translate.contract import Context

_FIELDS: Mapping[str, tuple[str, ...]] = {
    "reasoning_content": ("reasoning_content",),
    "reasoning": ("reasoning",),
    "both": ("reasoning_content", "reasoning"),
    "none": (),
}
"""Where chat clients look for reasoning: OpenAI's chat has no field for it."""

_BESIDE: Mapping[ReasoningForm, str] = {
    "content": "reasoning_text",
    "summary": "reasoning_summary",
}
"""Where the form is shown that the fields have no room for; no other gateway has these names."""

MAX_HELD_CHARACTERS: Final = 32 * 1024 * 1024
"""What the reasoning that waits may have in all."""


@dataclass(frozen=True, slots=True)
class _Piece:
    item: OutputItem
    form: ReasoningForm
    part: int
    text: str


class ReasoningFold:
    """Joins the reasoning of a response; items, and parts of a summary, by blank lines.

    A summary is shown as the reasoning only where its item has no text. That is known once the item
    has ended, so until then a summary waits, and the reasoning of later items with it.
    """

    def __init__(self, context: Context) -> None:
        self._fields = _FIELDS[context.settings.reasoning_out]
        self._waiting: deque[_Piece] = deque()
        self._characters = 0
        """How many wait."""
        self._summarised: set[OutputItem] = set()
        """Items whose summary was shown as the reasoning."""
        self._last: dict[str, tuple[OutputItem, int]] = {}
        """The part that each field was last given text of."""
        self._said_last: OutputItem | None = None

    @property
    def said_last(self) -> OutputItem | None:
        """The item that has said something last."""
        return self._said_last

    def text_delta(self, item: OutputItem, event: Json) -> list[Step]:
        """Take a delta of the reasoning itself; raises `UpstreamError`."""
        return self._think(item, "content", _content_index(event), string(event, "delta"))

    def text_done(self, item: OutputItem, event: Json, text: str) -> list[Step]:
        """Take a whole part of the reasoning, and show what of it was not said."""
        return self._think_whole(item, "content", _content_index(event), text)

    def summary_delta(self, item: OutputItem, event: Json) -> list[Step]:
        """Take a delta of a summary; raises `UpstreamError`."""
        return self._think(item, "summary", _summary_index(item, event), string(event, "delta"))

    def summary_done(self, item: OutputItem, event: Json, text: str) -> list[Step]:
        """Take a whole part of a summary, and show what of it was not said."""
        return self._think_whole(item, "summary", _summary_index(item, event), text)

    def complete(self, known: OutputItem, item: Json) -> list[Step]:
        """Take a whole item, and show what of it was not; raises `UpstreamError`."""
        steps: list[Step] = []
        texts = texts_of(item)
        for form in _BESIDE:
            for index, text in known.said.rests(form, texts[form]):
                steps += self._think(known, form, index, text)
        return steps + self._release()

    def finish(self) -> list[Step]:
        """Show what still waits, at the end of the response."""
        return self._release(ended=True)

    def _think_whole(
        self, item: OutputItem, form: ReasoningForm, part: int, whole: str
    ) -> list[Step]:
        _, rest = item.said.rest_of_part(form, part, whole)
        return self._think(item, form, part, rest)

    def _think(self, item: OutputItem, form: ReasoningForm, part: int, text: str) -> list[Step]:
        if not text:
            return []
        item.said.add(form, part, text)
        self._said_last = item
        if not self._fields:
            return []
        self._characters += len(text)
        if self._characters > MAX_HELD_CHARACTERS:
            raise UpstreamError(
                f"The upstream's response has reasoning of more than {MAX_HELD_CHARACTERS} "
                "characters. Limit it with a token limit."
            )
        # The parts of the text itself are one text.
        self._waiting.append(_Piece(item, form, part if form == "summary" else 0, text))
        return self._release()

    def _release(self, *, ended: bool = False) -> list[Step]:
        """Show what need not wait; `ended`: nothing more comes of any item."""
        steps: list[Step] = []
        while self._waiting:
            piece = self._waiting[0]
            has_text = piece.item.said.has("content")
            if piece.form == "summary" and not (has_text or piece.item.done or ended):
                break
            self._waiting.popleft()
            self._characters -= len(piece.text)
            steps.append(self._show(piece, has_text=has_text))
        return steps

    def _show(self, piece: _Piece, *, has_text: bool) -> Step:
        if piece.form == "summary" and not has_text:
            self._summarised.add(piece.item)
        # A text that comes behind the end of its item finds its place taken.
        shown = "summary" if piece.item in self._summarised else "content"
        fields = self._fields if piece.form == shown else (_BESIDE[piece.form],)
        last, place = self._last.get(fields[0]), (piece.item, piece.part)
        self._last[fields[0]] = place
        text = piece.text if last in (None, place) else f"\n\n{piece.text}"
        return Step(dict.fromkeys(fields, text))


def _content_index(event: Json) -> int:
    return index_of(event, "content_index") or 0


def _summary_index(item: OutputItem, event: Json) -> int:
    part = index_of(event, "summary_index")
    return max(item.summary_parts - 1, 0) if part is None else part
