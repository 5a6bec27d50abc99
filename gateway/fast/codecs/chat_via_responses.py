"""The codec from chat to responses and back.

It admits messages that are texts, numbers that any upstream takes, and responses that are one text,
with hidden reasoning, whole or streamed; whole ones also with calls.
"""

from typing import Annotated, Final

import msgspec

from gateway.fast.codec import (
    ABSENT,
    Absent,
    EncodedRequest,
    FastCodec,
    adds_nothing,
    encode,
    takes_sampling,
    wanted_usage,
)
from gateway.fast.codecs.whole_arguments import is_object
from gateway.fast.forms.chat_answers import (
    AnsweredCall,
    Identity,
    answered_call,
    encode_completion,
)
from gateway.fast.forms.chat_text_requests import read_chat_texts
from gateway.fast.forms.response_replies import (
    FunctionCall,
    HiddenReasoning,
    OutputMessage,
    Response,
)
from gateway.fast.streams.responses_as_chat import ResponsesAsChat
from gateway.shapes import Shape
from gateway.texts import check_utf8
from gateway.translate.contract import Context
from gateway.translate.parts.fields import created, model_name, swap_id
from gateway.translate.parts.tokens.usage import chat_counts


class _InputText(msgspec.Struct, gc=False):
    type: str
    text: str


class _SentItem(msgspec.Struct, gc=False):
    type: str
    role: str
    content: str | tuple[_InputText]


class _Sent(msgspec.Struct, gc=False):
    """The responses request that is sent."""

    model: str
    input: list[_SentItem]
    user: str | Absent
    store: bool
    temperature: float | Absent
    top_p: float | Absent
    max_output_tokens: int | Absent
    stream: bool | Absent


class _Response(Response, kw_only=True, gc=False):
    """A common response, also with calls. Long fields that repeat the request are skipped."""

    output: Annotated[  # type: ignore[assignment]
        list[OutputMessage | HiddenReasoning | FunctionCall], msgspec.Meta(min_length=1)
    ]
    instructions: msgspec.Raw = msgspec.Raw()
    tools: msgspec.Raw = msgspec.Raw()


_CHAT: Final = Shape.CHAT
_read_response = msgspec.json.Decoder(_Response).decode


def encode_request(body: bytes, context: Context) -> EncodedRequest | None:
    """Return the responses request for a common chat request; None: it is not one."""
    request = read_chat_texts(body)
    if request is None or not takes_sampling(request, context):
        return None
    limit = request.limit
    if 0 < limit < context.capabilities.min_output_tokens:
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
        limit or ABSENT,
        request.stream or (False if context.capabilities.may_stream_unasked else ABSENT),
    )
    return EncodedRequest(encode(sent), limit, wanted_usage(request), model=request.model)


def decode_reply(body: bytes, encoded: EncodedRequest, context: Context) -> bytes | None:
    """Return the chat completion for a common response; None: it is not one."""
    check_utf8(body)
    response = _read_response(body)
    usage = response.usage
    read, written, total = usage.input_tokens, usage.output_tokens, usage.total_tokens
    contents = None if 0 < encoded.limit <= written else _contents(response)
    if contents is None:
        return None
    text, calls, phase = contents
    return encode_completion(
        Identity(
            swap_id(response.id, _CHAT, context),
            created(response.created_at, context),
            model_name(response.model, context),
        ),
        text,
        calls,
        chat_counts(
            read,
            written,
            read + written if total is None else total,
            usage.input_tokens_details or {},
            usage.output_tokens_details or {},
        ),
        tier=response.service_tier,
        phase=phase,
    )


def _contents(response: _Response) -> tuple[str, list[AnsweredCall], str | Absent] | None:
    """Return the text of a response, its calls and the text's phase; None: it is not common."""
    message: OutputMessage | None = None
    calls: list[AnsweredCall] = []
    ids: set[str] = set()
    for item in response.output:
        if isinstance(item, OutputMessage):
            if message is not None:
                return None
            message = item
        elif isinstance(item, FunctionCall):
            if item.call_id in ids or not is_object(item.arguments):
                return None
            ids.add(item.call_id)
            calls.append(answered_call(item.call_id, item.name, item.arguments))
    if message is None:
        return ("", calls, ABSENT) if calls else None
    text = message.content[0].text
    return text, calls, message.phase if text else ABSENT


def stream(encoded: EncodedRequest, context: Context) -> ResponsesAsChat:
    """Return the fold of a responses stream."""
    return ResponsesAsChat(context, encoded.limit, include_usage=encoded.wants_usage is True)


CHAT_VIA_RESPONSES = FastCodec(
    Shape.CHAT, Shape.RESPONSES, adds_nothing, encode_request, decode_reply, stream
)
