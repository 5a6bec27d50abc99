"""The codec from messages to chat and back.

It admits messages and instructions of texts, numbers that any upstream takes, and replies that are
one text, whole or streamed.
"""

import msgspec

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
from gateway.fast.forms.chat_replies import ChatReply, ChatUsage
from gateway.fast.forms.message_answers import encode_message, usage_of_chat
from gateway.fast.forms.message_text_requests import TextMessage, TextPart, read_request
from gateway.fast.streams.chat_as_messages import STOPS, ChatAsMessages
from gateway.shapes import Shape
from gateway.translate.contract import Context
from gateway.translate.parts.from_messages.hints import cache_key


class _System(msgspec.Struct, gc=False):
    role: str
    content: str | list[TextPart]


class _Sent(msgspec.Struct, gc=False):
    """The chat request that is sent."""

    model: str
    messages: list[TextMessage | _System]
    max_tokens: int | Absent
    max_completion_tokens: int | Absent
    temperature: float | Absent
    top_p: float | Absent
    stream: bool | Absent
    stream_options: StreamOptions | Absent
    prompt_cache_key: str | Absent


class _Reply(ChatReply, kw_only=True, gc=False):
    """A common chat completion."""

    usage: ChatUsage


_ASKED = StreamOptions(include_usage=True)

_read_reply = msgspec.json.Decoder(_Reply).decode


def encode_request(body: bytes, context: Context) -> EncodedRequest | None:
    """Return the chat request for a common messages request; None: it is not one."""
    read = read_request(body)
    if read is None:
        return None
    request, texts = read
    if not takes_sampling(request, context):
        return None
    able, limit, streamed = context.capabilities, request.max_tokens, request.stream
    messages: list[TextMessage | _System] = [*request.messages]
    if texts:
        messages.insert(0, _System(able.system_role, _content(texts, context)))
    modern = able.max_tokens_field == "max_completion_tokens"
    sent = _Sent(
        context.model_sent,
        messages,
        ABSENT if modern else limit,
        limit if modern else ABSENT,
        request.temperature,
        request.top_p,
        streamed or (False if able.may_stream_unasked else ABSENT),
        _ASKED if streamed and able.stream_usage else ABSENT,
        cache_key(None, texts[0] if texts else "", context) if able.hints else ABSENT,
    )
    wants_usage = True if streamed else None
    return EncodedRequest(encode(sent), limit, wants_usage, model=request.model)


def _content(texts: list[str], context: Context) -> str | list[TextPart]:
    if len(texts) > 1 and context.capabilities.multi_system:
        return [TextPart("text", text) for text in texts]
    return "\n\n".join(texts)


def decode_reply(body: bytes, encoded: EncodedRequest, context: Context) -> bytes | None:  # noqa: ARG001
    """Return the message for a common chat reply; None: it is not one."""
    reply = _read_reply(body)
    choice = reply.choices[0]
    message = choice.message
    if message.reasoning or message.reasoning_content or message.reasoning_details:
        return None
    if message.phase:
        return None
    return encode_message(
        message.content,
        STOPS[choice.finish_reason],
        usage_of_chat(reply.usage, reply.service_tier),
        reply.model,
        context,
    )


def stream(encoded: EncodedRequest, context: Context) -> ChatAsMessages:  # noqa: ARG001
    """Return the fold of a chat stream."""
    return ChatAsMessages(context)


MESSAGES_VIA_CHAT = FastCodec(
    Shape.MESSAGES, Shape.CHAT, adds_nothing, encode_request, decode_reply, stream, by_session=True
)
