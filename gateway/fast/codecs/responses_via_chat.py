"""The codec from responses to chat and back.

It admits an input and instructions of texts, numbers that any upstream takes, and replies that are
a text or calls of functions.
"""

import msgspec

from gateway.fast.agents.replies.chat_as_response import decode_reply as response_of
from gateway.fast.codec import (
    ABSENT,
    Absent,
    EncodedRequest,
    FastCodec,
    StreamOptions,
    adds_nothing,
    encode,
    takes_sampling,
)
from gateway.fast.forms.response_text_requests import ResponseText, read_response_texts
from gateway.fast.streams.chat_as_responses import ChatAsResponses
from gateway.shapes import Shape
from gateway.translate.contract import Context


class _Sent(msgspec.Struct, gc=False):
    """The chat request that is sent."""

    model: str
    messages: list[ResponseText]
    temperature: float | Absent
    top_p: float | Absent
    max_tokens: int | Absent
    max_completion_tokens: int | Absent
    user: str | Absent
    stream: bool | Absent
    stream_options: StreamOptions | Absent


_ASKED = StreamOptions(include_usage=True)


def encode_request(body: bytes, context: Context) -> EncodedRequest | None:
    """Return the chat request for a common responses request; None: it is not one."""
    read = read_response_texts(body)
    if read is None:
        return None
    request, texts = read
    if not takes_sampling(request, context):
        return None
    able, limit, streamed = context.capabilities, request.max_output_tokens, request.stream
    messages = list(texts)
    if request.instructions:
        messages.insert(0, ResponseText(able.system_role, request.instructions))
    modern = able.max_tokens_field == "max_completion_tokens"
    sent = _Sent(
        context.model_sent,
        messages,
        request.temperature,
        request.top_p,
        ABSENT if modern else limit,
        limit if modern else ABSENT,
        request.user,
        streamed or (False if able.may_stream_unasked else ABSENT),
        _ASKED if streamed and able.stream_usage else ABSENT,
    )
    return EncodedRequest(encode(sent), client=request.client)


def decode_reply(body: bytes, encoded: EncodedRequest, context: Context) -> bytes | None:
    """Return the response for a common chat reply; None: it is not one."""
    return response_of(body, encoded.client or {}, bool, context)


def stream(encoded: EncodedRequest, context: Context) -> ChatAsResponses:
    """Return the fold of a chat stream."""
    return ChatAsResponses(encoded.client or {}, context)


RESPONSES_VIA_CHAT = FastCodec(
    Shape.RESPONSES,
    Shape.CHAT,
    adds_nothing,
    encode_request,
    decode_reply,
    stream,
    repeats_ids=True,
)
