"""Recognises events with nothing but text, or arguments of a call, for the fast path of streams.

The types name every field that such an event may have, most of them with an empty value only. An
event with any other field or value is left to the generic path.
"""

from typing import Annotated, Any, Literal

import msgspec

from gateway.fast.forms.chat_chunk_fields import ChunkFields
from gateway.shapes import Json, Shape

_Text = Annotated[str, msgspec.Meta(min_length=1)]
_Nothing = Annotated[list[object], msgspec.Meta(max_length=0)] | Literal[""] | None
"""The values by which servers leave a field empty."""


class _Event(ChunkFields, kw_only=True, gc=False):
    """A chunk of chat or completions; the translation takes the reply's id from the first one."""

    usage: None = None


class _Choice(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    index: int = 0
    finish_reason: Literal[""] | None = None
    logprobs: None = None
    native_finish_reason: Literal[""] | None = None
    """OpenRouter's."""
    stop_reason: None = None
    """vLLM's."""
    token_ids: None = None
    """vLLM's, with `return_token_ids`."""
    matched_stop: None = None
    """SGLang's."""
    seed: None = None
    """Together's."""


class _Delta(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    content: _Text
    role: str | None = None
    refusal: _Nothing = None
    reasoning: _Nothing = None
    reasoning_content: _Nothing = None
    reasoning_details: _Nothing = None
    tool_calls: _Nothing = None
    function_call: _Nothing = None


class _ChatChoice(_Choice, kw_only=True, gc=False):
    delta: _Delta


class _ChatEvent(_Event, kw_only=True, gc=False):
    choices: tuple[_ChatChoice]


class _CompletionsChoice(_Choice, kw_only=True, gc=False):
    text: _Text


class _CompletionsEvent(_Event, kw_only=True, gc=False):
    choices: tuple[_CompletionsChoice]


class _ResponsesEvent(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    type: Literal["response.output_text.delta"]
    delta: _Text
    item_id: Any = None
    output_index: Any = None
    content_index: Any = None
    sequence_number: Any = None
    obfuscation: Any = None
    logprobs: _Nothing = None


class _TextDelta(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    type: Literal["text_delta"]
    text: _Text


class _Called(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    arguments: _Text
    name: Literal[""] | None = None


class _Call(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    function: _Called
    index: int
    id: Literal[""] | None = None
    type: Literal["function", ""] | None = None


class _CallDelta(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    tool_calls: tuple[_Call]
    content: Literal[""] | None = None
    role: str | None = None
    refusal: _Nothing = None
    reasoning: _Nothing = None
    reasoning_content: _Nothing = None
    reasoning_details: _Nothing = None
    function_call: _Nothing = None


class _ChatCallChoice(_Choice, kw_only=True, gc=False):
    delta: _CallDelta


class _ChatCallEvent(_Event, kw_only=True, gc=False):
    choices: tuple[_ChatCallChoice]


class _ResponsesCallEvent(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    type: Literal["response.function_call_arguments.delta"]
    delta: _Text
    item_id: str
    output_index: Any = None
    sequence_number: Any = None
    obfuscation: Any = None


class _MessagesEvent(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    type: Literal["content_block_delta"]
    index: Any = None
    delta: _TextDelta


Kind = Literal["text", "arguments"]
"""What an event has: text, or arguments of a call."""

_TYPES: dict[tuple[Kind, Shape], Any] = {
    ("text", Shape.CHAT): _ChatEvent,
    ("text", Shape.COMPLETIONS): _CompletionsEvent,
    ("text", Shape.RESPONSES): _ResponsesEvent,
    ("text", Shape.MESSAGES): _MessagesEvent,
    ("arguments", Shape.CHAT): _ChatCallEvent,
    ("arguments", Shape.RESPONSES): _ResponsesCallEvent,
}


def has_only(kind: Kind, shape: Shape, event: Json) -> bool:
    """Whether an event of this shape has text only, or arguments only."""
    try:
        msgspec.convert(event, _TYPES[kind, shape])
    except (msgspec.ValidationError, RecursionError):
        return False
    return True
