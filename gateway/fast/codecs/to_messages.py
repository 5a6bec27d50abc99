"""Common requests for messages endpoints: instructions, texts in turn, and numbers."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from gateway.fast.alternating import alternate
from gateway.fast.codec import ABSENT, Absent, Sampled, encode
from gateway.fast.forms.chat_text_requests import ChatText
from gateway.fast.forms.response_text_requests import ResponseText
from gateway.shapes import Shape
from gateway.translate.contract import Context, Report
from gateway.translate.parts.to_messages.blocks import EPHEMERAL
from gateway.translate.parts.to_messages.parameters import report_limit


class _Text(msgspec.Struct, tag_field="type", tag="text", gc=False):
    text: str


TextMessage = ChatText | ResponseText
"""A text of the user or the assistant, which is a message of both shapes."""


class _EndUser(msgspec.Struct, gc=False):
    user_id: str


class _Mark(msgspec.Struct, gc=False):
    type: str


_AUTOMATIC = _Mark(**EPHEMERAL)


class _Sent(msgspec.Struct, gc=False):
    model: str
    system: str | list[_Text] | Absent
    messages: Sequence[TextMessage]
    max_tokens: int
    temperature: float | Absent
    top_p: float | Absent
    stream: bool | Absent
    metadata: _EndUser | Absent
    cache_control: _Mark | Absent


class Asked(Sampled, Protocol):
    """The parameters of a common request beside its texts and its limit."""

    @property
    def stream(self) -> bool:
        """Whether the client wants a stream."""

    @property
    def user(self) -> str | Absent:
        """The name of the end user."""


def encode_texts(
    system: Sequence[str],
    messages: Sequence[TextMessage],
    request: Asked,
    limit: int,
    context: Context,
) -> bytes | None:
    """Return the messages request with these texts; None if it would not be a common one.

    `limit` is the limit of output tokens to send.
    """
    if not messages or not _takes(request, context):
        return None
    if not (context.capabilities.roles_in_a_row or alternate(messages)):
        return None
    for each in messages:
        text = each.content
        if not text or text.isspace():
            return None
    texts = [text for text in system if text and not text.isspace()]
    instructions: str | list[_Text] | Absent = ABSENT
    if texts:
        instructions = texts[0] if len(texts) == 1 else list(map(_Text, texts))
    able, user = context.capabilities, request.user
    return encode(
        _Sent(
            context.model_sent,
            instructions,
            messages,
            limit,
            request.temperature,
            request.top_p,
            request.stream or (False if able.may_stream_unasked else ABSENT),
            _EndUser(user) if user is not ABSENT and user else ABSENT,
            _AUTOMATIC if able.cache_auto else ABSENT,
        )
    )


def noted_limit(source: Shape, limit: int | None, name: str, sent: int) -> Report | None:
    """Return the report of a limit that is sent changed; None if it is sent as it is."""
    if sent == limit:
        return None
    report = Report(source, Shape.MESSAGES)
    report_limit(limit, name, sent, report)
    return report


def _takes(request: Asked, context: Context) -> bool:
    """Whether the model takes the sampling parameters of a request as they are."""
    able, temperature, top_p = context.capabilities, request.temperature, request.top_p
    if temperature is not ABSENT and not (able.temperature and temperature <= able.max_temperature):
        return False
    if top_p is ABSENT:
        return True
    return able.top_p and (able.temperature_with_top_p or temperature is ABSENT)
