"""Recognises bodies that have another shape than the endpoint that they were sent to.

Cursor posts bodies of responses to the chat endpoint when its base URL is overridden, and reads
chat completions. Such a call is a responses call in everything but its reply.

Cursor also writes chat bodies with parts of other shapes, as do programs that were written for
Anthropic's API or for relays that take both. These parts are read once the endpoint has refused
them.
"""

import re
from dataclasses import replace
from typing import Final

import msgspec
from msgspec import structs

from gateway.envelopes.error_envelopes import ErrorDetails
from gateway.envelopes.overflows import overflow_message
from gateway.exchange.bodies.request_fields import Routed, read_object
from gateway.exchange.bodies.unreadable_body import UNREADABLE, unreadable
from gateway.exchange.params.known_fixes import Fixes
from gateway.request import GenerationRequest
from gateway.resolve.evidence import Route
from gateway.resolve.refusals.classify import Refusal, Verdict
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.resolve.resolver import ModelQuery, Resolver
from gateway.shapes import ClientHeaders, RawHeaders, Shape, UpstreamCall
from gateway.translate.limits.server_capabilities import preset
from gateway.translate.plan import has_other_parts

_CHAT: Final = Shape.CHAT
_NOTHING: Final[tuple[object, ...]] = (None, [])
_LONGEST_NOTHING: Final = 64
"""Bytes; a longer list is not a list of blanks."""


_CURSOR: Final = b"cursor/"
_DERIVED: Final = object()


_READ: Final = ParameterFix("read", "parts")
_OF_PARTS: Final = re.compile(
    r"messages?|content|parts?\b|tools?\b|tool_|function|types?\b|variant|schema|field|input|image"
)
"""A word in the refusal of a part: where the part stands, or what is wrong with it."""


class _Messages(msgspec.Struct, gc=False):
    messages: msgspec.Raw = msgspec.Raw(b"null")


_decode = msgspec.json.Decoder(_Messages).decode


def as_written(call: GenerationRequest, routed: Routed) -> GenerationRequest:
    """Return a call in the shape that its body has; `routed` are the fields read of the body.

    Raises `InvalidRequest` for a body that is not JSON.
    """
    if shape_of(call.shape, call.body, routed) is call.shape:
        return call
    return structs.replace(call, shape=Shape.RESPONSES, as_chat=True)


async def routed_to(resolver: Resolver, query: ModelQuery, *, as_chat: bool) -> Route:
    """Return the route of a model; `as_chat`: for a body of responses at the chat endpoint.

    Such a body loses least at a responses endpoint, but only OpenAI's has all that it may ask for:
    other servers leave out custom tools there. So they are asked at the endpoint that was called.
    """
    route = await resolver.resolve(query)
    if not as_chat or preset(route.kind, Shape.RESPONSES).custom_tools:
        return route
    return await resolver.resolve(replace(query, shape=_CHAT))


def may_be_mixed(call: GenerationRequest, shape: Shape, fixes: Fixes = ()) -> bool:
    """Whether a chat request may have parts of other shapes, at its own endpoint.

    Cursor's requests may, and any client's once a model has refused such parts. Others are not
    searched for parts, which would make passing a request on a tenth slower.
    """
    if not call.shape is _CHAT is shape:
        return False
    return _READ in fixes or _is_cursors(call.headers)


def may_be_of_parts(call: GenerationRequest, shape: Shape, status: int, refusal: Refusal) -> bool:
    """Whether a failure may be the refusal of other shapes' parts, in chat at its own endpoint."""
    if not call.shape is _CHAT is shape or status not in (400, 422) or refusal.fixes:
        return False
    error = ErrorDetails(refusal.message, refusal.type, refusal.code)
    is_other = refusal.verdict not in (Verdict.OTHER, Verdict.UNSUPPORTED_PARAMETER)
    if is_other or overflow_message(error) is not None:
        return False
    return _OF_PARTS.search(refusal.message.lower()) is not None


def fixed_by_reading(sent: UpstreamCall, refusal: Refusal) -> Refusal:
    """Return a refusal with its fix, where what was sent has parts of other shapes."""
    if not has_other_parts(read_object(sent.whole_body)):
        return refusal
    return replace(refusal, verdict=Verdict.UNSUPPORTED_PARAMETER, fixes=(_READ,))


def _is_cursors(headers: RawHeaders) -> bool:
    if not isinstance(headers, ClientHeaders):
        return _names_cursor(headers)
    known: bool | None = headers.derived.get(_DERIVED)
    if known is None:
        known = headers.derived[_DERIVED] = _names_cursor(headers)
    return known


def _names_cursor(headers: RawHeaders) -> bool:
    return any(
        name == b"user-agent" and value[: len(_CURSOR)].lower() == _CURSOR
        for name, value in headers
    )


def shape_of(client: Shape, body: bytes, routed: Routed) -> Shape:
    """Return the shape of a body that was sent to the endpoint of `client`.

    Raises as `as_written`.
    """
    if not routed.input or client is not _CHAT:
        return client
    try:
        messages = _decode(body).messages
        is_chat = len(messages) > _LONGEST_NOTHING or msgspec.json.decode(messages) not in _NOTHING
    except UNREADABLE as error:
        raise unreadable(error, body) from None
    return client if is_chat else Shape.RESPONSES
