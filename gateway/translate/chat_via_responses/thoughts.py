"""The reasoning items of one response: their text, its summary, or both."""

from collections.abc import Mapping
from typing import Literal

from gateway.shapes import Json
from gateway.translate.chat_via_responses.reading import index_of, string
from gateway.translate.chat_via_responses.said_parts import texts_of
from gateway.translate.chat_via_responses.steps import Step
from gateway.translate.chat_via_responses.tracking import OutputItem
from gateway.translate.contract import Context

_FIELDS: Mapping[str, tuple[str, ...]] = {
    "reasoning_content": ("reasoning_content",),
    "reasoning": ("reasoning",),
    "both": ("reasoning_content", "reasoning"),
    "none": (),
}
"""Where chat clients look for reasoning: OpenAI's chat has no field for it."""

Form = Literal["content", "summary"]
_BESIDE: Mapping[Form, str] = {"content": "reasoning_text", "summary": "reasoning_summary"}
"""Where an item's second form is shown; fields that no other gateway is known to have."""


class ThoughtsFold:
    """Joins the reasoning of a response; items, and parts of a summary, by blank lines."""

    def __init__(self, context: Context) -> None:
        self._fields = _FIELDS[context.settings.reasoning_out]
        self._last: tuple[OutputItem, int] | None = None
        self._last_beside: tuple[OutputItem, int] | None = None

    @property
    def said_last(self) -> OutputItem | None:
        """The item that was shown last."""
        return None if self._last is None else self._last[0]

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
        return steps

    def _think_whole(self, item: OutputItem, form: Form, part: int, whole: str) -> list[Step]:
        _, rest = item.said.rest_of_part(form, part, whole)
        return self._think(item, form, part, rest)

    def _think(self, item: OutputItem, form: Form, part: int, text: str) -> list[Step]:
        """Show the text, or else its summary: whichever an item has first is its reasoning.

        The other one is shown in a field of its own.
        """
        if not text:
            return []
        item.reasoning_forms.setdefault(form)
        item.said.add(form, part, text)
        if not self._fields:
            return []
        if form == "content":
            # Its parts are one text.
            part = 0
        is_first = form == next(iter(item.reasoning_forms))
        last = self._last if is_first else self._last_beside
        if last not in (None, (item, part)):
            text = f"\n\n{text}"
        if is_first:
            self._last = (item, part)
            return [Step(dict.fromkeys(self._fields, text))]
        self._last_beside = (item, part)
        return [Step({_BESIDE[form]: text})]


def _content_index(event: Json) -> int:
    return index_of(event, "content_index") or 0


def _summary_index(item: OutputItem, event: Json) -> int:
    part = index_of(event, "summary_index")
    return max(item.summary_parts - 1, 0) if part is None else part
