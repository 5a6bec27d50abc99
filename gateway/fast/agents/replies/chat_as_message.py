"""Whole chat replies with calls, as messages."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from gateway.fast.codec import Nothing, Passed
from gateway.fast.forms.chat_replies import ChatReplyFields, ChatUsage
from gateway.fast.forms.message_answers import CallId, Name, encode_calls, usage_of_chat
from gateway.translate.contract import Context
from gateway.translate.parts.messages.reply_options import MessagesReplyOptions

_Empty = Literal[""] | None


class _Function(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    name: Name
    arguments: str


class _Call(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    function: _Function
    id: CallId = ""
    type: Literal["function"] | None = None
    index: Passed = None


class _Message(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    tool_calls: list[_Call]
    content: str | None = None
    role: Passed = None
    refusal: _Empty = None
    annotations: Nothing | None = None
    audio: None = None
    images: Nothing | None = None
    phase: _Empty = None
    function_call: None = None
    reasoning: _Empty = None
    reasoning_content: _Empty = None
    reasoning_details: Nothing | None = None


class _Choice(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    index: Literal[0]
    message: _Message
    finish_reason: Literal["tool_calls", "stop"]
    logprobs: None = None
    native_finish_reason: Literal["", "completed", "stop", "STOP"] | None = None
    error: _Empty = None
    stop_reason: Passed = None
    """vLLM's, like the next two."""
    token_ids: Passed = None
    routed_experts: Passed = None
    matched_stop: Passed = None
    content_filter_results: Passed = None
    seed: Passed = None


class _Reply(ChatReplyFields, kw_only=True, gc=False):
    """A common chat completion with calls."""

    choices: tuple[_Choice]
    usage: ChatUsage


_read = msgspec.json.Decoder(_Reply).decode


def message_with_calls(
    options: MessagesReplyOptions, call_ids: Sequence[str], context: Context, body: bytes
) -> bytes | None:
    """Return the message for a chat reply with calls; None: it is not a common one.

    `call_ids` are the ids of calls in the conversation. Raises one of `NOT_ADMITTED`.
    """
    reply = _read(body)
    message = reply.choices[0].message
    if not message.tool_calls:
        return None
    return encode_calls(
        message.content,
        [(call.id, call.function.name, call.function.arguments) for call in message.tool_calls],
        usage_of_chat(reply.usage, reply.service_tier),
        reply.model,
        options,
        call_ids,
        context,
    )
