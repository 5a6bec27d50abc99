"""Token counts of messages, translated to and from those of chat and responses.

Messages count separately what was read from a cache and what was written to one: the prompt is the
sum of `input_tokens`, `cache_read_input_tokens` and `cache_creation_input_tokens` (type `Usage` of
Anthropic's SDKs). Chat and responses have one total with details. Clients of messages add the
counts up, so these are always whole numbers: an unknown usage is zeros. Other fields keep their
names.
"""

from collections.abc import Mapping

from gateway.shapes import Json
from gateway.translate.parts.tokens.counts import token_count
from gateway.translate.parts.tokens.usage import chat_usage, responses_usage

_TIERS: Mapping[str, str] = {
    **dict.fromkeys(("auto", "default", "flex", "scale", "standard"), "standard"),
    **dict.fromkeys(("fast", "priority", "ultrafast"), "priority"),
    "batch": "batch",
}
"""Service tiers in the words of messages, by those of OpenAI."""

_OPENAI = frozenset(
    {
        *("input_tokens", "output_tokens", "total_tokens"),
        *("input_tokens_details", "output_tokens_details"),
    }
)
_COUNTED = frozenset(
    {
        *("input_tokens", "output_tokens", "output_tokens_details"),
        *("cache_creation", "cache_creation_input_tokens", "cache_read_input_tokens"),
        *("inference_geo", "service_tier", "speed"),
    }
)
"""Fields of a messages usage that are counts under other names, or not about tokens."""


def messages_usage(usage: object, tier: object = None) -> Json:
    """Return a chat or responses usage as that of messages.

    `tier` is the reply's `service_tier` in OpenAI's words.
    """
    known = responses_usage(usage)
    word = messages_tier(tier)
    tiers = {} if word is None else {"service_tier": word}
    if known is None:
        return {**_counts(0, 0, 0, 0), **tiers}
    read = known["input_tokens_details"]["cached_tokens"]
    fresh, written = apart(
        known["input_tokens"], read, known["input_tokens_details"]["cache_write_tokens"]
    )
    thinking = known["output_tokens_details"]["reasoning_tokens"]
    return {
        **_counts(fresh, written, read, known["output_tokens"]),
        "output_tokens_details": {"thinking_tokens": thinking},
        **tiers,
        **{name: value for name, value in known.items() if name not in _OPENAI},
    }


def apart(prompt: int, read: int, written: int) -> tuple[int, int]:
    """Return how many tokens of a prompt no cache had, and how many were written to one.

    The tokens that were `read` are in neither. Gemini behind OpenRouter reports tokens as both read
    and written: they count as read.
    """
    left = prompt - read
    return (max(left - written, 0), min(written, left) if left >= 0 else written)


def chat_usage_of(usage: object) -> Json | None:
    """Return a messages usage as chat's; None where it is unknown."""
    return chat_usage(_of_openai(usage))


def responses_usage_of(usage: object) -> Json | None:
    """Return a messages usage as that of responses; None where it is unknown."""
    return responses_usage(_of_openai(usage))


def messages_tier(tier: object) -> str | None:
    """Return the `service_tier` of a chat or responses reply in the words of messages."""
    return _TIERS.get(tier) if isinstance(tier, str) else None


def openai_tier(usage: object) -> str | None:
    """Return the service tier of a messages usage in OpenAI's words; None: it has none."""
    return openai_word(usage.get("service_tier") if isinstance(usage, dict) else None)


def openai_word(tier: object) -> str | None:
    """Return a `service_tier` of messages under OpenAI's name, or None."""
    return {"standard": "default", "priority": "priority"}.get(str(tier))


def _counts(fresh: int, written: int, read: int, output: int) -> Json:
    return {
        "input_tokens": fresh,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": output,
    }


def _of_openai(usage: object) -> Json | None:
    """Return a messages usage with chat's names and sums; None where it is unknown."""
    if not isinstance(usage, dict):
        return None
    fresh = token_count(usage.get("input_tokens"))
    output = token_count(usage.get("output_tokens"))
    if fresh is None or output is None:
        # Some servers use chat's counts at their messages endpoint.
        return usage if "prompt_tokens" in usage else None
    read = token_count(usage.get("cache_read_input_tokens")) or 0
    written = token_count(usage.get("cache_creation_input_tokens")) or 0
    if not written and isinstance(created := usage.get("cache_creation"), dict):
        written = sum(token_count(tokens) or 0 for tokens in created.values())
    details = usage.get("output_tokens_details")
    known = details.get("thinking_tokens") if isinstance(details, dict) else None
    thinking = token_count(known) or 0
    cached = {"cached_tokens": read, **({"cache_write_tokens": written} if written else {})}
    return {
        "prompt_tokens": fresh + read + written,
        "completion_tokens": output,
        "prompt_tokens_details": cached,
        "completion_tokens_details": {"reasoning_tokens": thinking},
        **{name: value for name, value in usage.items() if name not in _COUNTED},
    }
