"""The model's reasoning as an output item, and the fields that it carries back to its server."""

from collections.abc import Sequence

from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.responses_via_chat.deltas.carrier import Carrier
from gateway.translate.responses_via_chat.output.items import OutputItem, Status
from gateway.translate.responses_via_chat.request import ReasoningForm


class ReasoningItem(OutputItem):
    """The model's reasoning: shown as raw text or as a summary of one part, or hidden."""

    prefix = "rs"

    def __init__(
        self, index: int, item_id: str, form: ReasoningForm, carrier: Carrier, context: Context
    ) -> None:
        super().__init__(index, item_id)
        self._context = context
        self._pieces: list[str] = []
        self._form = form
        self._sealed: str | None = None
        self.carrier = carrier
        self._announce()

    @property
    def complete(self) -> bool:
        """Whether the item may be closed when another one begins."""
        return self.carrier.is_ready

    def add(self, names: Sequence[str], text: str) -> None:
        """Add text of the reasoning; `names` are all of the server's names for it."""
        self.carrier.add_text(names, text)
        if self._form == "drop":
            return
        if not self._pieces:
            self._open_part()
        self._pieces.append(text)
        if self._form == "summary":
            self._write("reasoning_summary_text.delta", summary_index=0, delta=text)
        else:
            self._write("reasoning_text.delta", content_index=0, delta=text)

    def close(self, status: Status) -> None:
        """Seal the carried fields, and write the closing events."""
        self._sealed = self.carrier.sealed(self._context)
        super().close(status)

    def resource(self) -> Json:
        """Return the item as it is now."""
        parts = [self._part()] if self._pieces else []
        item: Json = {
            "id": self.id,
            "type": "reasoning",
            "status": self.status,
            "summary": parts if self._form == "summary" else [],
            "content": [] if self._form == "summary" else parts,
        }
        if self._sealed is not None:
            item["encrypted_content"] = self._sealed
        return item

    def _part(self) -> Json:
        kind = "summary_text" if self._form == "summary" else "reasoning_text"
        return {"type": kind, "text": "".join(self._pieces)}

    def _open_part(self) -> None:
        if self._form == "summary":
            self._write("reasoning_summary_part.added", summary_index=0, part=self._part())
        else:
            self._write("content_part.added", content_index=0, part=self._part())

    def _close_content(self) -> None:
        if not self._pieces:
            return
        part = self._part()
        if self._form == "summary":
            self._write("reasoning_summary_text.done", summary_index=0, text=part["text"])
            self._write("reasoning_summary_part.done", summary_index=0, part=part)
        else:
            self._write("reasoning_text.done", content_index=0, text=part["text"])
            self._write("content_part.done", content_index=0, part=part)
