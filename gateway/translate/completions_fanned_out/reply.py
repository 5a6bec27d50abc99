"""Whole completions replies of several calls as one."""

from collections.abc import Sequence

from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.completions_fanned_out.spreading import PreparedRequest
from gateway.translate.contract import Context
from gateway.translate.parts.content.sources import sources_of
from gateway.translate.parts.fields import created, model_name, swap_id
from gateway.translate.parts.upstream_errors import without_error


def fold_replies(replies: Sequence[Json], request: PreparedRequest, context: Context) -> Json:
    """Return one completions reply made of the replies to all calls, in call order.

    Raises `UpstreamReplied` where a reply is an error and `UpstreamError` where it is not a
    completion with all choices.
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
    listed = without_error(call, reply, request).get("choices")
    if not isinstance(listed, list):
        raise malformed("it has no list 'choices'")
    fan = request.fan
    beside = sources_of(reply) if fan.call_count > 1 else {}
    found: dict[int, Json] = {}
    for position, item in enumerate(listed):
        choice, index = read_choice(item, default=position)
        if 0 <= index < fan.per_call and index not in found:
            found[index] = {**choice, **beside, "index": fan.client_index(call, index)}
    if len(found) < fan.per_call:
        raise malformed(f"it has {len(found)} of {fan.per_call} choices")
    return [found[index] for index in sorted(found)]


def read_choice(item: object, *, default: int) -> tuple[Json, int]:
    """Return a choice and its index within its call; `default` where it has none.

    Raises `UpstreamError` for what is not a choice.
    """
    if not isinstance(item, dict):
        raise malformed("a choice is not an object")
    index = item.get("index")
    return item, index if isinstance(index, int) and not isinstance(index, bool) else default


def malformed(what: str) -> UpstreamError:
    """Return the error for a reply that is not what the completions endpoint should give."""
    return UpstreamError(f"The upstream's completions reply cannot be used: {what}.")
