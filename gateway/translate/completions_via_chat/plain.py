"""The plain way from completions to chat and back (`plain_way.py` says what that is).

What is recognised here is what the general way gives the same for, without a word in the report:
one text for a prompt, numbers that any backend takes, and a reply that is one text.
"""

from gateway.shapes import Json, Shape
from gateway.translate.checks import INT64_MAX, INT64_MIN
from gateway.translate.completions_via_chat.request import DEFAULT_MAX_TOKENS
from gateway.translate.contract import Context
from gateway.translate.fields import created, model_name, numbers, swap_id
from gateway.translate.plain_way import copy_numbers

_PARAMETERS = frozenset(
    {
        *("model", "prompt", "max_tokens", "n", "seed", "stream", "user"),
        *("temperature", "top_p", "presence_penalty", "frequency_penalty"),
    }
)
_RANGES = (
    ("temperature", 0, 2),
    ("top_p", 0, 1),
    ("presence_penalty", -2, 2),
    ("frequency_penalty", -2, 2),
)
_FINISH_REASONS = ("stop", "length", "content_filter")
"""Those that both endpoints call the same."""


def plain_call(body: Json, context: Context) -> Json | None:
    """Return the chat request that a plain completions request is; None: it is not plain."""
    if not body.keys() <= _PARAMETERS or not _changes_nothing(context):
        return None
    prompt, limit = body.get("prompt"), body.get("max_tokens", DEFAULT_MAX_TOKENS)
    if type(prompt) is not str or type(body.get("model")) is not str:
        return None
    if type(limit) is not int or not 0 < limit <= INT64_MAX:
        return None
    if body.get("stream", False) is not False:
        return None
    sent: Json = {
        "model": context.model_sent,
        "messages": [{"role": "user", "content": prompt}],
        context.capabilities.max_tokens_field: limit,
    }
    if "user" in body:
        sent["user"] = body["user"]
        if type(body["user"]) is not str:
            return None
    if not copy_numbers(body, sent, _RANGES):
        return None
    if "n" in body and (type(body["n"]) is not int or body["n"] != 1):
        return None
    if "seed" in body:
        seed = sent["seed"] = body["seed"]
        if type(seed) is not int or not INT64_MIN <= seed <= INT64_MAX:
            return None
    return sent


def _changes_nothing(context: Context) -> bool:
    """Whether neither the backend nor the operator gives a plain request another form."""
    able, settings = context.capabilities, context.settings
    return (
        able.temperature
        and able.top_p
        and able.penalties
        and able.seed
        and not (able.reasoning and settings.reasoning_headroom_tokens)
        and settings.completion_system_prompt is None
        and settings.max_fanout > 0
        and context.reasoning_effort is None
    )


def plain_reply(reply: object, sent: Json, context: Context) -> Json | None:  # noqa: ARG001
    """Return the completions reply that a plain chat reply is; None: it is not plain."""
    if type(reply) is not dict or reply.get("object") != "chat.completion":
        return None
    if reply.get("error") or "type" in reply:
        return None
    choices = reply.get("choices")
    if type(choices) is not list or len(choices) != 1 or type(choices[0]) is not dict:
        return None
    choice = choices[0]
    message, reason = choice.get("message"), choice.get("finish_reason")
    if choice.get("index") != 0 or choice.get("logprobs") is not None:
        return None
    if type(message) is not dict or reason not in _FINISH_REASONS:
        return None
    text, usage = message.get("content"), numbers(reply.get("usage"))
    if type(text) is not str or not text or "total_tokens" not in usage:
        return None
    folded: Json = {
        "id": swap_id(reply.get("id"), Shape.COMPLETIONS, context),
        "object": "text_completion",
        "created": created(reply.get("created") or None, context),
        "model": model_name(reply.get("model") or None, context),
        "choices": [{"index": 0, "text": text, "logprobs": None, "finish_reason": reason}],
        "usage": usage,
    }
    if type(reply.get("system_fingerprint")) is str:
        folded["system_fingerprint"] = reply["system_fingerprint"]
    return folded
