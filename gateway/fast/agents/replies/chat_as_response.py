"""Common chat replies to agents as responses: a text, calls of functions, or both."""

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from gateway.fast.codec import Int64, Nothing, Passed
from gateway.fast.codecs.whole_arguments import is_object
from gateway.fast.forms.chat_replies import ChatChoice, ChatMessage, ChatReply
from gateway.fast.forms.response_answers import encode_response
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.parts.tools.calls import MAX_CALL_ID
from gateway.translate.responses_via_chat.output.response_object import UpstreamFacts

_NoText = Literal[""] | None


class _Called(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    name: str
    arguments: str


class _Call(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    id: str
    function: _Called
    type: Literal["function"] | None = None
    index: Passed = None


class _Message(ChatMessage, kw_only=True, gc=False):
    content: str | None = None  # type: ignore[assignment]
    tool_calls: list[_Call] | None = None  # type: ignore[assignment]
    phase: None = None
    reasoning: _NoText = None
    reasoning_content: _NoText = None
    reasoning_details: Nothing | None = None


class _Choice(ChatChoice, kw_only=True, gc=False):
    message: _Message
    finish_reason: Literal["stop", "tool_calls"]  # type: ignore[assignment]


class _Reply(ChatReply, kw_only=True, gc=False):
    choices: tuple[_Choice]
    created: Int64 | None = None  # type: ignore[assignment]
    usage: dict[str, Any] | None = None


_read_reply = msgspec.json.Decoder(_Reply).decode


def decode_reply(
    body: bytes,
    client: Json,
    is_function: Callable[[str], bool],
    context: Context,
    *,
    tools: msgspec.Raw | None = None,
) -> bytes | None:
    """Return the response for a common chat reply; None: it is not one.

    `client` has the parameters of the request, and `tools` its tools as the response repeats them,
    unless they are among the parameters. `is_function` says whether a call by this name is of a
    function that the client knows by the same name. Raises one of `NOT_ADMITTED`.
    """
    reply = _read_reply(body)
    message = reply.choices[0].message
    calls = message.tool_calls or []
    ids = {call.id for call in calls if 0 < len(call.id) <= MAX_CALL_ID}
    if len(ids) != len(calls) or not (calls or message.content):
        return None
    for call in calls:
        called = call.function
        if not (is_function(called.name) and is_object(called.arguments)):
            return None
    facts = UpstreamFacts(
        reply.created, reply.model, reply.usage, reply.service_tier, reply.moderation
    )
    made = [(call.id, call.function.name, call.function.arguments) for call in calls]
    return encode_response(client, facts, message.content, made, context, tools)
