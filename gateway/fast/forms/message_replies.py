"""The types of common messages of upstreams: texts, and calls of tools after them."""

from collections.abc import Sequence
from math import isfinite
from typing import Annotated, Any, Literal

import msgspec

from gateway.fast.codec import Nothing, Passed
from gateway.fast.forms.response_replies import Count
from gateway.translate.parts.finish_reasons import FinishReason
from gateway.translate.parts.messages.stop_reasons import chat_reason
from gateway.translate.parts.tokens.counts import LARGEST_COUNT

_Name = Annotated[str, msgspec.Meta(min_length=1)]


class Text(msgspec.Struct, tag_field="type", tag="text", forbid_unknown_fields=True, gc=False):
    """A text."""

    text: str
    citations: Nothing | None = None


class _Direct(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The model itself, as the caller of a tool."""

    type: Literal["direct"]


class Called(
    msgspec.Struct, tag_field="type", tag="tool_use", forbid_unknown_fields=True, gc=False
):
    """A call of a tool."""

    id: str
    name: _Name
    input: dict[str, Any]
    caller: _Direct | None = None
    toolset_name: Literal[""] | None = None


class _Details(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    thinking_tokens: Count | None = None


class Usage(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The tokens of a message."""

    input_tokens: Count
    output_tokens: Count
    cache_creation_input_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation: dict[str, Count] | None = None
    """The tokens that were written to a cache, by how long they are kept."""
    output_tokens_details: _Details | None = None
    service_tier: str | None = None
    inference_geo: Passed = None
    speed: Passed = None
    server_tool_use: None = None


StopReason = Literal["end_turn", "stop_sequence", "max_tokens", "tool_use"]
"""The stop reasons that say no more than OpenAI's words."""


def finish_reason(stopped: StopReason) -> FinishReason:
    """Return chat's finish reason of a choice that ended so, and has no calls."""
    return "stop" if stopped == "tool_use" else chat_reason(stopped)


class Message(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """A common message."""

    id: str = ""
    type: Literal["message"]
    role: Passed = None
    model: str | None = None
    content: Annotated[list[Text | Called], msgspec.Meta(min_length=1)]
    stop_reason: StopReason
    stop_sequence: Passed = None
    stop_details: None = None
    container: None = None
    context_management: None = None
    usage: Usage


class _Float:
    """A number with a fraction or an exponent, as Python writes it; raises `ValueError`."""

    __slots__ = ("text",)

    def __init__(self, given: str) -> None:
        value = float(given)
        if not isfinite(value):
            raise ValueError(given)
        self.text = repr(value)


def _as_python_writes(value: Any) -> msgspec.Raw:
    return msgspec.Raw(value.text)


read_message = msgspec.json.Decoder(Message, float_hook=_Float).decode
"""Decodes a common message; raises what is in `NOT_ADMITTED`."""

_encode_lines = msgspec.json.Encoder(enc_hook=_as_python_writes).encode_lines


def written(calls: Sequence[Called]) -> Sequence[tuple[str, str, str]]:
    """Return id, name and arguments of calls, the arguments as `written_input` would write them."""
    if not calls:
        return ()
    # All are encoded at once; within JSON no line ends.
    texts = _encode_lines([call.input for call in calls]).decode().split("\n")
    return [(call.id, call.name, text) for call, text in zip(calls, texts, strict=False)]


Counts = tuple[int, int, int, dict[str, int], dict[str, int]]
"""The arguments of `chat_counts` and `responses_counts`."""


def text_and_calls(message: Message) -> tuple[str, Sequence[Called]] | None:
    """Return the text of a message and the calls after it; None if it has anything else.

    A limit may have cut off the last call, so a message that a limit has ended has no calls. Each
    call has an id of its own.
    """
    texts: list[str] = []
    calls: list[Called] = []
    for block in message.content:
        if isinstance(block, Called):
            calls.append(block)
        elif calls:
            return None
        else:
            texts.append(block.text)
    text = texts[0] if len(texts) == 1 else "".join(texts)
    if not calls:
        return (text, calls) if text else None
    has_ids = len({call.id for call in calls if call.id}) == len(calls)
    return (text, calls) if has_ids and message.stop_reason != "max_tokens" else None


def counts_of(usage: Usage) -> Counts | None:
    """Return the counts of a message as OpenAI sums them; None if the prompt's sum is too large."""
    read, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    if not written and usage.cache_creation:
        written = sum(usage.cache_creation.values())
    prompt, completion = usage.input_tokens + read + written, usage.output_tokens
    if prompt > LARGEST_COUNT:
        return None
    cached = {"cached_tokens": read}
    if written:
        cached["cache_write_tokens"] = written
    details = usage.output_tokens_details
    thinking = (details.thinking_tokens if details else 0) or 0
    return prompt, completion, prompt + completion, cached, {"reasoning_tokens": thinking}
