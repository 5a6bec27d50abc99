"""The types of common responses: one text, after hidden reasoning."""

from typing import Annotated, Literal

import msgspec

from gateway.fast.codec import ABSENT, Absent, Empty, FastReply, Int64, Nothing, Passed
from gateway.translate.parts.tokens.counts import LARGEST_COUNT

Count = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_COUNT)]
"""A number of tokens."""


class Text(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A part of a message."""

    type: Literal["output_text"]
    text: str
    annotations: Nothing = []
    logprobs: Passed = None
    """In replies to requests that ask for log probabilities."""


class _Item(msgspec.Struct, tag_field="type", forbid_unknown_fields=True, kw_only=True, gc=False):
    id: Passed = None
    status: Passed = None
    role: Passed = None


class OutputMessage(_Item, tag="message", kw_only=True, gc=False):
    """A message with one text."""

    content: tuple[Text]
    phase: str | Absent = ABSENT


class HiddenReasoning(_Item, tag="reasoning", kw_only=True, gc=False):
    """Reasoning without text: the first item of most reasoning models."""

    summary: Nothing = []
    content: Nothing = []
    encrypted_content: Passed = None
    """For later requests that continue the conversation with its items."""


_Name = Annotated[str, msgspec.Meta(min_length=1)]


class FunctionCall(_Item, tag="function_call", kw_only=True, gc=False):
    """A call of a function."""

    call_id: _Name
    name: _Name
    arguments: str


class Usage(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The tokens of a response."""

    input_tokens: Count
    output_tokens: Count
    total_tokens: Count | None = None
    input_tokens_details: dict[str, Count] | None = None
    output_tokens_details: dict[str, Count] | None = None
    cost: None = None
    """LiteLLM's."""


class Response(FastReply, kw_only=True, gc=False):
    """A common response. Most of it repeats the request, which a chat completion does not."""

    object: Literal["response"]
    status: Literal["completed"]
    output: Annotated[list[OutputMessage | HiddenReasoning], msgspec.Meta(min_length=1)]
    usage: Usage
    created_at: Int64 | float | None = None
    service_tier: str | None = None
    metadata: Empty | None = None
    native_finish_reason: None = None
    incomplete_details: None = None
    background: Passed = None
    billing: Passed = None
    completed_at: Passed = None
    conversation: Passed = None
    frequency_penalty: Passed = None
    instructions: Passed = None
    max_output_tokens: Passed = None
    max_tool_calls: Passed = None
    moderation: Passed = None
    """In replies to requests that ask for a moderation."""
    parallel_tool_calls: Passed = None
    presence_penalty: Passed = None
    previous_response_id: Passed = None
    prompt: Passed = None
    prompt_cache_key: Passed = None
    prompt_cache_retention: Passed = None
    reasoning: Passed = None
    safety_identifier: Passed = None
    store: Passed = None
    temperature: Passed = None
    text: Passed = None
    tool_choice: Passed = None
    tools: Passed = None
    top_logprobs: Passed = None
    top_p: Passed = None
    truncation: Passed = None
    user: Passed = None
    input_messages: Passed = None
    """vLLM's, with `enable_response_messages`, like the next one."""
    output_messages: Passed = None
