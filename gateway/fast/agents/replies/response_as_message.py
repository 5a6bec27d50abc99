"""Whole responses with calls, as messages."""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from gateway.fast.codec import ABSENT, Passed
from gateway.fast.forms.message_answers import CallId, Name, encode_calls, usage
from gateway.fast.forms.response_replies import HiddenReasoning, OutputMessage, Response
from gateway.translate.contract import Context
from gateway.translate.parts.messages.reply_options import MessagesReplyOptions


class _Call(
    msgspec.Struct, tag_field="type", tag="function_call", forbid_unknown_fields=True, gc=False
):
    name: Name
    arguments: str
    call_id: CallId
    id: Passed = None
    status: Literal["completed"] | None = None
    namespace: None = None


class _Response(Response, kw_only=True, gc=False):
    """A common response with calls."""

    output: Annotated[  # type: ignore[assignment]
        list[OutputMessage | HiddenReasoning | _Call], msgspec.Meta(min_length=1)
    ]


_read = msgspec.json.Decoder(_Response).decode


def message_with_calls(
    options: MessagesReplyOptions,
    call_ids: Sequence[str],
    limit: int,
    context: Context,
    body: bytes,
) -> bytes | None:
    """Return the message for a response with calls; None: it is not a common one.

    `call_ids` are the ids of calls in the conversation; `limit` is the limit of output tokens.
    Raises one of `NOT_ADMITTED`.
    """
    response = _read(body)
    counted = response.usage
    if counted.output_tokens >= limit:
        return None
    said = _said(response.output)
    if said is None:
        return None
    text, calls = said
    read, written = counted.input_tokens_details or {}, counted.output_tokens_details or {}
    return encode_calls(
        text,
        [(call.call_id, call.name, call.arguments) for call in calls],
        usage(
            counted.input_tokens,
            counted.output_tokens,
            read.get("cached_tokens", 0),
            read.get("cache_write_tokens", 0),
            written.get("reasoning_tokens", 0),
            response.service_tier,
        ),
        response.model,
        options,
        call_ids,
        context,
    )


def _said(
    output: Sequence[OutputMessage | HiddenReasoning | _Call],
) -> tuple[str | None, Sequence[_Call]] | None:
    """Return the text and the calls after it; None if the output has anything else."""
    text: str | None = None
    calls: list[_Call] = []
    for item in output:
        if isinstance(item, _Call):
            calls.append(item)
        elif isinstance(item, HiddenReasoning):
            if item.encrypted_content:
                return None
        elif text is not None or calls or item.phase is not ABSENT:
            return None
        else:
            text = item.content[0].text
    return (text, calls) if calls and not _may_repeat(calls) else None


def _may_repeat(calls: Sequence[_Call]) -> bool:
    """Whether two calls have the same id, so that they may be one call."""
    ids = [call.call_id for call in calls], [call.id for call in calls if call.id is not None]
    return any(len(set(map(str, each))) < len(each) for each in ids)
