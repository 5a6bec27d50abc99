"""Whole responses as one chat completion."""

from collections.abc import Iterable, Sequence

from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.chat_via_responses.output.endings import error_of_response
from gateway.translate.chat_via_responses.output.fold import OutputFold
from gateway.translate.chat_via_responses.request import PreparedRequest
from gateway.translate.contract import Context, Report
from gateway.translate.parts.content.sources import sources_of
from gateway.translate.parts.fields import created, model_name, swap_id
from gateway.translate.parts.finish_reasons import with_native
from gateway.translate.parts.moderation import chat_moderation, moderation_of_all
from gateway.translate.parts.tokens.usage import chat_usage
from gateway.translate.parts.tokens.usage_sums import sum_usage
from gateway.translate.parts.upstream_errors import without_error


def fold_replies(
    replies: Sequence[Json], request: PreparedRequest, context: Context, report: Report
) -> Json:
    """Return the chat completion made from the responses to all calls, in call order.

    Raises `UpstreamReplied` for a response that failed, and `UpstreamError` for a reply that is not
    a complete response.
    """
    if len(replies) != len(request.calls):
        raise UpstreamError(f"The upstream answered {len(replies)} of {len(request.calls)} calls.")
    choices = [_choice(call, reply, request, context, report) for call, reply in enumerate(replies)]
    is_single = len(replies) == 1
    if not is_single:
        pairs = zip(choices, replies, strict=True)
        choices = [{**choice, **sources_of(reply)} for choice, reply in pairs]
    folded: Json = {
        **identity(replies[0], request, context, "chat.completion"),
        "choices": choices,
        **tier(replies[0]),
        **(sources_of(replies[0]) if is_single else {}),
    }
    metadata = replies[0].get("metadata")
    if isinstance(metadata, dict) and metadata:
        folded["metadata"] = metadata
    moderation = moderation_of_all(moderated(reply, request) for reply in replies)
    if moderation is not None:
        folded["moderation"] = moderation
    usage = total_usage([reply.get("usage") for reply in replies])
    if usage is not None:
        folded["usage"] = usage
    return folded


def identity(response: Json, request: PreparedRequest, context: Context, kind: str) -> Json:
    """Return the fields that identify a completion, or its chunks; `kind` is its `object`."""
    single = len(request.calls) == 1
    return {
        "id": swap_id(response.get("id") if single else None, Shape.CHAT, context),
        "object": kind,
        "created": created(response.get("created_at"), context),
        "model": model_name(response.get("model"), context),
    }


def tier(response: Json) -> Json:
    """Return a response's service tier as a field of a reply or chunk."""
    found = response.get("service_tier")
    return {"service_tier": found} if isinstance(found, str) else {}


def moderated(response: Json, request: PreparedRequest) -> Json | None:
    """Return a response's moderation as chat's, if the client requested one."""
    found = response.get("moderation")
    return chat_moderation(found) if is_moderated(request) and isinstance(found, dict) else None


def is_moderated(request: PreparedRequest) -> bool:
    """Whether the client requested a moderation."""
    return "moderation" in request.client


def total_usage(usages: Sequence[object]) -> Json | None:
    """Return the usage of all calls, which share one prompt; None if any call's is unknown."""
    counted = [chat_usage(usage) for usage in usages]
    return counted[0] if len(counted) == 1 else sum_usage(counted)


def _choice(
    call: int, reply: object, request: PreparedRequest, context: Context, report: Report
) -> Json:
    reply = without_error(call, reply, request, error_of_response)
    if not isinstance(reply.get("output"), list):
        raise UpstreamError("The upstream's reply is not a response: it has no list 'output'.")
    fold = OutputFold(request, request.calls[call], context, report)
    steps = fold.feed({"type": "response.completed", "response": reply})
    entries = [entry for step in steps for entry in step.entries]
    choice: Json = {
        "index": call,
        "message": message_of(step.delta for step in steps),
        "logprobs": {"content": entries, "refusal": None} if entries else None,
        "finish_reason": fold.finish_reason,
    }
    return with_native(choice, fold.native_word)


_IN_PLACE_OF_TEXT = ("tool_calls", "function_call", "images")


def message_of(deltas: Iterable[Json]) -> Json:
    """Return the message that deltas make."""
    message: Json = {}
    for delta in deltas:
        for name, value in delta.items():
            if name == "tool_calls":
                _add_calls(message.setdefault(name, []), value)
            elif name == "function_call":
                known = message.setdefault(name, {"arguments": ""})
                message[name] = {**known, **value, "arguments": _joined(known, value)}
            else:
                message[name] = message[name] + value if name in message else value
    content = message.pop("content", "")
    refusal = message.pop("refusal", None)
    silent = refusal is not None or any(name in message for name in _IN_PLACE_OF_TEXT)
    return {
        "role": "assistant",
        "content": None if silent and not content else content,
        "refusal": refusal,
        **message,
    }


def _add_calls(calls: list[Json], pieces: Iterable[Json]) -> None:
    """Add pieces of calls; the first piece of each has its id."""
    for piece in pieces:
        if "id" in piece:
            calls.append({name: value for name, value in piece.items() if name != "index"})
        else:
            call = calls[piece["index"]]
            kind = call["type"]
            known = call[kind]
            more = {name: known.get(name, "") + text for name, text in piece[kind].items()}
            call[kind] = {**known, **more}


def _joined(known: Json, more: Json) -> str:
    return f"{known['arguments']}{more['arguments']}"
