"""Common messages streams as chat streams: texts, one block after the other."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Final, Literal

import msgspec

from gateway.fast.codec import Nothing, Passed
from gateway.fast.forms.message_replies import StopReason, finish_reason
from gateway.shapes import Json, Shape
from gateway.translate.chat_via_messages.reply import total_usage
from gateway.translate.contract import Context
from gateway.translate.parts.fields import NO_IDS, model_name, swap_id
from gateway.translate.parts.to_messages.counts import Counts
from gateway.translate.stream.chat_chunks import ChatChunks


class _Begun(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A message that has nothing yet."""

    id: str
    type: Literal["message"]
    role: Passed = None
    model: Passed = None
    content: Nothing = []
    stop_reason: None = None
    stop_sequence: None = None
    stop_details: None = None
    container: None = None
    context_management: None = None
    usage: Passed = None


class _Start(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: str
    message: _Begun


class _EmptyText(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: Literal["text"]
    text: Literal[""]
    citations: Nothing | None = None


class _BlockStart(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: str
    index: int
    content_block: _EmptyText


class _TextDelta(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: Literal["text_delta"]
    text: str


class _Delta(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: str
    index: int
    delta: _TextDelta


class _BlockStop(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: str
    index: int


class _Ending(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    stop_reason: StopReason
    stop_sequence: Passed = None
    stop_details: None = None
    container: None = None


class _MessageDelta(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: str
    delta: _Ending
    usage: Passed = None


class _Bare(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: str


class MessagesAsChat:
    """Folds a common messages stream (a `CommonStream`)."""

    passes_text: Final = True

    def __init__(self, context: Context, *, include_usage: bool) -> None:
        self._context = context
        self._chunks = ChatChunks(include_usage=include_usage)
        self._first: Json = {}
        """The message as the first event has it."""
        self._block: int | None = None
        """The index of the open block."""
        self._stopped: StopReason | None = None
        self._has_ended = False
        self._counts = Counts()
        self.length = 0

    def ping(self) -> list[Json]:
        """Return nothing: a comment shows that the stream is alive."""
        return []

    def take(self, event: Json) -> list[Json] | None:
        """Take an event; return the chunks to send, or None: it is not common."""
        kind = event.get("type")
        read = self._readers.get(kind) if isinstance(kind, str) else None
        if read is None or self._has_ended:
            return None
        try:
            chunks = read(self, event)
        except (msgspec.ValidationError, RecursionError):
            return None
        self._counts.take(event)
        return chunks

    def end(self) -> list[Json] | None:
        """Return the usage, if the client wants it; None: the message is not complete."""
        return self._chunks.end(total_usage([self._counts.usage])) if self._has_ended else None

    def _start(self, event: Json) -> list[Json] | None:
        message = msgspec.convert(event, _Start).message
        if self._first or message.id.removeprefix("msg_") in NO_IDS:
            return None
        self._first = event["message"]
        return []

    def _begin(self, event: Json) -> list[Json] | None:
        index = msgspec.convert(event, _BlockStart).index
        if not self._is_between():
            return None
        self._block = index
        return []

    def _add(self, event: Json) -> list[Json] | None:
        delta = msgspec.convert(event, _Delta)
        if delta.index != self._block:
            return None
        text = delta.delta.text
        if not text:
            return []
        self.length += len(text)
        return [*self._opening(), self._chunks.choice({"content": text})]

    def _stop(self, event: Json) -> list[Json] | None:
        if msgspec.convert(event, _BlockStop).index != self._block:
            return None
        self._block = None
        return []

    def _note(self, event: Json) -> list[Json] | None:
        ending = msgspec.convert(event, _MessageDelta).delta
        if not self._is_between():
            return None
        self._stopped = ending.stop_reason
        return []

    def _close(self, event: Json) -> list[Json] | None:
        msgspec.convert(event, _Bare)
        if self._stopped is None:
            return None
        self._has_ended = True
        opening, tier = self._opening(), self._counts.tier
        last = self._chunks.choice({}, finish_reason(self._stopped))
        return [*opening, last if tier is None else {**last, "service_tier": tier}]

    def _pass_over(self, event: Json) -> list[Json]:
        msgspec.convert(event, _Bare)
        return []

    def _is_between(self) -> bool:
        """Whether the message has begun, and no block is open, nor its end announced."""
        return bool(self._first) and self._block is None and self._stopped is None

    def _opening(self) -> list[Json]:
        """Return, once, the chunk with the role."""
        if self._chunks.identity:
            return []
        first, context = self._first, self._context
        chat_id = swap_id(first["id"].removeprefix("msg_"), Shape.CHAT, context)
        self._chunks.begin(chat_id, context.now, model_name(first.get("model"), context))
        return self._chunks.announced(1)

    _readers: ClassVar[Mapping[str, Callable[["MessagesAsChat", Json], list[Json] | None]]] = {
        "message_start": _start,
        "ping": _pass_over,
        "content_block_start": _begin,
        "content_block_delta": _add,
        "content_block_stop": _stop,
        "message_delta": _note,
        "message_stop": _close,
    }
