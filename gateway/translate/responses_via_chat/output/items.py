"""Output items of a response as a stream builds them: their base class, messages and pictures.

An item turns its input into events (OpenAI's `ResponseStreamEvent`), which stay in its `outbox`
until the items before it are complete: items may not overlap. It keeps its text, because the
closing events and the whole response repeat it. Events get their `sequence_number` when they are
sent.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Literal

from gateway.shapes import Json
from gateway.translate.parts.content.images import generated
from gateway.translate.stream.folding.fields import add_delta

Status = Literal["in_progress", "completed", "incomplete"]


class OutputItem(ABC):
    """One item. `index` is its `output_index`; `item_id` is its id without the type's prefix."""

    prefix = ""

    def __init__(self, index: int, item_id: str) -> None:
        self.index = index
        self.id = f"{self.prefix}_{item_id}"
        self.outbox: list[Json] = []
        self.announced = False
        """Whether `output_item.added` has been written, at least to the outbox."""
        self.status: Status = "in_progress"

    @property
    def complete(self) -> bool:
        """Whether the item may be closed when another one begins."""
        return True

    @property
    def is_cut_off(self) -> bool:
        """Whether the item certainly lacks its end."""
        return False

    @abstractmethod
    def resource(self) -> Json:
        """Return the item as it is now."""

    def close(self, status: Status) -> None:
        """Write the closing events."""
        self._close_content()
        self.status = status
        self._write("output_item.done", item=self.resource(), item_id=None)

    @abstractmethod
    def _close_content(self) -> None:
        """Write the events that end the content, before the end of the item."""

    def _announce(self) -> None:
        self.announced = True
        self._write("output_item.added", item=self.resource(), item_id=None)

    def _write(self, kind: str, **fields: Any) -> None:
        event: Json = {"type": f"response.{kind}", "item_id": self.id, "output_index": self.index}
        event |= fields
        if event["item_id"] is None:
            del event["item_id"]
        self.outbox.append(event)


class _Part:
    """A content part of a message, with its text so far."""

    def __init__(self, kind: Literal["output_text", "refusal"]) -> None:
        self.kind = kind
        self.pieces: list[str] = []
        self.annotations: list[Json] = []
        self.logprobs: list[Json] = []

    def resource(self) -> Json:
        text = "".join(self.pieces)
        if self.kind == "refusal":
            logprobs = {"logprobs": list(self.logprobs)} if self.logprobs else {}
            return {"type": "refusal", "refusal": text, **logprobs}
        return {
            "type": "output_text",
            "text": text,
            "annotations": list(self.annotations),
            "logprobs": list(self.logprobs),
        }


class MessageItem(OutputItem):
    """A message of the assistant: parts with text or a refusal."""

    prefix = "msg"

    def __init__(self, index: int, item_id: str) -> None:
        super().__init__(index, item_id)
        self._parts: list[_Part] = []
        self._more: Json = {}
        self._announce()

    @property
    def refuses(self) -> bool:
        """Whether the last part is a refusal."""
        return bool(self._parts) and self._parts[-1].kind == "refusal"

    def add_text(self, text: str, entries: Sequence[Json]) -> None:
        """Add text; `entries` are the logprobs of its tokens, with `bytes`."""
        part = self._part("output_text")
        part.pieces.append(text)
        part.logprobs += entries
        self._write_part("output_text.delta", delta=text, logprobs=list(entries))

    def add_refusal(self, text: str, entries: Sequence[Json] = ()) -> None:
        """Add text of a refusal; its logprobs are kept in a field that OpenAI does not have."""
        part = self._part("refusal")
        part.pieces.append(text)
        part.logprobs += entries
        self._write_part("refusal.delta", delta=text)

    def set_phase(self, phase: str) -> None:
        """Set the `phase`: `commentary` or `final_answer`."""
        self._more["phase"] = phase

    def add_audio(self, audio: Json) -> None:
        """Add audio, in a field that OpenAI does not have."""
        add_delta(self._more, {"audio": audio})

    def add_annotation(self, annotation: Json) -> None:
        """Add an annotation to the text."""
        part = self._part("output_text")
        self._write_part(
            "output_text.annotation.added",
            annotation_index=len(part.annotations),
            annotation=annotation,
        )
        part.annotations.append(annotation)

    def resource(self) -> Json:
        """Return the item as it is now."""
        return {
            "id": self.id,
            "type": "message",
            "status": self.status,
            "role": "assistant",
            "content": [part.resource() for part in self._parts],
            **self._more,
        }

    def _part(self, kind: Literal["output_text", "refusal"]) -> _Part:
        """Return the open part; a part of another kind is closed first."""
        if self._parts and self._parts[-1].kind == kind:
            return self._parts[-1]
        if self._parts:
            self._close_part()
        part = _Part(kind)
        self._parts.append(part)
        self._write_part("content_part.added", part=part.resource())
        return part

    def _close_content(self) -> None:
        self._part(self._parts[-1].kind if self._parts else "output_text")
        self._close_part()

    def _close_part(self) -> None:
        part = self._parts[-1].resource()
        if part["type"] == "refusal":
            self._write_part("refusal.done", refusal=part["refusal"])
        else:
            self._write_part("output_text.done", text=part["text"], logprobs=part["logprobs"])
        self._write_part("content_part.done", part=part)

    def _write_part(self, kind: str, **fields: Any) -> None:
        self._write(kind, content_index=len(self._parts) - 1, **fields)


class ImageItem(OutputItem):
    """A picture, as a call of OpenAI's hosted tool for pictures."""

    prefix = "ig"

    def __init__(self, index: int, item_id: str, url: str) -> None:
        super().__init__(index, item_id)
        self._url = url
        self._announce()
        for step in ("in_progress", "generating"):
            self._write(f"image_generation_call.{step}")

    def resource(self) -> Json:
        """Return the item as it is now."""
        item: Json = {"id": self.id, "type": "image_generation_call"}
        if self.status == "in_progress":
            return {**item, "status": "in_progress", "result": None}
        # A picture is always complete, whatever ended the reply.
        return {**item, "status": "completed", **generated(self._url)}

    def _close_content(self) -> None:
        self._write("image_generation_call.completed")
