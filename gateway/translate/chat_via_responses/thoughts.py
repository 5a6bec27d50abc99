"""The reasoning items of one response: their text, its summary, or both."""

from collections.abc import Mapping
from typing import Literal

from gateway.shapes import Json
from gateway.translate.chat_via_responses.reading import index_of, objects, string
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

    def text_delta(self, item: OutputItem, event: Json) -> list[Step]:
        """Take a delta of the reasoning itself; raises `UpstreamError`."""
        return self._think(item, "content", 0, string(event, "delta"))

    def summary_delta(self, item: OutputItem, event: Json) -> list[Step]:
        """Take a delta of a summary; raises `UpstreamError`."""
        part = index_of(event, "summary_index")
        if part is None:
            part = max(item.summary_parts - 1, 0)
        return self._think(item, "summary", part, string(event, "delta"))

    def complete(self, known: OutputItem, item: Json) -> list[Step]:
        """Take a whole item, and show what of it was not; raises `UpstreamError`."""
        steps: list[Step] = []
        came = frozenset(known.reasoning_forms)
        if "content" not in came:
            for part in objects(item, "content"):
                steps += self._think(known, "content", 0, string(part, "text"))
        if "summary" not in came:
            for index, part in enumerate(objects(item, "summary")):
                steps += self._think(known, "summary", index, string(part, "text"))
        return steps

    def _think(self, item: OutputItem, form: Form, part: int, text: str) -> list[Step]:
        """Show the text, or else its summary: whichever an item has first is its reasoning.

        The other one is shown in a field of its own.
        """
        if not text:
            return []
        item.reasoning_forms.setdefault(form)
        if not self._fields:
            return []
        is_first = form == next(iter(item.reasoning_forms))
        last = self._last if is_first else self._last_beside
        if last not in (None, (item, part)):
            text = f"\n\n{text}"
        if is_first:
            self._last = (item, part)
            return [Step(dict.fromkeys(self._fields, text))]
        self._last_beside = (item, part)
        return [Step({_BESIDE[form]: text})]
