"""Whole completions replies as one chat completion."""

from collections.abc import Sequence

from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.chat_via_completions.choices import ChoiceFold
from gateway.translate.chat_via_completions.request import PreparedRequest
from gateway.translate.contract import Context
from gateway.translate.fanout import choice_index
from gateway.translate.parts.content.sources import sources_of
from gateway.translate.parts.fields import created, fingerprint, model_name, swap_id
from gateway.translate.parts.finish_reasons import finish_reason, native_word, with_native
from gateway.translate.parts.moderation import moderation_of_all
from gateway.translate.parts.tokens.usage_sums import complete_usage, sum_usage
from gateway.translate.parts.upstream_errors import without_error
from gateway.translate.stream.reply_choices import choices_of, in_order


def fold_replies(replies: Sequence[Json], request: PreparedRequest, context: Context) -> Json:
    """Return the chat completion made from the replies to all calls, in call order.

    Raises `UpstreamReplied` for an error in a 200 body, and `UpstreamError` for a reply that is not
    a completion, or has fewer choices than were asked for.
    """
    if len(replies) != len(request.calls):
        raise UpstreamError(f"The upstream answered {len(replies)} of {len(request.calls)} calls.")
    choices: list[Json] = []
    for call, reply in enumerate(replies):
        without_error(call, reply, request)
        beside = sources_of(reply) if len(replies) > 1 else {}
        for position, choice in enumerate(_choices(reply, request.choices_per_call)):
            index = choice_index(call, position, request.choices_per_call)
            choices.append(_chat_choice(choice, index, request) | beside)
    first = replies[0]
    folded: Json = {
        "id": swap_id(first.get("id") if len(replies) == 1 else None, Shape.CHAT, context),
        "object": "chat.completion",
        "created": created(first.get("created"), context),
        "model": model_name(first.get("model"), context),
        "choices": choices,
    }
    usage = total_usage([reply.get("usage") for reply in replies])
    if usage is not None:
        folded["usage"] = usage
    known = fingerprint(replies)
    if known is not None:
        folded["system_fingerprint"] = known
    moderation = moderation_of_all(reply.get("moderation") for reply in replies)
    if moderation is not None and "moderation" in request.client:
        folded["moderation"] = moderation
    return {**folded, **sources_of(first)} if len(replies) == 1 else folded


def _choices(reply: Json, expected: int) -> list[Json]:
    """Return the choices of one reply in the order of their indexes."""
    choices = in_order(choices_of(reply))
    if len(choices) < expected:
        advice = " Set 'n' to 1 if its server does not support more." if expected > 1 else ""
        raise UpstreamError(
            "The upstream's reply is not a completion: it has "
            f"{len(choices)} of {expected} choices.{advice}"
        )
    return choices[:expected]


def _chat_choice(choice: Json, index: int, request: PreparedRequest) -> Json:
    fold = new_fold(request)
    piece = fold.feed(choice_text(choice), choice.get("logprobs")) + fold.finish()
    logprobs = None
    if request.top_logprobs is not None and choice.get("logprobs") is not None:
        logprobs = {"content": piece.entries, "refusal": None}
    shown: Json = {
        "index": index,
        "message": {
            "role": "assistant",
            "content": piece.text,
            "refusal": None,
            "annotations": [],
        },
        "logprobs": logprobs,
        "finish_reason": finish_of(choice.get("finish_reason"), fold),
    }
    return with_native(shown, None if fold.stopped else native_word(choice))


def new_fold(request: PreparedRequest) -> ChoiceFold:
    """Return the fold of one choice's text."""
    return ChoiceFold(
        request.stops, strip_leading=request.strip_leading, top_logprobs=request.top_logprobs
    )


def choice_text(choice: Json) -> str:
    """Return a choice's text, empty if it is missing; raises `UpstreamError` for other types.

    Some servers write it as their chat endpoint does (GenieX#66).
    """
    text = choice.get("text")
    if text is None:
        text = _text_in(choice.get("delta") or choice.get("message") or {})
    if text is None:
        return ""
    if not isinstance(text, str):
        raise UpstreamError("The upstream's reply is not a completion: its text is not a string.")
    return text


def _text_in(message: object) -> object:
    """Return the text of a message; raises `UpstreamError` for fields unknown to completions."""
    if not isinstance(message, dict):
        raise UpstreamError("The upstream's reply is not a completion: a message is not an object.")
    unplaced = [name for name in message if name not in ("role", "content") and message[name]]
    if unplaced:
        raise UpstreamError(
            "The upstream's reply is not a completion: a choice has a message with "
            f"'{unplaced[0][:100]}'."
        )
    return message.get("content")


def finish_of(word: object, fold: ChoiceFold) -> str:
    """Return the finish reason: `stop` for a stop sequence found here, else the upstream's."""
    return "stop" if fold.stopped else finish_reason(word, has_text=fold.has_text)


def total_usage(usages: Sequence[object]) -> Json | None:
    """Return the usage of all calls, which share one prompt; None if any call's is unknown."""
    return sum_usage([complete_usage(usage) for usage in usages])
