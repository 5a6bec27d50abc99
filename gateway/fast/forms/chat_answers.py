"""Common chat completions for clients: a text, calls of functions, or both."""

import msgspec

from gateway.fast.codec import ABSENT, Absent, encode
from gateway.shapes import Json


class _Called(msgspec.Struct, gc=False):
    name: str
    arguments: str


class AnsweredCall(msgspec.Struct, gc=False):
    """A call of a function."""

    id: str
    type: str
    function: _Called


def answered_call(call_id: str, name: str, arguments: str) -> AnsweredCall:
    """Return a call of a function."""
    return AnsweredCall(call_id, "function", _Called(name, arguments))


class _Message(msgspec.Struct, gc=False):
    role: str
    content: str | None
    refusal: None
    tool_calls: list[AnsweredCall] | Absent
    phase: str | Absent


class _Choice(msgspec.Struct, gc=False):
    index: int
    message: _Message
    logprobs: None
    finish_reason: str


class Identity(msgspec.Struct, gc=False):
    """The fields that name a completion."""

    id: str
    created: int
    model: str


class _Completion(msgspec.Struct, gc=False):
    id: str
    object: str
    created: int
    model: str
    choices: tuple[_Choice]
    service_tier: str | Absent
    usage: Json


def encode_completion(
    identity: Identity,
    text: str,
    calls: list[AnsweredCall],
    usage: Json,
    *,
    reason: str = "stop",
    tier: str | None = None,
    phase: str | Absent = ABSENT,
) -> bytes:
    """Return a completion, whose finish reason is `reason` unless it has calls."""
    content = text or (None if calls else "")
    message = _Message("assistant", content, None, calls or ABSENT, phase)
    choice = _Choice(0, message, None, "tool_calls" if calls else reason)
    return encode(
        _Completion(
            identity.id,
            "chat.completion",
            identity.created,
            identity.model,
            (choice,),
            ABSENT if tier is None else tier,
            usage,
        )
    )
