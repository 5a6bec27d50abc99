"""The usage of several calls, or of several events of one call, as that of one reply."""

from collections.abc import Callable, Sequence

from gateway.shapes import Json
from gateway.translate.parts.fields import finite_number
from gateway.translate.parts.tokens.counts import LARGEST_COUNT, counts_tokens, token_count
from gateway.translate.parts.tokens.usage import with_chats_names, with_details

_PROMPT_KEYS = frozenset(
    {
        *("prompt_tokens", "prompt_tokens_details", "input_tokens", "input_tokens_details"),
        *("prompt_cache_hit_tokens", "prompt_cache_miss_tokens", "cached_tokens"),
        *("cache_read_input_tokens", "cache_creation_input_tokens"),
    }
)
"""Counts of the prompt alone; some servers put those of their cache beside the totals."""


def _is_first(call: int) -> bool:
    return call == 0


def sum_usage(
    usages: Sequence[object], opens_prompt: Callable[[int], bool] = _is_first
) -> Json | None:
    """Return the usage of all calls together, in call order; None unless every call's is known.

    A prompt's tokens count once, however many calls generate its choices (as vLLM counts): they are
    those of the call for which `opens_prompt` is true, by default the first one.
    """
    total: Json = {}
    for call, usage in enumerate(usages):
        addition = numbers(usage)
        if not addition:
            return None
        if not total:
            total = addition
        else:
            total = _sum(total, addition if opens_prompt(call) else _without_prompt(addition))
    return total or None


def complete_usage(usage: object) -> Json | None:
    """Return the `numbers` of a usage with chat's names and the total of its two counts.

    Counts beside the totals are in the details, too. None unless both counts are known: clients'
    types require them.
    """
    known = with_details(numbers(with_chats_names(usage)))
    prompt = token_count(known.get("prompt_tokens"))
    completion = token_count(known.get("completion_tokens"))
    if prompt is None or completion is None:
        return None
    return {**known, "total_tokens": known.get("total_tokens", prompt + completion)}


def numbers(usage: object) -> Json:
    """Return a copy of a usage with only its numbers, including those of its details.

    Numbers of tokens must be counts (`token_count`). Empty: the usage is unknown.
    """
    known: Json = {}
    for key, value in usage.items() if isinstance(usage, dict) else ():
        # Nearly all values are counts, for which no call is needed.
        if type(value) is int and 0 <= value <= LARGEST_COUNT:
            known[key] = value
        elif isinstance(value, dict):
            if details := _details(value):
                known[key] = details
        elif (number := _number(key, value)) is not None:
            known[key] = number
    return known


def _details(group: Json) -> Json:
    known: Json = {}
    for name, value in group.items():
        if type(value) is int and 0 <= value <= LARGEST_COUNT:
            known[name] = value
        elif (number := _number(name, value)) is not None:
            known[name] = number
    return known


def _number(name: str, value: object) -> int | float | None:
    return token_count(value) if counts_tokens(name) else finite_number(value)


def richer_usage(known: object, later: object) -> object:
    """Return a usage merged with a later one of the same reply.

    Servers repeat a usage with zeros, or in part: a zero or an absent count changes nothing.
    """
    before, more = numbers(known), numbers(later)
    if not _says_any(more):
        return known or later or None
    if not before:
        return later
    merged = _richer(before, more)
    if merged not in (before, more) and finite_number(merged.get("total_tokens")):
        # The usages complete each other, so neither total is right.
        for names in _COUNTS:
            counts = [finite_number(merged.get(name)) or 0 for name in names]
            merged["total_tokens"] = max(merged["total_tokens"], sum(counts))
    return merged


_COUNTS = (("prompt_tokens", "completion_tokens"), ("input_tokens", "output_tokens"))


def _richer(known: Json, later: Json) -> Json:
    merged = dict(known)
    for key, value in later.items():
        before = known.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            merged[key] = _richer(before, value)
        elif value or not before:
            merged[key] = value
    return merged


def _says_any(usage: Json) -> bool:
    return any(_says_any(count) if isinstance(count, dict) else count for count in usage.values())


def _without_prompt(usage: Json) -> Json:
    generated = {key: value for key, value in usage.items() if key not in _PROMPT_KEYS}
    if "total_tokens" in generated:
        prompt = usage.get("prompt_tokens", usage.get("input_tokens", 0))
        if not isinstance(prompt, dict) and not isinstance(generated["total_tokens"], dict):
            generated["total_tokens"] -= prompt
    return generated


def _sum(total: Json, addition: Json) -> Json:
    result = dict(total)
    for key, value in addition.items():
        known = result.get(key)
        if isinstance(value, dict):
            result[key] = _sum(known if isinstance(known, dict) else {}, value)
        else:
            result[key] = value + (known if isinstance(known, int | float) else 0)
    return result
