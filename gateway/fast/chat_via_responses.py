"""The codec from chat to responses and back.

It admits messages that are texts, numbers that any backend takes, and responses that are one text,
with hidden reasoning, whole or streamed; whole ones also with calls.
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
from gateway.fast.responses import FunctionCall, HiddenReasoning, OutputMessage, Response
from gateway.fast.whole_arguments import is_object
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.parts.fields import created, model_name, swap_id
from gateway.translate.parts.tokens.usage import chat_counts
from gateway.utf8 import check_utf8


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


class _Called(msgspec.Struct, gc=False):
    name: str
    arguments: str


class _FoldedCall(msgspec.Struct, gc=False):
    id: str
    type: str
    function: _Called


class _FoldedMessage(msgspec.Struct, gc=False):
    role: str
    content: str | None
    refusal: None
    tool_calls: list[_FoldedCall] | Absent
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


class _Response(Response, kw_only=True, gc=False):
    """A common response, also with calls. Long fields that repeat the request are skipped."""

    output: Annotated[  # type: ignore[assignment]
        list[OutputMessage | HiddenReasoning | FunctionCall], msgspec.Meta(min_length=1)
    ]
    instructions: msgspec.Raw = msgspec.Raw()
    tools: msgspec.Raw = msgspec.Raw()


_CHAT: Final = Shape.CHAT
_read_request = msgspec.json.Decoder(_Request).decode
_read_response = msgspec.json.Decoder(_Response).decode


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
    check_utf8(body)
    response = _read_response(body)
    usage = response.usage
    read, written, total = usage.input_tokens, usage.output_tokens, usage.total_tokens
    message = None if limit and written >= limit else _message(response)
    if message is None:
        return None
    reason = "stop" if message.tool_calls is ABSENT else "tool_calls"
    folded = _Folded(
        swap_id(response.id, _CHAT, context),
        "chat.completion",
        created(response.created_at, context),
        model_name(response.model, context),
        (_FoldedChoice(0, message, None, reason),),
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


def _message(response: _Response) -> _FoldedMessage | None:
    """Return the message that the items of a response make; None: they are not common."""
    said: OutputMessage | None = None
    calls: list[_FoldedCall] = []
    ids: set[str] = set()
    for item in response.output:
        if isinstance(item, OutputMessage):
            if said is not None:
                return None
            said = item
        elif isinstance(item, FunctionCall):
            if item.call_id in ids or not is_object(item.arguments):
                return None
            ids.add(item.call_id)
            called = _Called(item.name, item.arguments)
            calls.append(_FoldedCall(item.call_id, "function", called))
    if said is None and not calls:
        return None
    text = "" if said is None else said.content[0].text
    phase = ABSENT if said is None or not text else said.phase
    return _FoldedMessage(
        "assistant", text or (None if calls else ""), None, calls or ABSENT, phase
    )


def stream(encoded: EncodedRequest, context: Context) -> ResponseTexts:
    """Return the fold of a responses stream."""
    _, limit, usage = encoded
    return ResponseTexts(context, limit, include_usage=usage is True)


CHAT_VIA_RESPONSES = FastCodec(
    Shape.CHAT, Shape.RESPONSES, fits, encode_request, decode_reply, stream
)
