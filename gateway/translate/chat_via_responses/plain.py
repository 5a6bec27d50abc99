"""The plain way from chat to responses and back (`plain_way.py` says what that is).

What is recognised here is what the general way gives the same for, without a word in the report:
messages that are texts, numbers that any backend takes, and a response that is one text, after
thoughts that are not told.
"""

from typing import Annotated, Literal

import msgspec

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.parts.fields import created, model_name, swap_id
from gateway.translate.parts.usage import LARGEST_COUNT, chat_counts
from gateway.translate.plain_way import (
    ABSENT,
    Absent,
    Empty,
    Int64,
    PlainCall,
    PlainReply,
    PlainRequest,
    PositiveInt,
    encode,
    needs_effort,
)

_Count = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_COUNT)]


class _Message(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    role: Literal["system", "user", "assistant", "developer"]
    content: str


class _Request(PlainRequest, kw_only=True, gc=False):
    """A plain chat request."""

    messages: Annotated[list[_Message], msgspec.Meta(min_length=1)]
    max_tokens: PositiveInt | Absent = ABSENT
    max_completion_tokens: PositiveInt | Absent = ABSENT
    store: bool = False


class _InputText(msgspec.Struct, gc=False):
    type: str
    text: str


class _Item(msgspec.Struct, gc=False):
    type: str
    role: str
    content: str | tuple[_InputText]


class _Sent(msgspec.Struct, gc=False):
    """The responses request that it becomes."""

    model: str
    input: list[_Item]
    user: str | Absent
    store: bool
    temperature: float | Absent
    top_p: float | Absent
    max_output_tokens: int | Absent
    stream: bool | Absent


class _Text(msgspec.Struct, gc=False):
    type: Literal["output_text"]
    text: str
    annotations: Annotated[list[object], msgspec.Meta(max_length=0)] = []


class _Said(msgspec.Struct, tag_field="type", tag="message", gc=False):
    content: tuple[_Text]
    phase: str | Absent = ABSENT


class _SilentThought(msgspec.Struct, tag_field="type", tag="reasoning", gc=False):
    """What a model thought without telling: most reasoning models' first item."""

    summary: Annotated[list[object], msgspec.Meta(max_length=0)] = []
    content: Annotated[list[object], msgspec.Meta(max_length=0)] = []


class _Usage(msgspec.Struct, gc=False):
    input_tokens: _Count
    output_tokens: _Count
    total_tokens: _Count | None = None
    input_tokens_details: dict[str, _Count] | None = None
    output_tokens_details: dict[str, _Count] | None = None


class _Response(PlainReply, kw_only=True, gc=False):
    """A plain response; what is not named here, chat has no place for."""

    object: Literal["response"]
    status: Literal["completed"]
    output: Annotated[list[_Said | _SilentThought], msgspec.Meta(min_length=1)]
    usage: _Usage
    created_at: Int64 | float | None = None
    service_tier: str | None = None
    metadata: Empty | None = None
    response: Absent = ABSENT
    native_finish_reason: None = None


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
    """The chat completion that it becomes."""

    id: str
    object: str
    created: int
    model: str
    choices: tuple[_FoldedChoice]
    service_tier: str | Absent
    usage: Json


_read_request = msgspec.json.Decoder(_Request).decode
_read_response = msgspec.json.Decoder(_Response).decode


def fits(context: Context) -> bool:
    """Whether neither the backend nor the operator gives a plain request another form."""
    able = context.capabilities
    return able.temperature and able.top_p and context.reasoning_effort is None


def plain_call(body: bytes, context: Context) -> PlainCall | None:
    """Return the responses request that a plain chat request is; None: it is not plain."""
    asked = _read_request(body)
    if asked.stream or needs_effort(asked, context):
        return None
    limit, newer = asked.max_tokens, asked.max_completion_tokens
    if newer is not ABSENT:
        if limit is not ABSENT:
            return None
        limit = newer
    if limit is not ABSENT and limit < context.capabilities.min_output_tokens:
        return None
    items = []
    for message in asked.messages:
        role = message.role
        content: str | tuple[_InputText] = message.content
        if role == "system" or role == "developer":
            if role == "developer" and not context.capabilities.developer_role:
                return None
            content = (_InputText("input_text", message.content),)
        items.append(_Item("message", role, content))
    sent = _Sent(
        context.model_sent,
        items,
        asked.user,
        asked.store,
        asked.temperature,
        asked.top_p,
        limit,
        False if context.capabilities.may_stream_unasked else ABSENT,
    )
    return encode(sent), 0 if limit is ABSENT else limit


def plain_reply(body: bytes, limit: int, context: Context) -> bytes | None:
    """Return the chat completion that a plain response is; None: it is not plain."""
    response = _read_response(body)
    usage = response.usage
    read, written, total = usage.input_tokens, usage.output_tokens, usage.total_tokens
    if limit and written >= limit:
        return None
    *thoughts, said = response.output
    if type(said) is not _Said or _Said in map(type, thoughts):
        return None
    text = said.content[0].text
    message = _FoldedMessage("assistant", text, None, said.phase if text else ABSENT)
    folded = _Folded(
        swap_id(response.id, Shape.CHAT, context),
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
