"""The reasoning items of one response: their text, or else its summary."""

from collections.abc import Mapping

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


class ThoughtsFold:
    """Joins the reasoning of a response; items, and parts of a summary, by blank lines."""

    def __init__(self, context: Context) -> None:
        self._fields = _FIELDS[context.settings.reasoning_out]
        self._last: tuple[OutputItem, int] | None = None

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
        """Take a whole item, and show it if nothing of it was; raises `UpstreamError`."""
        if known.reasoning_form is not None:
            return []
        steps: list[Step] = []
        for part in objects(item, "content"):
            steps += self._think(known, "content", 0, string(part, "text"))
        for index, part in enumerate(objects(item, "summary")):
            steps += self._think(known, "summary", index, string(part, "text"))
        return steps

    def _think(self, item: OutputItem, form: str, part: int, text: str) -> list[Step]:
        """Show the text or its summary, whichever an item has first."""
        if not text:
            return []
        item.reasoning_form = item.reasoning_form or form
        if not self._fields or item.reasoning_form != form:
            return []
        if self._last not in (None, (item, part)):
            text = f"\n\n{text}"
        self._last = (item, part)
        return [Step(dict.fromkeys(self._fields, text))]
