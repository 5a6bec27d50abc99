"""The codec from completions to chat and back.

It admits one text for a prompt, numbers that any backend takes, and a reply that is one text.
"""

from typing import Annotated, Literal

import msgspec

from gateway.fast.codec import (
    ABSENT,
    Absent,
    EncodedRequest,
    FastCodec,
    FastReply,
    FastRequest,
    Int64,
    Nothing,
    Number,
    Passed,
    PositiveInt,
    encode,
    samples_as_it_may,
)
from gateway.shapes import Json, Shape
from gateway.translate.completions_via_chat.request import DEFAULT_MAX_TOKENS
from gateway.translate.contract import Context
from gateway.translate.parts.fields import model_name, swap_id
from gateway.translate.parts.tokens.usage_sums import numbers

_Penalty = (
    Annotated[int, msgspec.Meta(ge=-2, le=2)] | Annotated[float, msgspec.Meta(ge=-2, le=2)] | Absent
)
_FinishReason = Literal["stop", "length", "content_filter"]
"""Those that both endpoints call the same."""


class _Request(FastRequest, kw_only=True, gc=False):
    """A common completions request."""

    prompt: str
    max_tokens: PositiveInt = DEFAULT_MAX_TOKENS
    presence_penalty: _Penalty = ABSENT
    frequency_penalty: _Penalty = ABSENT
    seed: Int64 | Absent = ABSENT


class _SentMessage(msgspec.Struct, gc=False):
    role: str
    content: str


class _Sent(msgspec.Struct, gc=False):
    """The chat request that it becomes."""

    model: str
    messages: tuple[_SentMessage]
    max_tokens: int | Absent
    max_completion_tokens: int | Absent
    user: str | Absent
    temperature: float | Absent
    top_p: float | Absent
    presence_penalty: float | Absent
    frequency_penalty: float | Absent
    stream: bool | Absent
    seed: int | Absent


class _Message(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A message with a text. Reasoning is not shown to a completions client."""

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


class _Choice(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    index: Literal[0]
    message: _Message
    finish_reason: _FinishReason
    logprobs: None = None
    native_finish_reason: Literal["", "completed", "length", "stop", "STOP"] | None = None
    """What says no more than `finish_reason`."""
    error: Literal[""] | None = None
    citations: Nothing | None = None
    search_results: Nothing | None = None
    stop_reason: Passed = None
    """vLLM's: the stop sequence that was found. So are the next two."""
    token_ids: Passed = None
    routed_experts: Passed = None
    matched_stop: Passed = None
    """SGLang's `stop_reason`."""
    content_filter_results: Passed = None
    """Azure's judgements, severity by category; what it withholds has another finish reason."""
    seed: Passed = None
    """Together's."""


class _Reply(FastReply, kw_only=True, gc=False):
    """A common chat completion."""

    object: Literal["chat.completion"]
    choices: tuple[_Choice]
    usage: dict[str, Number | dict[str, Number | None] | None]
    created: Int64 = 0
    system_fingerprint: str | None = None
    service_tier: Passed = None
    """Completions have no place for it."""
    moderation: Passed = None
    """Of chat requests that ask for one."""
    prompt_filter_results: Passed = None
    """Azure's."""
    timings: Passed = None
    """llama.cpp's."""
    prompt_logprobs: Passed = None
    """vLLM's. So are the next three."""
    prompt_token_ids: Passed = None
    prompt_text: Passed = None
    metrics: Passed = None
    x_groq: Passed = None
    """Groq's id of the request. So is the next one: times by kind of model."""
    usage_breakdown: Passed = None
    stats: Passed = None
    """LM Studio's."""
    metadata: Passed = None
    """SGLang's: the version of the weights."""
    prompt: Passed = None
    """Together's."""


class _FoldedChoice(msgspec.Struct, gc=False):
    index: int
    text: str
    logprobs: None
    finish_reason: _FinishReason
    phase: str | Absent


class _Folded(msgspec.Struct, gc=False):
    """The completions reply that it becomes."""

    id: str
    object: str
    created: int
    model: str
    choices: tuple[_FoldedChoice]
    usage: Json
    system_fingerprint: str | Absent


_COUNTS = {"prompt_tokens", "completion_tokens", "total_tokens"}
_KNOWN_COUNTS = frozenset(
    {
        *(*_COUNTS, "prompt_tokens_details", "completion_tokens_details"),
        *("prompt_cache_hit_tokens", "prompt_cache_miss_tokens"),  # DeepSeek
        *("queue_time", "prompt_time", "completion_time", "total_time"),  # Groq
    }
)
"""What a common usage may have beside them: all of it is relayed under its name."""

_read_request = msgspec.json.Decoder(_Request).decode
_read_reply = msgspec.json.Decoder(_Reply).decode


def fits(context: Context) -> bool:
    """Whether neither the backend nor the operator gives a common request another form."""
    able, settings = context.capabilities, context.settings
    return (
        not (able.reasoning and settings.reasoning_headroom_tokens)
        and settings.completion_system_prompt is None
        and settings.max_fanout > 0
        and context.reasoning_effort is None
    )


def encode_request(body: bytes, context: Context) -> EncodedRequest | None:
    """Return the chat request of a common completions request; None: it is not one."""
    asked = _read_request(body)
    if asked.stream or not samples_as_it_may(asked, context) or not _is_taken(asked, context):
        return None
    limit = asked.max_tokens
    modern = context.capabilities.max_tokens_field == "max_completion_tokens"
    sent = _Sent(
        context.model_sent,
        (_SentMessage("user", asked.prompt),),
        ABSENT if modern else limit,
        limit if modern else ABSENT,
        asked.user,
        asked.temperature,
        asked.top_p,
        asked.presence_penalty,
        asked.frequency_penalty,
        False if context.capabilities.may_stream_unasked else ABSENT,
        asked.seed,
    )
    return encode(sent), limit


def _is_taken(asked: _Request, context: Context) -> bool:
    """Whether the model takes the penalties and the seed of a request, if it has any."""
    able = context.capabilities
    has_penalty = asked.presence_penalty is not ABSENT or asked.frequency_penalty is not ABSENT
    return (able.penalties or not has_penalty) and (able.seed or asked.seed is ABSENT)


def decode_reply(body: bytes, limit: int, context: Context) -> bytes | None:  # noqa: ARG001
    """Return the completions reply of a common chat reply; None: it is not one."""
    reply = _read_reply(body)
    usage = numbers(reply.usage) if _has_gaps(reply.usage) else reply.usage
    if not _COUNTS <= usage.keys() <= _KNOWN_COUNTS:
        return None
    choice, fingerprint = reply.choices[0], reply.system_fingerprint
    message = choice.message
    folded = _Folded(
        swap_id(reply.id, Shape.COMPLETIONS, context),
        "text_completion",
        reply.created or context.now,
        model_name(reply.model or None, context),
        (_FoldedChoice(0, message.content, None, choice.finish_reason, message.phase or ABSENT),),
        usage,
        ABSENT if fingerprint is None else fingerprint,
    )
    return encode(folded)


def _has_gaps(usage: Json) -> bool:
    """Whether some count is not one, or a group of them is empty."""
    for value in usage.values():
        if value is None or (type(value) is dict and (not value or None in value.values())):
            return True
    return False


COMPLETIONS_VIA_CHAT = FastCodec(Shape.COMPLETIONS, Shape.CHAT, fits, encode_request, decode_reply)
