"""The model's reasoning as an output item, and what the item carries back to its server."""

from collections.abc import Sequence

from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.responses_via_chat.deltas.carried import TURN, merge
from gateway.translate.responses_via_chat.output.call_item import CallItem
from gateway.translate.responses_via_chat.output.items import OutputItem, Status
from gateway.translate.responses_via_chat.request import ReasoningForm


class Carrier:
    """Collects what one reasoning item carries back to the server.

    `demanded`: it is sealed even if the text of the item is all of it. `before` are the calls that
    came before the item, which identify its message when it comes back. `goes_on`: a part of the
    message came before the item, and its text may continue after it.
    """

    def __init__(
        self,
        form: ReasoningForm,
        context: Context,
        before: Sequence[CallItem],
        *,
        demanded: bool,
        goes_on: bool,
    ) -> None:
        self._is_shown = form != "drop"
        self._context = context
        self._before = tuple(before)
        self._demanded = demanded or goes_on
        self._goes_on = goes_on
        self._pieces: list[str] = []
        self._name = ""
        self._fields: Json = {}
        self._calls: list[tuple[CallItem, Json]] = []

    @property
    def is_ready(self) -> bool:
        """Whether the ids of all calls that it has fields of are known."""
        return all(call.announced for call, _ in self._calls)

    def add_text(self, names: Sequence[str], text: str) -> None:
        """Add text of the reasoning; `names` are all of the server's names of it."""
        if not self._name:
            usual = self._context.capabilities.reasoning_field
            self._name = usual if usual is not None and usual in names else names[0]
        self._pieces.append(text)

    def add_fields(self, fields: Json) -> None:
        """Add fields of the message."""
        merge(self._fields, fields)

    def sign(self, call: CallItem, fields: Json) -> None:
        """Add fields of a call."""
        for known, signed in self._calls:
            if known is call:
                merge(signed, fields)
                return
        self._calls.append((call, {}))
        merge(self._calls[-1][1], fields)

    def sealed(self) -> str | None:
        """Return it sealed; None if the text of the item is all of it."""
        seal = self._context.seal
        own_name = self._context.capabilities.reasoning_field
        has_more = self._demanded or self._fields or self._calls
        is_in_text = self._is_shown and self._name in ("", own_name)
        if seal is None or (is_in_text and not has_more):
            return None
        message = {self._name: "".join(self._pieces)} if self._name else {}
        calls: dict[str, Json] = {call.shown_id: {} for call in self._before}
        calls |= {call.shown_id: fields for call, fields in self._calls}
        upstream = self._context.upstream
        return seal.close(
            {
                "kind": TURN,
                "upstream": upstream,
                "message": {**message, **self._fields},
                "calls": calls,
                "goes_on": self._goes_on,
            }
        )


class ReasoningItem(OutputItem):
    """The model's reasoning: shown as raw text or as a summary of one part, or hidden."""

    prefix = "rs"

    def __init__(self, index: int, item_id: str, form: ReasoningForm, carrier: Carrier) -> None:
        super().__init__(index, item_id)
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
        """Add text of the reasoning; `names` are all of the server's names of it."""
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
        """Seal what is carried back, and write the closing events."""
        self._sealed = self.carrier.sealed()
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
