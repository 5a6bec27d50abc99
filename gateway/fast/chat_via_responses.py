"""The codec from chat to responses and back.

It admits messages that are texts, numbers that any backend takes, and responses that are one text,
after hidden reasoning, whole or streamed.
"""

from typing import Annotated, Final, Literal

import msgspec

from gateway.fast.codec import (
    ABSENT,
    Absent,
    EncodedRequest,
    FastCodec,
    FastRequest,
    PositiveInt,
    encode,
    takes_sampling,
    wanted_usage,
)
from gateway.fast.response_texts import ResponseTexts
from gateway.fast.responses import OutputMessage, Response
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.parts.fields import created, model_name, swap_id
from gateway.translate.parts.tokens.usage import chat_counts


class _Message(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    role: Literal["system", "user", "assistant", "developer"]
    content: str


class _Request(FastRequest, kw_only=True, gc=False):
    """A common chat request."""

    messages: Annotated[list[_Message], msgspec.Meta(min_length=1)]
    max_tokens: PositiveInt | Absent = ABSENT
    max_completion_tokens: PositiveInt | Absent = ABSENT
    store: bool = False


class _InputText(msgspec.Struct, gc=False):
    type: str
    text: str


class _SentItem(msgspec.Struct, gc=False):
    type: str
    role: str
    content: str | tuple[_InputText]


class _Sent(msgspec.Struct, gc=False):
    """The responses request made of it."""

    model: str
    input: list[_SentItem]
    user: str | Absent
    store: bool
    temperature: float | Absent
    top_p: float | Absent
    max_output_tokens: int | Absent
    stream: bool | Absent


class _FoldedMessage(msgspec.Struct, gc=False):
    role: str
    content: str
    refusal: None
    phase: str | Absent


class _FoldedChoice(msgspec.Struct, gc=False):
    index: int
    message: _FoldedMessage
    logprobs: None
    finish_reason: str


class _Folded(msgspec.Struct, gc=False):
    """The chat completion made of it."""

    id: str
    object: str
    created: int
    model: str
    choices: tuple[_FoldedChoice]
    service_tier: str | Absent
    usage: Json


_CHAT: Final = Shape.CHAT
_read_request = msgspec.json.Decoder(_Request).decode
_read_response = msgspec.json.Decoder(Response).decode


def fits(context: Context) -> bool:
    """Whether the operator adds nothing to a common request."""
    return context.reasoning_effort is None


def encode_request(body: bytes, context: Context) -> EncodedRequest | None:
    """Return the responses request for a common chat request; None: it is not one."""
    request = _read_request(body)
    if not takes_sampling(request, context):
        return None
    if request.stream_options is not ABSENT and not request.stream:
        return None
    limit, newer = request.max_tokens, request.max_completion_tokens
    if newer is not ABSENT:
        if limit is not ABSENT:
            return None
        limit = newer
    if limit is not ABSENT and limit < context.capabilities.min_output_tokens:
        return None
    items = []
    for message in request.messages:
        role = message.role
        content: str | tuple[_InputText] = message.content
        if role == "system" or role == "developer":
            if role == "developer" and not context.capabilities.developer_role:
                return None
            content = (_InputText("input_text", message.content),)
        items.append(_SentItem("message", role, content))
    sent = _Sent(
        context.model_sent,
        items,
        request.user,
        request.store,
        request.temperature,
        request.top_p,
        limit,
        request.stream or (False if context.capabilities.may_stream_unasked else ABSENT),
    )
    return encode(sent), 0 if limit is ABSENT else limit, wanted_usage(request)


def decode_reply(body: bytes, limit: int, context: Context) -> bytes | None:
    """Return the chat completion for a common response; None: it is not one."""
    response = _read_response(body)
    usage = response.usage
    read, written, total = usage.input_tokens, usage.output_tokens, usage.total_tokens
    if limit and written >= limit:
        return None
    *reasoning, last = response.output
    if type(last) is not OutputMessage or OutputMessage in map(type, reasoning):
        return None
    text = last.content[0].text
    message = _FoldedMessage("assistant", text, None, last.phase if text else ABSENT)
    folded = _Folded(
        swap_id(response.id, _CHAT, context),
        "chat.completion",
        created(response.created_at, context),
        model_name(response.model, context),
        (_FoldedChoice(0, message, None, "stop"),),
        ABSENT if response.service_tier is None else response.service_tier,
        chat_counts(
            read,
            written,
            read + written if total is None else total,
            usage.input_tokens_details or {},
            usage.output_tokens_details or {},
        ),
    )
    return encode(folded)


def stream(encoded: EncodedRequest, context: Context) -> ResponseTexts:
    """Return the fold of a responses stream."""
    _, limit, usage = encoded
    return ResponseTexts(context, limit, include_usage=usage is True)


CHAT_VIA_RESPONSES = FastCodec(
    Shape.CHAT, Shape.RESPONSES, fits, encode_request, decode_reply, stream
)
