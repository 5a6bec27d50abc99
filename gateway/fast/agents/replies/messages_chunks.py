"""Chat streams as messages streams, with a shortcut for pieces of arguments.

A long call comes in thousands of chunks that have nothing but the next piece of its arguments. Such
a chunk is added to the call of the chunk before it, if that was another piece at the same index.
All other chunks take the generic path, with which this shares its state.
"""

from typing import Annotated, Final, Literal

import msgspec

from gateway.fast.codec import Nothing
from gateway.fast.forms.chat_chunk_fields import ChunkFields
from gateway.shapes import Json
from gateway.translate.contract import MAX_REPLY_CHARACTERS, Context, Report
from gateway.translate.messages_via_chat.stream import MessagesStream
from gateway.translate.parts.messages.prepared import PreparedMessages

_Empty = Literal[""] | None
_Piece = Annotated[str, msgspec.Meta(min_length=1)]
_FIRST_CHOICE: Final[Json] = {"index": 0}


class _Function(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    arguments: _Piece
    name: _Empty = None


class _Call(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    index: int
    function: _Function
    id: _Empty = None
    type: Literal["function", ""] | None = None


class _Delta(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    tool_calls: tuple[_Call]
    content: _Empty = None
    role: None = None
    refusal: None = None
    reasoning: _Empty = None
    reasoning_content: _Empty = None
    function_call: None = None


class _Choice(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    delta: _Delta
    index: Literal[0]
    finish_reason: _Empty = None
    logprobs: None = None
    native_finish_reason: _Empty = None
    stop_reason: None = None
    matched_stop: None = None
    token_ids: None = None


class _Chunk(ChunkFields, kw_only=True, gc=False):
    """A chunk with nothing but the next piece of a call's arguments."""

    choices: tuple[_Choice]
    usage: Nothing | None = None


class CallsInChunks(MessagesStream):
    """The fold of the one call's stream (a `StreamTranslation`)."""

    def __init__(self, request: PreparedMessages, context: Context, report: Report) -> None:
        super().__init__(request, context, report)
        self._index: int | None = None
        """The index of the call whose piece the last event was; None after any other event."""

    def feed(self, call: int, event: Json) -> list[Json]:
        """Take one chunk; raises as the generic path does."""
        try:
            chunk = msgspec.convert(event, _Chunk)
        except (msgspec.ValidationError, RecursionError):
            self._index = None
            return super().feed(call, event)
        (piece,) = chunk.choices[0].delta.tool_calls
        text = piece.function.arguments
        characters = self._characters + len(text)
        goes_on = piece.index == self._index and not self._frame.ended
        if not goes_on or characters > MAX_REPLY_CHARACTERS:
            written = super().feed(call, event)
            is_asked = self._places.place(_FIRST_CHOICE) is not None
            self._index = piece.index if is_asked else None
            return written
        self._characters = characters
        self._facts.service_tier = chunk.service_tier or self._facts.service_tier
        self._calls.go_on(piece.index, text, self._begin_call)
        self._frame.advance()
        return self._frame.sent()
