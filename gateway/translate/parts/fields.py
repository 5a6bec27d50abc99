"""The fields that every reply and chunk has: id, creation time, model."""

from collections.abc import Sequence
from typing import Literal

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context

_ID_PREFIXES = {Shape.COMPLETIONS: "cmpl-", Shape.CHAT: "chatcmpl-", Shape.RESPONSES: "resp_"}
_PREFIXES = ("chatcmpl-", "resp_", "cmpl-")
"""The prefixes, the most frequent first; no prefix begins with another."""

NO_IDS = frozenset({"", *_PREFIXES})
"""Upstream ids from which no reply id can be made: the client gets a new one."""

INT64 = 2**63
"""Bound of numbers: no server counts further, and JSON readers differ beyond it."""


def swap_id(
    upstream_id: object, shape: Literal[Shape.COMPLETIONS, Shape.CHAT], context: Context
) -> str:
    """Return the reply id for a client of `shape`: the upstream's, with the prefix swapped.

    Logs on both sides can then be matched. Without a usable upstream id a new one is made. Only for
    completions and chat, whose replies are not looked up by id; see `own_response_id`.
    """
    rest = upstream_id if isinstance(upstream_id, str) else ""
    for prefix in _PREFIXES:
        if rest.startswith(prefix):
            rest = rest[len(prefix) :]
            break
    return _ID_PREFIXES[shape] + (rest or context.new_id())


def own_response_id(context: Context) -> str:
    """Return a new id for a response that the gateway makes: a time and 64 random bits.

    The upstream's id is never used. A response is found again by its id, and servers repeat theirs:
    Ollama draws from 999 values (ollama#14225), LMDeploy gives its session's number
    (lmdeploy#4707).
    """
    return _ID_PREFIXES[Shape.RESPONSES] + context.new_id()


def created(value: object, context: Context) -> int:
    """Return a creation time in whole seconds; `context.now` where the upstream gives none.

    `created_at` of responses is a float in OpenAI's schema.
    """
    if (type(value) is int or type(value) is float) and -INT64 < value < INT64:
        return int(value)
    return context.now


def model_name(upstream_model: object, context: Context) -> str:
    """Return the `model` of a reply: the name asked for, or the upstream's (`echo_model`)."""
    if context.settings.echo_model == "requested":
        return context.model_asked
    return upstream_model if isinstance(upstream_model, str) else context.model_sent


def fingerprint(replies: Sequence[Json]) -> str | None:
    """Return the first `system_fingerprint` that one of the calls' replies has."""
    for reply in replies:
        known = reply.get("system_fingerprint")
        if isinstance(known, str):
            return known
    return None


def finite_number(value: object) -> int | float | None:
    """Return a JSON value that is a finite number of at most 64 bits, else None.

    A boolean is not a number.
    """
    if (type(value) is int or type(value) is float) and -INT64 < value < INT64:
        return value
    return None
