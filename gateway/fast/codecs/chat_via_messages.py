"""The codec from chat to messages and back.

It admits messages that are texts, numbers that the model takes, and messages that are texts, whole
or streamed; whole ones also with calls of tools after them.
"""

from typing import Final

from gateway.fast.codec import (
    ABSENT,
    EncodedRequest,
    FastCodec,
    adds_nothing,
    wanted_usage,
)
from gateway.fast.codecs.to_messages import encode_texts, noted_limit
from gateway.fast.forms.chat_answers import Identity, answered_call, encode_completion
from gateway.fast.forms.chat_text_requests import ChatText, read_chat_texts
from gateway.fast.forms.message_replies import (
    counts_of,
    finish_reason,
    read_message,
    text_and_calls,
    written,
)
from gateway.fast.streams.messages_as_chat import MessagesAsChat
from gateway.shapes import Shape
from gateway.translate.contract import Context
from gateway.translate.parts.fields import model_name, swap_id
from gateway.translate.parts.messages.usage import openai_word
from gateway.translate.parts.to_messages.parameters import limit_to_send
from gateway.translate.parts.tokens.usage import chat_counts

_CHAT: Final = Shape.CHAT


def encode_request(body: bytes, context: Context) -> EncodedRequest | None:
    """Return the messages request for a common chat request; None: it is not one."""
    request = read_chat_texts(body)
    if request is None or request.store:
        return None
    system: list[str] = []
    conversation: list[ChatText] = []
    for message in request.messages:
        if message.role == "user" or message.role == "assistant":
            conversation.append(message)
        elif conversation:
            return None
        else:
            system.append(message.content)
    limit = request.limit or None
    sent = limit_to_send(limit, context)
    encoded = encode_texts(system, conversation, request, sent, context)
    if encoded is None:
        return None
    name = "max_completion_tokens" if request.max_tokens is ABSENT else "max_tokens"
    noted = noted_limit(_CHAT, limit, name, sent)
    usage = wanted_usage(request)
    return EncodedRequest(encoded, sent, usage, noted=noted, model=request.model)


def decode_reply(body: bytes, encoded: EncodedRequest, context: Context) -> bytes | None:  # noqa: ARG001
    """Return the chat completion for a common message; None: it is not one."""
    message = read_message(body)
    found, counts = text_and_calls(message), counts_of(message.usage)
    if found is None or counts is None:
        return None
    text, calls = found
    return encode_completion(
        Identity(
            swap_id(message.id.removeprefix("msg_"), _CHAT, context),
            context.now,
            model_name(message.model, context),
        ),
        text,
        [answered_call(*call) for call in written(calls)],
        chat_counts(*counts),
        reason=finish_reason(message.stop_reason),
        tier=openai_word(message.usage.service_tier),
    )


def stream(encoded: EncodedRequest, context: Context) -> MessagesAsChat:
    """Return the fold of a messages stream."""
    return MessagesAsChat(context, include_usage=encoded.wants_usage is True)


CHAT_VIA_MESSAGES = FastCodec(
    Shape.CHAT, Shape.MESSAGES, adds_nothing, encode_request, decode_reply, stream
)
