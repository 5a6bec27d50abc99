"""Bodies that have another shape than the endpoint that they were sent to.

Cursor posts bodies of responses to the chat endpoint when its base URL is overridden, and reads
chat completions. Such a call is one of responses in everything but its reply.
"""

from dataclasses import replace
from typing import Final

import msgspec

from gateway.exchange.request_fields import Routed
from gateway.exchange.unreadable_body import unreadable
from gateway.request import GenerationRequest
from gateway.shapes import Shape

_CHAT: Final = Shape.CHAT
_NOTHING: Final[tuple[object, ...]] = (None, [])
_LONGEST_NOTHING: Final = 64
"""Bytes; a longer list is none of blanks."""


class _Messages(msgspec.Struct, gc=False):
    messages: msgspec.Raw = msgspec.Raw(b"null")


_decode = msgspec.json.Decoder(_Messages).decode


def as_written(call: GenerationRequest, routed: Routed) -> GenerationRequest:
    """Return a call as one of the shape that its body has; `routed` is of its body.

    Raises `InvalidRequest` for a body that is not JSON.
    """
    if shape_of(call.shape, call.body, routed) is call.shape:
        return call
    return replace(call, shape=Shape.RESPONSES, as_chat=True)


def shape_of(client: Shape, body: bytes, routed: Routed) -> Shape:
    """Return the shape of a body that was sent to the endpoint of `client`.

    Raises as `as_written`.
    """
    if not routed.input or client is not _CHAT:
        return client
    try:
        messages = _decode(body).messages
        is_chat = len(messages) > _LONGEST_NOTHING or msgspec.json.decode(messages) not in _NOTHING
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise unreadable(error, body) from None
    return client if is_chat else Shape.RESPONSES
