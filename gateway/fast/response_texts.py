"""Common responses streams as chat streams: one text, after hidden reasoning."""

from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar, Final, Literal

import msgspec

from gateway.fast.chat_texts import NO_IDS
from gateway.fast.codec import ABSENT, Absent, Nothing, Passed
from gateway.fast.responses import HiddenReasoning, OutputMessage, Response, Text
from gateway.shapes import Json, Shape
from gateway.translate.chat_via_responses.reply import tier, total_usage
from gateway.translate.contract import Context
from gateway.translate.parts.fields import created, model_name, swap_id


class _Begun(msgspec.Struct, gc=False):
    """A response of which only this matters before its end."""

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


class ResponseTexts:
    """Folds a common responses stream (a `CommonStream`). `limit` is that of tokens, 0: none."""

    passes_text: Final = True

    def __init__(self, context: Context, limit: int, *, include_usage: bool) -> None:
        self._context = context
        self._limit = limit
        self._include_usage = include_usage
        self._first: Json | None = None
        self._identity: Json = {}
        self._message: tuple[str, int] | None = None
        """The id and the place of the only message."""
        self._phase: str | Absent = ABSENT
        self._said: list[str] = []
        self._usage: object = None
        self._has_ended = False
        self.length = 0

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

    def end(self) -> list[Json] | None:
        """Return the usage, if the client wants it; None: the response is not complete."""
        if not self._has_ended:
            return None
        usage = total_usage([self._usage]) if self._include_usage else None
        return [] if usage is None else [{**self._chunk([]), "usage": usage}]

    def _begun(self, event: Json) -> list[Json] | None:
        if msgspec.convert(event, _OfResponse).response.id in NO_IDS:
            return None
        self._first = self._first or event["response"]
        return []

    def _added(self, event: Json) -> list[Json] | None:
        added = msgspec.convert(event, _Added)
        if self._first is None or self._message is not None:
            return None
        item = added.item
        if isinstance(item, _NewMessage):
            self._message = item.id, added.output_index
            self._phase = item.phase
        return self._opening()

    def _part_added(self, event: Json) -> list[Json] | None:
        return self._opening() if self._is_part(msgspec.convert(event, _Part), said="") else None

    def _delta(self, event: Json) -> list[Json] | None:
        delta = msgspec.convert(event, _Delta)
        if not self._is_in_message(delta):
            return None
        self._said.append(delta.delta)
        self.length += len(delta.delta)
        return [self._choice({"content": delta.delta})]

    def _text_done(self, event: Json) -> list[Json] | None:
        done = msgspec.convert(event, _TextDone)
        return [] if self._is_in_message(done) and done.text == self._text() else None

    def _part_done(self, event: Json) -> list[Json] | None:
        return [] if self._is_part(msgspec.convert(event, _Part), said=self._text()) else None

    def _done(self, event: Json) -> list[Json] | None:
        done = msgspec.convert(event, _Done)
        if isinstance(done.item, HiddenReasoning):
            return [] if self._message is None and self._identity else None
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
        whole = event["response"]
        self._usage = whole["usage"]
        end = {**self._choice({}, "stop"), **tier(whole)}
        return [end] if self._phase is ABSENT else [self._choice({"phase": self._phase}), end]

    def _is_in_message(self, event: _OfPart) -> bool:
        return self._message == (event.item_id, event.output_index)

    def _is_part(self, event: _Part, *, said: str) -> bool:
        return self._is_in_message(event) and event.part.text == said

    def _is_message(self, item: OutputMessage, place: int) -> bool:
        """Whether an item is the message, all of which was said."""
        (part,) = item.content
        is_known = self._message == (item.id, place) and self._phase == item.phase
        return is_known and part.text == self._text()

    def _text(self) -> str:
        if len(self._said) > 1:
            self._said = ["".join(self._said)]
        return self._said[0] if self._said else ""

    def _opening(self) -> list[Json]:
        """Return, once, the chunk with the role."""
        if self._identity or self._first is None:
            return []
        first, context = self._first, self._context
        self._identity = {
            "id": swap_id(first["id"], Shape.CHAT, context),
            "object": "chat.completion.chunk",
            "created": created(first.get("created_at"), context),
            "model": model_name(first.get("model"), context),
        }
        return [self._choice({"role": "assistant", "content": "", "refusal": None})]

    def _choice(self, delta: Json, reason: str | None = None) -> Json:
        return self._chunk(
            [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]
        )

    def _chunk(self, choices: list[Json]) -> Json:
        chunk: Json = {**self._identity, "choices": choices}
        if self._include_usage:
            chunk["usage"] = None
        return chunk

    _readers: ClassVar[Mapping[str, Callable[["ResponseTexts", Json], list[Json] | None]]] = {
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
