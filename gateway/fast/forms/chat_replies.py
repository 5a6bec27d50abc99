"""The types of common chat replies: one choice with a text."""

from typing import Annotated, Literal

import msgspec

from gateway.fast.codec import FastReply, Int64, Nothing, Passed
from gateway.fast.forms.response_replies import Count

FinishReason = Literal["stop", "length", "content_filter"]
"""The finish reasons with the same name at chat and at completions."""


class ChatMessage(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A message with a text."""

    content: Annotated[str, msgspec.Meta(min_length=1)]
    role: Passed = None
    refusal: Literal[""] | None = None
    annotations: Nothing | None = None
    audio: None = None
    file_citations: Nothing | None = None
    images: Nothing | None = None
    phase: str | None = None
    citations: Nothing | None = None
    search_results: Nothing | None = None
    tool_calls: Nothing | None = None
    function_call: None = None
    reasoning: Passed = None
    reasoning_content: Passed = None
    reasoning_details: Passed = None


class ChatChoice(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The only choice."""

    index: Literal[0]
    message: ChatMessage
    finish_reason: FinishReason
    logprobs: None = None
    native_finish_reason: Literal["", "completed", "length", "stop", "STOP"] | None = None
    """Words that say no more than `finish_reason`."""
    error: Literal[""] | None = None
    citations: Nothing | None = None
    search_results: Nothing | None = None
    stop_reason: Passed = None
    """vLLM's: the stop sequence that was found. The next two are vLLM's, too."""
    token_ids: Passed = None
    routed_experts: Passed = None
    matched_stop: Passed = None
    """SGLang's `stop_reason`."""
    content_filter_results: Passed = None
    """Azure's severities by category; content that it withholds has another finish reason."""
    seed: Passed = None
    """Together's."""


class ChatReplyFields(FastReply, kw_only=True, gc=False):
    """The fields of common chat completions but for their choices."""

    object: Literal["chat.completion"]
    created: Int64 = 0
    system_fingerprint: str | None = None
    service_tier: Passed = None
    moderation: Passed = None
    """In replies to requests that ask for a moderation."""
    prompt_filter_results: Passed = None
    """Azure's."""
    timings: Passed = None
    """llama.cpp's."""
    prompt_logprobs: Passed = None
    """vLLM's, like the next three."""
    prompt_token_ids: Passed = None
    prompt_text: Passed = None
    metrics: Passed = None
    x_groq: Passed = None
    """Groq's id of the request; the next one is Groq's, too: times by kind of model."""
    usage_breakdown: Passed = None
    stats: Passed = None
    """LM Studio's."""
    metadata: Passed = None
    """SGLang's: the version of the weights."""
    prompt: Passed = None
    """Together's."""


class ChatReply(ChatReplyFields, kw_only=True, gc=False):
    """A common chat completion of a text."""

    choices: tuple[ChatChoice]


class ChatUsage(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The usage of a common chat completion."""

    prompt_tokens: Count
    completion_tokens: Count
    total_tokens: Count | None = None
    prompt_tokens_details: dict[str, Count | None] | None = None
    completion_tokens_details: dict[str, Count | None] | None = None
