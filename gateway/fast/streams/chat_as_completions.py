"""Common chat streams as completions streams: one choice of text, with or without the usage."""

from typing import Annotated, Any, Literal

import msgspec

from gateway.fast.codec import Nothing, Passed
from gateway.fast.forms.chat_chunk_fields import ChunkFields
from gateway.shapes import Json
from gateway.translate.completions_via_chat.chunks import CompletionChunks
from gateway.translate.completions_via_chat.reply import total_usage
from gateway.translate.completions_via_chat.request import Plan
from gateway.translate.completions_via_chat.streamed_choice import chunk_choice
from gateway.translate.contract import Context
from gateway.translate.parts.fields import NO_IDS

_Empty = Literal[""] | None
_ONE_CALL = Plan(prompts=())
"""A plan with one call, whose usage is that of the reply."""


class _Delta(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    content: str | None = None
    role: str | None = None
    refusal: _Empty = None
    reasoning: _Empty = None
    reasoning_content: _Empty = None
    reasoning_details: Nothing | None = None
    tool_calls: Nothing | None = None
    function_call: None = None


class _Choice(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    delta: _Delta
    index: Literal[0] = 0
    finish_reason: Literal["", "stop", "length", "content_filter"] | None = None
    logprobs: None = None
    native_finish_reason: _Empty = None
    """OpenRouter's."""
    stop_reason: Passed = None
    """vLLM's, like the next one."""
    token_ids: None = None
    matched_stop: Passed = None
    """SGLang's."""
    seed: Passed = None
    """Together's."""


class Chunk(ChunkFields, kw_only=True, gc=False):
    """A common chunk of a chat stream."""

    id: str
    object: Literal["chat.completion.chunk"]
    choices: Annotated[list[_Choice], msgspec.Meta(max_length=1)]
    usage: dict[str, Any] | None = None
    timings: Passed = None
    """llama.cpp's."""


def read_chunk(event: Json) -> Chunk | None:
    """Return a chunk of a common stream; None: it is not common."""
    try:
        return msgspec.convert(event, Chunk)
    except (msgspec.ValidationError, RecursionError):
        return None


class ChatAsCompletions:
    """Folds a common chat stream (a `CommonStream`)."""

    def __init__(self, context: Context, *, include_usage: bool) -> None:
        self._chunks = CompletionChunks(context, keeps_id=True, include_usage=include_usage)
        self._include_usage = include_usage
        self._usage: Json | None = None
        self._reason: str | None = None
        self.length = 0

    @property
    def passes_text(self) -> bool:
        """Whether the choice has not ended."""
        return self._reason is None

    def ping(self) -> list[Json]:
        """Return nothing: a comment shows that the stream is alive."""
        return []

    def take(self, event: Json) -> list[Json] | None:
        """Take a chunk; return those to send, or None: it is not common."""
        chunk = read_chunk(event)
        if chunk is None:
            return None
        if chunk.id in NO_IDS or (chunk.usage and self._usage):
            return None
        self._chunks.note(event)
        self._usage = chunk.usage or self._usage
        if not chunk.choices:
            return []
        (choice,) = chunk.choices
        text, reason = choice.delta.content, choice.finish_reason
        if self._reason is not None or (text and reason):
            return None
        if reason:
            self._reason = reason
        if not text:
            return []
        self.length += len(text)
        return [self._chunks.chunk([chunk_choice(0, text)])]

    def end(self) -> list[Json] | None:
        """Return the last chunks; None: the choice has not ended."""
        if self._reason is None:
            return None
        last = self._chunks.chunk([chunk_choice(0, "", None, self._reason)])
        usage = total_usage(_ONE_CALL, [self._usage]) if self._include_usage else None
        return [last] if usage is None else [last, {**self._chunks.chunk([]), "usage": usage}]
