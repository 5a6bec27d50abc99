"""Chat streams as messages streams, with a shortcut for pieces of arguments.

A long call comes in thousands of chunks that have nothing but the next piece of its arguments. Such
a chunk goes to its call at once; all others take the generic path, whose state this is.
"""

from typing import Annotated, Literal

import msgspec

from gateway.fast.codec import Nothing, Passed
from gateway.shapes import Json
from gateway.translate.contract import MAX_REPLY_CHARACTERS, Context, Report
from gateway.translate.messages_via_chat.blocks import CallBlock
from gateway.translate.messages_via_chat.stream import MessagesStream
from gateway.translate.parts.messages.prepared import PreparedMessages
from gateway.translate.responses_via_chat.deltas.delta import CallFragment

_Empty = Literal[""] | None
_Piece = Annotated[str, msgspec.Meta(min_length=1)]
_CLOSING = ("}", "]")


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


class _Chunk(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A chunk with nothing but the next piece of a call's arguments."""

    choices: tuple[_Choice]
    id: Passed = None
    object: Passed = None
    created: Passed = None
    model: Passed = None
    system_fingerprint: Passed = None
    service_tier: Passed = None
    provider: Passed = None
    obfuscation: Passed = None
    p: Passed = None
    usage: Nothing | None = None
    error: None = None
    prompt_token_ids: None = None
    kv_transfer_params: None = None


class CallsInChunks(MessagesStream):
    """The fold of the one call's stream (a `StreamTranslation`)."""

    def __init__(self, request: PreparedMessages, context: Context, report: Report) -> None:
        super().__init__(request, context, report)
        self._known: dict[int, CallBlock] = {}
        """The calls of the pieces since the last other event, by their indexes."""

    def feed(self, call: int, event: Json) -> list[Json]:
        """Take one chunk; raises as the generic path does."""
        if not self._calls or self._frame.ended or not self._facts.model:
            return super().feed(call, event)
        try:
            chunk = msgspec.convert(event, _Chunk)
        except (msgspec.ValidationError, RecursionError):
            self._known.clear()
            return super().feed(call, event)
        (piece,) = chunk.choices[0].delta.tool_calls
        text = piece.function.arguments
        self._characters += len(text)
        if self._characters > MAX_REPLY_CHARACTERS or self._places.place({"index": 0}) is None:
            self._characters -= len(text)
            return super().feed(call, event)
        self._facts.service_tier = chunk.service_tier or self._facts.service_tier
        self._add(piece.index, text)
        self._frame.advance()
        return self._frame.sent()

    def _add(self, index: int, text: str) -> None:
        known = self._known.get(index)
        # Only a bracket ends arguments, and what follows it may be another call.
        if known is None or known.has_ended or any(each in text for each in _CLOSING):
            fragment = CallFragment(index, "", "", text, custom=False, carried={})
            self._known[index] = self._calls.take(fragment, self._begin_call)
        else:
            known.add("", "", text, custom=False)
