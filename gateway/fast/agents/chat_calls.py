"""Whole chat replies with calls, as messages."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from gateway.fast.codec import FastReply, Int64, Nothing, Passed
from gateway.fast.messages_replies import CallId, Name, encode_calls, usage
from gateway.fast.responses import Count
from gateway.translate.contract import Context
from gateway.translate.parts.messages.asked import MessagesAsked

_Empty = Literal[""] | None


class _Function(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    name: Name
    arguments: str


class _Call(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    function: _Function
    id: CallId = ""
    type: Literal["function"] | None = None
    index: Passed = None


class _Message(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    tool_calls: list[_Call]
    content: str | None = None
    role: Passed = None
    refusal: _Empty = None
    annotations: Nothing | None = None
    audio: None = None
    images: Nothing | None = None
    phase: str | None = None
    function_call: None = None
    reasoning: _Empty = None
    reasoning_content: _Empty = None
    reasoning_details: Nothing | None = None


class _Choice(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    index: Literal[0]
    message: _Message
    finish_reason: Literal["tool_calls", "stop"]
    logprobs: None = None
    native_finish_reason: Literal["", "completed", "stop", "STOP"] | None = None
    error: _Empty = None
    stop_reason: Passed = None
    """vLLM's, like the next two."""
    token_ids: Passed = None
    routed_experts: Passed = None
    matched_stop: Passed = None
    content_filter_results: Passed = None
    seed: Passed = None


class _Usage(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    prompt_tokens: Count
    completion_tokens: Count
    total_tokens: Count | None = None
    prompt_tokens_details: dict[str, Count | None] | None = None
    completion_tokens_details: dict[str, Count | None] | None = None


class _Reply(FastReply, kw_only=True, gc=False):
    """A common chat completion with calls; for its fields see `chat_replies.ChatReply`."""

    object: Literal["chat.completion"]
    choices: tuple[_Choice]
    usage: _Usage
    created: Int64 = 0
    system_fingerprint: str | None = None
    service_tier: Passed = None
    moderation: Passed = None
    prompt_filter_results: Passed = None
    timings: Passed = None
    prompt_logprobs: Passed = None
    prompt_token_ids: Passed = None
    prompt_text: Passed = None
    metrics: Passed = None
    x_groq: Passed = None
    usage_breakdown: Passed = None
    stats: Passed = None
    metadata: Passed = None
    prompt: Passed = None


_read = msgspec.json.Decoder(_Reply).decode


def message_with_calls(
    asked: MessagesAsked, call_ids: Sequence[str], context: Context, body: bytes
) -> bytes | None:
    """Return the message for a chat reply with calls; None: it is not a common one.

    `call_ids` are those of the conversation. Raises what is in `NOT_ADMITTED`.
    """
    reply = _read(body)
    counted, message = reply.usage, reply.choices[0].message
    if not message.tool_calls:
        return None
    within = counted.prompt_tokens_details or {}
    generated = counted.completion_tokens_details or {}
    return encode_calls(
        message.content,
        [(call.id, call.function.name, call.function.arguments) for call in message.tool_calls],
        usage(
            counted.prompt_tokens,
            counted.completion_tokens,
            within.get("cached_tokens") or 0,
            within.get("cache_write_tokens") or 0,
            generated.get("reasoning_tokens") or 0,
            reply.service_tier,
        ),
        reply.model,
        asked,
        call_ids,
        context,
    )
