"""The reasoning items of one response: their text, its summary, or both."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.item_texts import ReasoningForm, texts_of
from gateway.translate.chat_via_responses.output.reading import index_of, string
from gateway.translate.chat_via_responses.output.text import Step
from gateway.translate.chat_via_responses.output.tracking import OutputItem
from gateway.translate.contract import Context

FIELDS: Mapping[str, tuple[str, ...]] = {
    "reasoning_content": ("reasoning_content",),
    "reasoning": ("reasoning",),
    "both": ("reasoning_content", "reasoning"),
    "none": (),
}
"""By the setting `reasoning_out`, the fields where chat clients look for reasoning: OpenAI has
none."""

_BESIDE: Mapping[ReasoningForm, str] = {
    "content": "reasoning_text",
    "summary": "reasoning_summary",
}
"""The field for each form where the other one is shown as the reasoning; other gateways are not
known to use these names."""

MAX_HELD_CHARACTERS: Final = 32 * 1024 * 1024
"""The most characters of reasoning that waits."""


@dataclass(frozen=True, slots=True)
class _Piece:
    item: OutputItem
    form: ReasoningForm
    part: int
    text: str


class ReasoningFold:
    """Joins the reasoning of a response; blank lines separate items, and parts of a summary.

    A summary is shown as the reasoning only if its item has no text. So it waits for the end of the
    item, and so does the reasoning of later items.
    """

    def __init__(self, context: Context) -> None:
        self._fields = FIELDS[context.settings.reasoning_out]
        self._waiting: deque[_Piece] = deque()
        self._characters = 0
        """The number of characters that wait."""
        self._summarised: set[OutputItem] = set()
        """Items whose summary was shown as the reasoning."""
        self._last: dict[str, tuple[OutputItem, int]] = {}
        """For each field, the item and the part of its last text."""
        self._last_item: OutputItem | None = None

    @property
    def last_item(self) -> OutputItem | None:
        """The item of the last text."""
        return self._last_item

    def text_delta(self, item: OutputItem, event: Json) -> list[Step]:
        """Take a delta of the reasoning itself; raises `UpstreamError`."""
        return self._add(item, "content", _content_index(event), string(event, "delta"))

    def text_done(self, item: OutputItem, event: Json, text: str) -> list[Step]:
        """Take a whole part of the reasoning, and show the rest of it."""
        return self._add_whole(item, "content", _content_index(event), text)

    def summary_delta(self, item: OutputItem, event: Json) -> list[Step]:
        """Take a delta of a summary; raises `UpstreamError`."""
        return self._add(item, "summary", summary_index(item, event), string(event, "delta"))

    def summary_done(self, item: OutputItem, event: Json, text: str) -> list[Step]:
        """Take a whole part of a summary, and show the rest of it."""
        return self._add_whole(item, "summary", summary_index(item, event), text)

    def complete(self, known: OutputItem, item: Json) -> list[Step]:
        """Take a whole item, and show the rest of it; raises `UpstreamError`."""
        steps: list[Step] = []
        texts = texts_of(item)
        for form in _BESIDE:
            for index, text in known.texts.rest_of_item(form, texts[form]):
                steps += self._add(known, form, index, text)
        return steps + self._release()

    def finish(self) -> list[Step]:
        """Show all that waits, at the end of the response."""
        return self._release(ended=True)

    def _add_whole(
        self, item: OutputItem, form: ReasoningForm, part: int, whole: str
    ) -> list[Step]:
        _, rest = item.texts.rest_of_part(form, part, whole)
        return self._add(item, form, part, rest)

    def _add(self, item: OutputItem, form: ReasoningForm, part: int, text: str) -> list[Step]:
        if not text:
            return []
        item.texts.add(form, part, text)
        self._last_item = item
        if not self._fields:
            return []
        self._characters += len(text)
        if self._characters > MAX_HELD_CHARACTERS:
            raise UpstreamError(
                f"The upstream's response has reasoning of more than {MAX_HELD_CHARACTERS} "
                "characters. Limit it with a token limit."
            )
        # The parts of the reasoning itself are one text.
        self._waiting.append(_Piece(item, form, part if form == "summary" else 0, text))
        return self._release()

    def _release(self, *, ended: bool = False) -> list[Step]:
        """Show the pieces that need not wait; `ended`: no item continues."""
        steps: list[Step] = []
        while self._waiting:
            piece = self._waiting[0]
            has_text = piece.item.texts.has("content")
            if piece.form == "summary" and not (has_text or piece.item.done or ended):
                break
            self._waiting.popleft()
            self._characters -= len(piece.text)
            steps.append(self._show(piece, has_text=has_text))
        return steps

    def _show(self, piece: _Piece, *, has_text: bool) -> Step:
        if piece.form == "summary" and not has_text:
            self._summarised.add(piece.item)
        # A text after the end of its item comes too late for the first field.
        shown = "summary" if piece.item in self._summarised else "content"
        fields = self._fields if piece.form == shown else (_BESIDE[piece.form],)
        last, place = self._last.get(fields[0]), (piece.item, piece.part)
        self._last[fields[0]] = place
        text = piece.text if last in (None, place) else f"\n\n{piece.text}"
        return Step(dict.fromkeys(fields, text))


def _content_index(event: Json) -> int:
    return index_of(event, "content_index") or 0


def summary_index(item: OutputItem, event: Json) -> int:
    """Return the part of a summary that an event is about: without an index, the last one."""
    part = index_of(event, "summary_index")
    return max(item.summary_parts - 1, 0) if part is None else part
