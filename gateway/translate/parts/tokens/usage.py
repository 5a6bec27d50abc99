"""Token counts: the `usage` of chat and of responses, translated into one another.

Schemas `CompletionUsage` and `ResponseUsage` of OpenAI's OpenAPI description. An unknown usage
stays unknown: zeros are added only beside known counts, for details that the other shape requires.
Servers use either shape's names at either endpoint, and report tokens read from a cache in fields
of their own: `prompt_cache_hit_tokens` (DeepSeek), `cached_tokens` (Kimi), Anthropic's names
(LiteLLM). Fields that the other shape does not have, such as OpenRouter's `cost`, keep their names.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from gateway.shapes import Json
from gateway.translate.parts.tokens.counts import LARGEST_COUNT, token_count

_CHAT: Final = (
    *("prompt_tokens", "completion_tokens"),
    *("prompt_tokens_details", "completion_tokens_details"),
)
_RESPONSES: Final = (
    *("input_tokens", "output_tokens"),
    *("input_tokens_details", "output_tokens_details"),
)
"""The same counts, and groups of counts, by their names in the two shapes."""
_RESPONSES_NAMES: Final = frozenset(_RESPONSES)

_IN_PROMPT: Mapping[str, tuple[str, ...]] = {
    "cached_tokens": ("prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens"),
    "cache_write_tokens": ("cache_creation_input_tokens",),
}
_IN_COMPLETION: Mapping[str, tuple[str, ...]] = {"reasoning_tokens": ("reasoning_tokens",)}
"""Details of the prompt and of the completion, and the names that servers give them beside the
totals."""

_COUNTED_BESIDE: Final = frozenset(
    name for names in (*_IN_PROMPT.values(), *_IN_COMPLETION.values()) for name in names
)
_KNOWN: Final = _COUNTED_BESIDE | {"total_tokens", *_CHAT, *_RESPONSES}


_Counts = tuple[int, int, int, Json, Json]
"""The arguments of `chat_counts`."""


def chat_usage(usage: object) -> Json | None:
    """Return a usage as chat's; None where it is unknown.

    Details that responses do not have (audio, predictions) are 0, as in OpenAI's chat.
    """
    usage = with_chats_names(usage)
    known = _read(usage)
    return None if known is None else {**chat_counts(*known), **_beside(usage)}


def chat_counts(
    prompt: int, completion: int, total: int, read: Mapping[str, int], written: Mapping[str, int]
) -> Json:
    """Return chat's usage for known counts.

    `read` and `written` are the details of the prompt and of the completion.
    """
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": total,
        "prompt_tokens_details": {"audio_tokens": 0, "cached_tokens": 0, **read},
        "completion_tokens_details": {
            "accepted_prediction_tokens": 0,
            "audio_tokens": 0,
            "reasoning_tokens": 0,
            "rejected_prediction_tokens": 0,
            **written,
        },
    }


def responses_usage(usage: object) -> Json | None:
    """Return a usage as that of responses, all required details present; None: unknown."""
    usage = with_chats_names(usage)
    known = _read(usage)
    return None if known is None else {**responses_counts(*known), **_beside(usage)}


def responses_counts(
    prompt: int, completion: int, total: int, read: Mapping[str, int], written: Mapping[str, int]
) -> Json:
    """Return the usage of responses for the arguments of `chat_counts`."""
    return {
        "input_tokens": prompt,
        "input_tokens_details": {
            "cached_tokens": read.get("cached_tokens", 0),
            "cache_write_tokens": read.get("cache_write_tokens", 0),
        },
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": written.get("reasoning_tokens", 0)},
        "total_tokens": total,
    }


def with_chats_names(usage: object) -> object:
    """Return a usage with chat's names in place of those of responses."""
    if not isinstance(usage, dict) or _RESPONSES_NAMES.isdisjoint(usage):
        return usage
    names = {theirs: ours for ours, theirs in zip(_CHAT, _RESPONSES, strict=True)}
    unknown = {theirs: ours for theirs, ours in names.items() if ours not in usage}
    return {unknown.get(name, name): value for name, value in usage.items()}


def with_details(usage: Json) -> Json:
    """Return a usage with chat's names; counts beside its totals are also put in the details.

    Those counts stay: programs for their server read them there.
    """
    if _COUNTED_BESIDE.isdisjoint(usage):
        return usage
    detailed = dict(usage)
    for group, elsewhere in (
        ("prompt_tokens_details", _IN_PROMPT),
        ("completion_tokens_details", _IN_COMPLETION),
    ):
        given, found = usage.get(group), _details(usage, group, elsewhere)
        counts = {name: found[name] for name in elsewhere if found.get(name)}
        if counts:
            detailed[group] = {**(given if isinstance(given, dict) else {}), **counts}
    return detailed


def _read(usage: object) -> _Counts | None:
    """Return the counts of a usage with chat's names; None unless both are known."""
    if not isinstance(usage, dict):
        return None
    prompt = token_count(usage.get("prompt_tokens"))
    completion = token_count(usage.get("completion_tokens"))
    if prompt is None or completion is None:
        return None
    total = token_count(usage.get("total_tokens"))
    return (
        prompt,
        completion,
        prompt + completion if total is None else total,
        _details(usage, "prompt_tokens_details", _IN_PROMPT),
        _details(usage, "completion_tokens_details", _IN_COMPLETION),
    )


def _beside(usage: object) -> Json:
    """Return the fields of a usage that are not counts of the other shape."""
    if not isinstance(usage, dict) or usage.keys() <= _KNOWN:
        return {}
    return {
        name: value for name, value in usage.items() if name not in _KNOWN and value is not None
    }


def _details(usage: Json, group: str, elsewhere: Mapping[str, Iterable[str]]) -> Json:
    given = usage.get(group)
    known: Json = {}
    for key, value in given.items() if isinstance(given, dict) else ():
        # Nearly all are whole numbers: those need no call.
        if type(value) is int and 0 <= value <= LARGEST_COUNT:
            known[key] = value
        elif (count := token_count(value)) is not None:
            known[key] = count
    for name, others in elsewhere.items():
        if known.get(name):
            continue
        for other in others:
            if other in usage and (count := token_count(usage[other])):
                known[name] = count
                break
    return known
