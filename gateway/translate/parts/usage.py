"""Token counts: chat's `usage` and that of responses, into one another.

Schemas `CompletionUsage` and `ResponseUsage` of OpenAI's OpenAPI description. An unknown usage
stays unknown: zeros are invented only beside known counts, for details that the other shape has.
"""

from collections.abc import Mapping

from gateway.shapes import Json

LARGEST_COUNT = 2**53
"""The largest whole number that every JSON reader keeps exact; more is no count of tokens."""


def chat_usage(usage: object) -> Json | None:
    """Return responses usage as chat's; None where it is unknown.

    What responses do not tell apart (audio, predictions) counts as 0, as OpenAI's chat has it.
    """
    counts = _counts(usage, "input_tokens", "output_tokens")
    if counts is None or not isinstance(usage, dict):
        return None
    read = _details(usage.get("input_tokens_details"))
    written = _details(usage.get("output_tokens_details"))
    return chat_counts(*counts, read, written)


def chat_counts(
    prompt: int, completion: int, total: int, read: Mapping[str, int], written: Mapping[str, int]
) -> Json:
    """Return chat's usage for known counts, and the details of what was read and written."""
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
    """Return chat usage as that of responses, all required details present; None: unknown."""
    counts = _counts(usage, "prompt_tokens", "completion_tokens")
    if counts is None or not isinstance(usage, dict):
        return None
    prompt, completion, total = counts
    read = _details(usage.get("prompt_tokens_details"))
    written = _details(usage.get("completion_tokens_details"))
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


def _counts(usage: object, prompt_key: str, completion_key: str) -> tuple[int, int, int] | None:
    """Return the tokens read, written and in total; None unless both kinds are known."""
    if not isinstance(usage, dict):
        return None
    prompt, completion = _count(usage.get(prompt_key)), _count(usage.get(completion_key))
    if prompt is None or completion is None:
        return None
    total = _count(usage.get("total_tokens"))
    return prompt, completion, prompt + completion if total is None else total


def _details(details: object) -> Mapping[str, int]:
    if not isinstance(details, dict):
        return {}
    known = {}
    for key, value in details.items():
        # Nearly all are whole numbers: those need no call.
        if type(value) is int and 0 <= value <= LARGEST_COUNT:
            known[key] = value
        elif (count := _count(value)) is not None:
            known[key] = count
    return known


def _count(value: object) -> int | None:
    if (type(value) is int or type(value) is float) and 0 <= value <= LARGEST_COUNT:
        return int(value)
    return None
