"""The codec from messages to responses and back.

It admits messages and instructions of texts, numbers that any upstream takes, and responses that
are one text, whole or streamed. Reasoning may precede the text, if nothing of it has to be sent
back to the server.
"""

import msgspec

from gateway.fast.codec import ABSENT, Absent, EncodedRequest, FastCodec, encode, takes_sampling
from gateway.fast.forms.message_answers import encode_message, usage
from gateway.fast.forms.message_text_requests import read_request
from gateway.fast.forms.response_replies import HiddenReasoning, OutputMessage, Response
from gateway.fast.streams.responses_as_messages import END, ResponsesAsMessages
from gateway.shapes import Shape
from gateway.translate.contract import Context
from gateway.translate.parts.from_messages.hints import cache_key


class _Part(msgspec.Struct, gc=False):
    type: str
    text: str


class _Item(msgspec.Struct, gc=False):
    type: str
    role: str
    content: str | list[_Part]


class _Sent(msgspec.Struct, gc=False):
    """The responses request that is sent."""

    model: str
    instructions: str | Absent
    input: list[_Item]
    store: bool
    temperature: float | Absent
    top_p: float | Absent
    stream: bool | Absent
    max_output_tokens: int
    prompt_cache_key: str | Absent


_read_response = msgspec.json.Decoder(Response).decode


def fits(context: Context) -> bool:
    """Whether the operator adds nothing, and the gateway does not ask for sealed reasoning."""
    able = context.capabilities
    return context.reasoning_effort is None and (not able.reasoning or able.reasoning_items)


def encode_request(body: bytes, context: Context) -> EncodedRequest | None:
    """Return the responses request for a common messages request; None: it is not one."""
    read = read_request(body)
    if read is None:
        return None
    request, texts = read
    if not takes_sampling(request, context):
        return None
    able, limit, streamed = context.capabilities, request.max_tokens, request.stream
    if limit < able.min_output_tokens:
        return None
    items = []
    for message in request.messages:
        given = message.content
        content: str | list[_Part]
        if isinstance(given, str):
            content = given
        else:
            content = [_Part("input_text", part.text) for part in given]
        items.append(_Item("message", message.role, content))
    sent = _Sent(
        context.model_sent,
        "\n\n".join(texts) or ABSENT,
        items,
        store=False,
        temperature=request.temperature,
        top_p=request.top_p,
        stream=streamed or (False if able.may_stream_unasked else ABSENT),
        max_output_tokens=limit,
        prompt_cache_key=(
            cache_key(None, texts[0] if texts else "", context) if able.hints else ABSENT
        ),
    )
    wants_usage = True if streamed else None
    return EncodedRequest(encode(sent), limit, wants_usage, model=request.model)


def decode_reply(body: bytes, encoded: EncodedRequest, context: Context) -> bytes | None:
    """Return the message for a common response; None: it is not one."""
    response = _read_response(body)
    counted = response.usage
    *before, last = response.output
    if counted.output_tokens >= encoded.limit or type(last) is not OutputMessage:
        return None
    for item in before:
        if type(item) is not HiddenReasoning or item.encrypted_content:
            return None
    text = last.content[0].text
    if not text or last.phase is not ABSENT:
        return None
    read, written = counted.input_tokens_details or {}, counted.output_tokens_details or {}
    return encode_message(
        text,
        END,
        usage(
            counted.input_tokens,
            counted.output_tokens,
            read.get("cached_tokens", 0),
            read.get("cache_write_tokens", 0),
            written.get("reasoning_tokens", 0),
            response.service_tier,
        ),
        response.model,
        context,
    )


def stream(encoded: EncodedRequest, context: Context) -> ResponsesAsMessages:
    """Return the fold of a responses stream."""
    return ResponsesAsMessages(context, encoded.limit)


MESSAGES_VIA_RESPONSES = FastCodec(
    Shape.MESSAGES, Shape.RESPONSES, fits, encode_request, decode_reply, stream, by_session=True
)
