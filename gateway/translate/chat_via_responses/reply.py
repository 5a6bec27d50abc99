"""Whole responses as one chat completion."""

from collections.abc import Iterable, Sequence

from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.chat_via_responses.failures import raise_error
from gateway.translate.chat_via_responses.output import OutputFold
from gateway.translate.chat_via_responses.request import PreparedRequest
from gateway.translate.chat_via_responses.steps import Step
from gateway.translate.contract import Context
from gateway.translate.fields import add_usage, created, model_name, swap_id
from gateway.translate.responses_usage import chat_usage


def fold_replies(replies: Sequence[Json], request: PreparedRequest, context: Context) -> Json:
    """Return the chat completion made of the responses to all calls, in call order.

    Raises `UpstreamReplied` for a response that failed, and `UpstreamError` for a reply that is
    not a complete response.
    """
    if len(replies) != len(request.calls):
        raise UpstreamError(f"The upstream answered {len(replies)} of {len(request.calls)} calls.")
    choices = [_choice(call, reply, request, context) for call, reply in enumerate(replies)]
    folded: Json = {
        **identity(replies[0], request, context, "chat.completion"),
        "choices": choices,
        **extras(replies[0], request),
    }
    metadata = replies[0].get("metadata")
    if isinstance(metadata, dict) and metadata:
        folded["metadata"] = metadata
    usage = total_usage([reply.get("usage") for reply in replies])
    if usage is not None:
        folded["usage"] = usage
    return folded


def identity(response: Json, request: PreparedRequest, context: Context, kind: str) -> Json:
    """Return the fields that name a completion, or every chunk of one; `kind` is its `object`."""
    single = len(request.calls) == 1
    return {
        "id": swap_id(response.get("id") if single else None, Shape.CHAT, context),
        "object": kind,
        "created": created(response.get("created_at"), context),
        "model": model_name(response.get("model"), context),
    }


def extras(response: Json, request: PreparedRequest) -> Json:
    """Return what both shapes call the same: the service tier, and a moderation asked for."""
    shared: Json = {}
    if isinstance(response.get("service_tier"), str):
        shared["service_tier"] = response["service_tier"]
    if "moderation" in request.client and isinstance(response.get("moderation"), dict):
        shared["moderation"] = response["moderation"]
    return shared


def total_usage(usages: Sequence[object]) -> Json | None:
    """Return the usage of all calls, which share one prompt; None if that of any is unknown."""
    total: Json | None = None
    for call, usage in enumerate(usages):
        known = chat_usage(usage)
        if known is None:
            return None
        total = add_usage(total, known, count_prompt=call == 0)
    return total


def _choice(call: int, reply: object, request: PreparedRequest, context: Context) -> Json:
    raise_error(reply, request)
    if not isinstance(reply, dict) or not isinstance(reply.get("output"), list):
        raise UpstreamError("The upstream's reply is not a response: it has no list 'output'.")
    fold = OutputFold(request, request.calls[call], context)
    steps = fold.feed({"type": "response.completed", "response": reply})
    entries = [entry for step in steps for entry in step.entries]
    return {
        "index": call,
        "message": _message(steps),
        "logprobs": {"content": entries, "refusal": None} if entries else None,
        "finish_reason": fold.finish_reason,
    }


def _message(steps: Iterable[Step]) -> Json:
    """Return the message that deltas make. A whole response has every call in one delta."""
    message: Json = {}
    for step in steps:
        for name, value in step.delta.items():
            if name == "tool_calls":
                message.setdefault(name, []).extend(map(_without_index, value))
            else:
                message[name] = message[name] + value if name in message else value
    content = message.pop("content", "")
    refusal = message.pop("refusal", None)
    silent = refusal is not None or "tool_calls" in message or "function_call" in message
    return {
        "role": "assistant",
        "content": None if silent and not content else content,
        "refusal": refusal,
        **message,
    }


def _without_index(call: Json) -> Json:
    return {name: value for name, value in call.items() if name != "index"}
