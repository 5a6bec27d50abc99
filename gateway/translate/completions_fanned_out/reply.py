"""Whole completions replies of several calls as one."""

from collections.abc import Sequence

from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.completions_fanned_out.spreading import PreparedRequest
from gateway.translate.contract import Context
from gateway.translate.parts.content.sources import sources_of
from gateway.translate.parts.fields import created, model_name, swap_id
from gateway.translate.parts.upstream_errors import without_error
from gateway.translate.stream.reply_choices import choices_of, in_order


def fold_replies(replies: Sequence[Json], request: PreparedRequest, context: Context) -> Json:
    """Return one completions reply made from the replies to all calls, in call order.

    Raises `UpstreamReplied` if a reply is an error, and `UpstreamError` if it is not a completion
    with all choices.
    """
    choices = [
        choice for call, reply in enumerate(replies) for choice in _choices(call, reply, request)
    ]
    first, is_only = replies[0], len(replies) == 1
    folded: Json = {
        "id": swap_id(first.get("id") if is_only else None, Shape.COMPLETIONS, context),
        "object": "text_completion",
        "created": created(first.get("created") or None, context),
        "model": model_name(first.get("model") or None, context),
        "choices": choices,
    }
    usage = request.fan.total_usage([reply.get("usage") for reply in replies])
    if usage is not None:
        folded["usage"] = usage
    fingerprint = first.get("system_fingerprint")
    if isinstance(fingerprint, str):
        folded["system_fingerprint"] = fingerprint
    return {**folded, **sources_of(first)} if is_only else folded


def _choices(call: int, reply: Json, request: PreparedRequest) -> list[Json]:
    listed, fan = in_order(choices_of(without_error(call, reply, request))), request.fan
    if len(listed) < fan.per_call:
        raise UpstreamError(
            "The upstream's completions reply cannot be used: it has "
            f"{len(listed)} of {fan.per_call} choices."
        )
    beside = sources_of(reply) if fan.call_count > 1 else {}
    return [
        {**choice, **beside, "index": fan.client_index(call, position)}
        for position, choice in enumerate(listed[: fan.per_call])
    ]
