"""The codec from responses to messages and back.

It admits an input and instructions of texts, numbers that the model takes, and messages that are
texts with calls of tools after them.
"""

from collections.abc import Callable

from msgspec import Raw

from gateway.fast.codec import (
    ABSENT,
    EncodedRequest,
    FastCodec,
    adds_nothing,
)
from gateway.fast.codecs.to_messages import encode_texts, noted_limit
from gateway.fast.forms.message_replies import counts_of, read_message, text_and_calls, written
from gateway.fast.forms.response_answers import encode_response
from gateway.fast.forms.response_text_requests import read_response_texts
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.parts.messages.usage import openai_word
from gateway.translate.parts.to_messages.parameters import limit_to_send
from gateway.translate.parts.tokens.usage import responses_counts
from gateway.translate.parts.tools.calls import MAX_CALL_ID
from gateway.translate.responses_via_chat.output.response_object import UpstreamFacts


def encode_request(body: bytes, context: Context) -> EncodedRequest | None:
    """Return the messages request for a common responses request; None: it is not one."""
    read = read_response_texts(body)
    if read is None:
        return None
    request, texts = read
    limit = None if request.max_output_tokens is ABSENT else request.max_output_tokens
    sent = limit_to_send(limit, context)
    system = () if request.instructions is ABSENT else (request.instructions,)
    encoded = encode_texts(system, texts, request, sent, context)
    if encoded is None:
        return None
    noted = noted_limit(Shape.RESPONSES, limit, "max_output_tokens", sent)
    return EncodedRequest(encoded, sent, client=request.client, noted=noted)


def response_of(
    body: bytes,
    client: Json,
    is_function: Callable[[str], bool],
    context: Context,
    *,
    tools: Raw | None = None,
) -> bytes | None:
    """Return the response for a common message; None: it is not one.

    The parameters are those of `fast.agents.replies.chat_as_response.decode_reply`. Raises one of
    `NOT_ADMITTED`.
    """
    message = read_message(body)
    found, counts = text_and_calls(message), counts_of(message.usage)
    if found is None or counts is None or message.stop_reason == "max_tokens":
        return None
    text, calls = found
    if not all(len(call.id) <= MAX_CALL_ID and is_function(call.name) for call in calls):
        return None
    tier = openai_word(message.usage.service_tier)
    counted = responses_counts(*counts)
    facts = UpstreamFacts(model=message.model or None, service_tier=tier, counted=counted)
    return encode_response(client, facts, text, written(calls), context, tools)


def decode_reply(body: bytes, encoded: EncodedRequest, context: Context) -> bytes | None:
    """Return the response for a common message; None: it is not one."""
    return response_of(body, encoded.client or {}, bool, context)


RESPONSES_VIA_MESSAGES = FastCodec(
    Shape.RESPONSES, Shape.MESSAGES, adds_nothing, encode_request, decode_reply
)
