"""Whole messages as one chat completion."""

from collections.abc import Sequence

from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.chat_via_messages.fold import MessageFold
from gateway.translate.chat_via_messages.request import PreparedRequest
from gateway.translate.chat_via_responses.reply import message_of
from gateway.translate.contract import Context, Report
from gateway.translate.parts.fields import model_name, swap_id
from gateway.translate.parts.finish_reasons import with_native
from gateway.translate.parts.messages.usage import chat_usage_of
from gateway.translate.parts.to_messages.replied_errors import error_of_message
from gateway.translate.parts.to_messages.unplaced import report_unplaced
from gateway.translate.parts.tokens.usage_sums import sum_usage
from gateway.translate.parts.upstream_errors import without_error
from gateway.translate.stream.messages.message_events import events_of


def fold_replies(
    replies: Sequence[Json], request: PreparedRequest, context: Context, report: Report
) -> Json:
    """Return the chat completion made from the messages to all calls, in call order.

    Raises `UpstreamReplied` for an error in place of a message, and `UpstreamError` for a reply
    that is not a message.
    """
    if len(replies) != len(request.calls):
        raise UpstreamError(f"The upstream answered {len(replies)} of {len(request.calls)} calls.")
    folds = [MessageFold(request, context) for _ in replies]
    choices: list[Json] = []
    for call, reply in enumerate(replies):
        message = without_error(call, reply, request, error_of_message)
        choices.append(_choice(call, message, folds[call], report))
    folded: Json = {
        **identity(replies[0], request, context, "chat.completion"),
        "choices": choices,
        **tier(folds[0]),
    }
    usage = total_usage([fold.counts.usage for fold in folds])
    if usage is not None:
        folded["usage"] = usage
    return folded


def identity(message: Json, request: PreparedRequest, context: Context, kind: str) -> Json:
    """Return the fields that identify a completion, or its chunks; `kind` is its `object`."""
    known = message.get("id") if len(request.calls) == 1 else None
    rest = known.removeprefix("msg_") if isinstance(known, str) else None
    return {
        "id": swap_id(rest, Shape.CHAT, context),
        "object": kind,
        "created": context.now,
        "model": model_name(message.get("model"), context),
    }


def tier(fold: MessageFold) -> Json:
    """Return a message's service tier as a field of a reply or chunk."""
    found = fold.counts.tier
    return {} if found is None else {"service_tier": found}


def total_usage(usages: Sequence[object]) -> Json | None:
    """Return the usage of all calls, which share one prompt; None if any call's is unknown."""
    counted = [chat_usage_of(usage) for usage in usages]
    return counted[0] if len(counted) == 1 else sum_usage(counted)


def _choice(call: int, message: Json, fold: MessageFold, report: Report) -> Json:
    deltas: list[Json] = []
    for event in events_of(message):
        report_unplaced(event, report)
        deltas += fold.feed(event)
    choice: Json = {
        "index": call,
        "message": message_of(deltas),
        "logprobs": None,
        "finish_reason": fold.finish_reason,
    }
    return with_native(choice, fold.native_word)
