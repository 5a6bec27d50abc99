"""The codec from completions to chat and back.

It admits prompts that are one text, numbers that any upstream takes, and replies that are one text,
whole or streamed.
"""

from typing import Annotated, Final

import msgspec

from gateway.fast.codec import (
    ABSENT,
    Absent,
    EncodedRequest,
    FastCodec,
    FastRequest,
    Int64,
    Number,
    PositiveInt,
    StreamOptions,
    encode,
    takes_sampling,
    wanted_usage,
)
from gateway.fast.forms.chat_replies import ChatReply, FinishReason
from gateway.fast.streams.chat_as_completions import ChatAsCompletions
from gateway.shapes import Json, Shape
from gateway.translate.completions_via_chat.request import DEFAULT_MAX_TOKENS
from gateway.translate.contract import Context
from gateway.translate.parts.fields import model_name, swap_id
from gateway.translate.parts.tokens.counts import LARGEST_COUNT
from gateway.translate.parts.tokens.usage_sums import complete_usage

_Penalty = (
    Annotated[int, msgspec.Meta(ge=-2, le=2)] | Annotated[float, msgspec.Meta(ge=-2, le=2)] | Absent
)


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
    """The chat request that is sent."""

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
    stream_options: StreamOptions | Absent
    seed: int | Absent


class _Reply(ChatReply, kw_only=True, gc=False):
    """A common chat completion."""

    usage: dict[str, Number | dict[str, Number | None] | None]


_Count = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_COUNT)]


class _CountedReply(ChatReply, kw_only=True, gc=False):
    """A reply whose usage has nothing but counts and groups of counts, and is relayed as it is."""

    usage: dict[str, _Count | Annotated[dict[str, _Count], msgspec.Meta(min_length=1)]]


class _FoldedChoice(msgspec.Struct, gc=False):
    index: int
    text: str
    logprobs: None
    finish_reason: FinishReason
    phase: str | Absent


class _Folded(msgspec.Struct, gc=False):
    """The completions reply that the client gets."""

    id: str
    object: str
    created: int
    model: str
    choices: tuple[_FoldedChoice]
    usage: Json
    system_fingerprint: str | Absent


_DEEPSEEKS = "prompt_cache_hit_tokens"
"""DeepSeek's count of cached tokens, which becomes a detail of the prompt's."""
_COUNTS = {"prompt_tokens", "completion_tokens", "total_tokens"}
_KNOWN_COUNTS = frozenset(
    {
        *(*_COUNTS, "prompt_tokens_details", "completion_tokens_details"),
        *(_DEEPSEEKS, "prompt_cache_miss_tokens"),
        *("queue_time", "prompt_time", "completion_time", "total_time"),  # Groq
    }
)
"""The fields that a common usage may have: all are relayed under their names."""

_ASKED = StreamOptions(include_usage=True)
"""The options that are sent: the gateway notes the usage itself, so it always asks for it."""

_COMPLETIONS: Final = Shape.COMPLETIONS
_read_request = msgspec.json.Decoder(_Request).decode
_read_reply = msgspec.json.Decoder(_Reply).decode
_read_counted = msgspec.json.Decoder(_CountedReply).decode


def fits(context: Context) -> bool:
    """Whether neither the upstream nor the operator gives a common request another form."""
    able, settings = context.capabilities, context.settings
    return (
        not (able.reasoning and settings.reasoning_headroom_tokens)
        and settings.completion_system_prompt is None
        and settings.max_fanout > 0
        and context.reasoning_effort is None
    )


def encode_request(body: bytes, context: Context) -> EncodedRequest | None:
    """Return the chat request for a common completions request; None: it is not one."""
    request = _read_request(body)
    if not takes_sampling(request, context) or not _is_taken(request, context):
        return None
    limit, usage = request.max_tokens, wanted_usage(request)
    modern = context.capabilities.max_tokens_field == "max_completion_tokens"
    sent = _Sent(
        context.model_sent,
        (_SentMessage("user", request.prompt),),
        ABSENT if modern else limit,
        limit if modern else ABSENT,
        request.user,
        request.temperature,
        request.top_p,
        request.presence_penalty,
        request.frequency_penalty,
        request.stream or (False if context.capabilities.may_stream_unasked else ABSENT),
        _ASKED if request.stream and context.capabilities.stream_usage else ABSENT,
        request.seed,
    )
    return EncodedRequest(encode(sent), limit, usage, model=request.model)


def _is_taken(request: _Request, context: Context) -> bool:
    """Whether the model takes penalties, seed and stream options of a request, if it has any."""
    able = context.capabilities
    if request.stream_options is not ABSENT and not (request.stream and able.stream_usage):
        return False
    has_penalty = request.presence_penalty is not ABSENT or request.frequency_penalty is not ABSENT
    return (able.penalties or not has_penalty) and (able.seed or request.seed is ABSENT)


def decode_reply(body: bytes, encoded: EncodedRequest, context: Context) -> bytes | None:  # noqa: ARG001
    """Return the completions reply for a common chat reply; None: it is not one."""
    reply: _CountedReply | _Reply
    try:
        reply = _read_counted(body)
    except msgspec.ValidationError:
        reply = _read_reply(body)
    usage: Json | None = reply.usage
    if type(reply) is _Reply or not reply.usage.keys() >= _COUNTS or reply.usage.get(_DEEPSEEKS):
        usage = complete_usage(reply.usage)
    if usage is None or not usage.keys() <= _KNOWN_COUNTS:
        return None
    choice, fingerprint = reply.choices[0], reply.system_fingerprint
    message = choice.message
    folded = _Folded(
        swap_id(reply.id, _COMPLETIONS, context),
        "text_completion",
        reply.created or context.now,
        model_name(reply.model or None, context),
        (_FoldedChoice(0, message.content, None, choice.finish_reason, message.phase or ABSENT),),
        usage,
        ABSENT if fingerprint is None else fingerprint,
    )
    return encode(folded)


def stream(encoded: EncodedRequest, context: Context) -> ChatAsCompletions:
    """Return the fold of a chat stream."""
    return ChatAsCompletions(context, include_usage=encoded.wants_usage is True)


COMPLETIONS_VIA_CHAT = FastCodec(
    Shape.COMPLETIONS, Shape.CHAT, fits, encode_request, decode_reply, stream
)
