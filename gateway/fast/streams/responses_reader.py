"""Reads common responses streams, for clients of any shape: one text, after hidden reasoning."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar, Final, Literal

import msgspec

from gateway.fast.codec import ABSENT, Absent, Nothing, Passed
from gateway.fast.forms.response_replies import HiddenReasoning, OutputMessage, Response, Text
from gateway.shapes import Json
from gateway.translate.parts.fields import NO_IDS


class _Begun(msgspec.Struct, gc=False):
    """The fields of a response that matter before its end."""

    id: str
    status: Literal["in_progress", "queued"]


class _OfResponse(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: str
    response: _Begun
    sequence_number: Passed = None


class _NewMessage(msgspec.Struct, tag="message", forbid_unknown_fields=True, gc=False):
    id: str
    role: Passed = None
    status: Passed = None
    content: Nothing = []
    phase: str | Absent = ABSENT


class _Added(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: str
    output_index: int
    item: _NewMessage | HiddenReasoning
    sequence_number: Passed = None


class _Done(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: str
    output_index: int
    item: OutputMessage | HiddenReasoning
    sequence_number: Passed = None


class _OfPart(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    type: str
    item_id: str
    output_index: int
    content_index: Literal[0]
    sequence_number: Passed = None


class _Part(_OfPart, kw_only=True, gc=False):
    part: Text


class _Delta(_OfPart, kw_only=True, gc=False):
    delta: Annotated[str, msgspec.Meta(min_length=1)]
    logprobs: Nothing | None = None
    obfuscation: Passed = None


class _TextDone(_OfPart, kw_only=True, gc=False):
    text: str
    logprobs: Nothing | None = None


class _Completed(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: str
    response: Response
    sequence_number: Passed = None


class ResponsesReader(ABC):
    """Reads a common responses stream; subclasses make the client's events.

    `limit` is the limit of output tokens, 0 if there is none.
    """

    passes_text: Final = True

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._first: Json | None = None
        """The response in the first event."""
        self._last: Json = {}
        """The response in the last event that had one."""
        self._is_open = False
        """Whether an item has begun."""
        self._message: tuple[str, int] | None = None
        """The id and the place of the only message."""
        self._phase: str | Absent = ABSENT
        self._pieces: list[str] = []
        self._has_ended = False
        self.length = 0

    @abstractmethod
    def _open(self) -> list[Json]:
        """Return the client's events for the beginning of the first item."""

    @abstractmethod
    def _say(self, text: str) -> list[Json] | None:
        """Return the client's events for text; None if text is not common here."""

    @abstractmethod
    def _close(self) -> list[Json]:
        """Return the client's events for the end of the response."""

    def _admits(self, thought: HiddenReasoning, place: int, *, is_done: bool) -> bool:  # noqa: ARG002
        """Whether the client gets no event for hidden reasoning that begins, or `is_done`."""
        return True

    def _admits_phase(self, phase: str | Absent) -> bool:  # noqa: ARG002
        """Whether the client gets the phase of the message, or there is none."""
        return True

    def take(self, event: Json) -> list[Json] | None:
        """Take an event; return the chunks to send, or None: it is not common."""
        kind = event.get("type")
        read = self._readers.get(kind) if isinstance(kind, str) else None
        if read is None or self._has_ended:
            return None
        try:
            return read(self, event)
        except (msgspec.ValidationError, RecursionError):
            return None

    def _begun(self, event: Json) -> list[Json] | None:
        if msgspec.convert(event, _OfResponse).response.id in NO_IDS:
            return None
        self._last = event["response"]
        self._first = self._first or self._last
        return []

    def _added(self, event: Json) -> list[Json] | None:
        added = msgspec.convert(event, _Added)
        if self._first is None or self._message is not None:
            return None
        item = added.item
        if isinstance(item, _NewMessage):
            if not self._admits_phase(item.phase):
                return None
            self._message = item.id, added.output_index
            self._phase = item.phase
        elif not self._admits(item, added.output_index, is_done=False):
            return None
        return self._opening()

    def _part_added(self, event: Json) -> list[Json] | None:
        return self._opening() if self._is_part(msgspec.convert(event, _Part), text="") else None

    def _delta(self, event: Json) -> list[Json] | None:
        delta = msgspec.convert(event, _Delta)
        if not self._is_in_message(delta):
            return None
        self._pieces.append(delta.delta)
        self.length += len(delta.delta)
        return self._say(delta.delta)

    def _text_done(self, event: Json) -> list[Json] | None:
        done = msgspec.convert(event, _TextDone)
        return [] if self._is_in_message(done) and done.text == self._text() else None

    def _part_done(self, event: Json) -> list[Json] | None:
        return [] if self._is_part(msgspec.convert(event, _Part), text=self._text()) else None

    def _done(self, event: Json) -> list[Json] | None:
        done = msgspec.convert(event, _Done)
        if isinstance(done.item, HiddenReasoning):
            is_in_order = self._message is None and self._is_open
            admits = self._admits(done.item, done.output_index, is_done=True)
            return [] if is_in_order and admits else None
        return [] if self._is_message(done.item, done.output_index) else None

    def _completed(self, event: Json) -> list[Json] | None:
        response = msgspec.convert(event, _Completed).response
        *reasoning, last = response.output
        if self._limit and response.usage.output_tokens >= self._limit:
            return None
        if OutputMessage in map(type, reasoning) or not isinstance(last, OutputMessage):
            return None
        if not self._is_message(last, len(reasoning)) or not self.length:
            return None
        self._has_ended = True
        self._last = event["response"]
        return self._close()

    def _is_in_message(self, event: _OfPart) -> bool:
        return self._message == (event.item_id, event.output_index)

    def _is_part(self, event: _Part, *, text: str) -> bool:
        return self._is_in_message(event) and event.part.text == text

    def _is_message(self, item: OutputMessage, place: int) -> bool:
        """Whether an item is the message, complete as it was streamed."""
        (part,) = item.content
        is_known = self._message == (item.id, place) and self._phase == item.phase
        return is_known and part.text == self._text()

    def _text(self) -> str:
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    def _opening(self) -> list[Json]:
        if self._is_open or self._first is None:
            return []
        self._is_open = True
        return self._open()

    _readers: ClassVar[Mapping[str, Callable[["ResponsesReader", Json], list[Json] | None]]] = {
        "response.created": _begun,
        "response.queued": _begun,
        "response.in_progress": _begun,
        "response.output_item.added": _added,
        "response.content_part.added": _part_added,
        "response.output_text.delta": _delta,
        "response.output_text.done": _text_done,
        "response.content_part.done": _part_done,
        "response.output_item.done": _done,
        "response.completed": _completed,
    }
