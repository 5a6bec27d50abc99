"""How a generation ended: the words of all servers as OpenAI's, and what they say beyond these."""

import re
from collections.abc import Mapping
from typing import Final, Literal

from gateway.errors import UpstreamError
from gateway.shapes import Json

FinishReason = Literal["stop", "length", "content_filter", "tool_calls"]

NATIVE = "native_finish_reason"
"""The field beside `finish_reason` that has the server's own word, as OpenRouter calls it.

It is set where OpenAI's word says less.
"""

UNKNOWN: Final = "unknown"
"""Stands for the missing word of a reply that has ended."""

_SAME: Mapping[str, FinishReason] = {
    **dict.fromkeys(
        ("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed"), "stop"
    ),
    **dict.fromkeys(
        ("length", "max_length", "max_new_tokens", "max_output_tokens", "max_tokens"), "length"
    ),
    "model_length": "length",
    "content_filter": "content_filter",
    **dict.fromkeys(("tool_calls", "tool_call", "tool_use", "function_call"), "stop"),
}
"""Words that say no more than OpenAI's."""

_MORE: Mapping[str, FinishReason] = {
    # Gemini's and Vertex' `FinishReason`
    **dict.fromkeys(
        (
            *("blocklist", "image_prohibited_content", "image_recitation", "image_safety"),
            *("language", "model_armor", "prohibited_content", "recitation", "safety", "spii"),
        ),
        "content_filter",
    ),
    # Function calls that Gemini's own OpenAI endpoint reports as filtered
    **dict.fromkeys(
        (
            *("malformed_function_call", "malformed_response", "missing_thought_signature"),
            *("too_many_tool_calls", "unexpected_tool_call"),
        ),
        "content_filter",
    ),
    # Anthropic, Bedrock, Cohere, Z.ai
    **dict.fromkeys(
        ("error_toxic", "guardrail_intervened", "refusal", "sensitive"), "content_filter"
    ),
    "model_context_window_exceeded": "length",
}
"""Words that also say why the generation ended."""

_GOING_ON = frozenset({"", "none", "null", "unspecified"})
"""Words in place of null, for a choice that goes on.

LocalAI, TGI and SGLang send an empty one (sglang#3912), KoboldCpp `null` (AIShell#350).
"""

_EMPTY_WORDS = _GOING_ON | {UNKNOWN}
"""Words without a meaning."""

_FILTER = re.compile(
    r"filter|block|censor|flagg|guardrail|harm|inappropriate|moderat|nsfw|polic(?:y|ies)|prohibit|"
    r"recitation|refus|safety|sensitiv|toxic|unsafe|violat"
)
_FAILURE = re.compile(
    r"abort|cancel|crash|deadline|disconnect|error|evict|exception|expired|fail|insufficient|"
    r"interrupt|kill|not_?finished|overload|preempt|quota|rate_?limit|timed?_?out|unavailable|"
    r"unfinished"
)
"""Matches words for a generation that broke off, ended by neither the model nor a limit."""
_LIMIT = re.compile(
    r"length|limit|max_?(?:output_)?tok|max_?time|budget|context_window|incomplete|truncat"
)


def ending_word(choice: Json) -> object:
    """Return the finish reason in an event's choice; None: the choice continues."""
    word = choice.get("finish_reason")
    if isinstance(word, str):
        return None if _normalised(word) in _GOING_ON else word
    return word or None


def finish_reason(word: object, *, has_text: bool, has_tool_calls: bool = False) -> FinishReason:
    """Return OpenAI's finish reason for an upstream's own word.

    A natural end is `tool_calls` exactly if there are tool calls, whatever the word: OpenAI has
    `stop` after a named `tool_choice`. For completions, which have no tool calls, pass
    `has_tool_calls=False`. A limit or a filter stays one even with tool calls, as the arguments may
    be cut; a filter needs no text. An unknown word is searched for known parts; failing that, it
    counts as `stop` if there is any output, and so does a missing word in a whole reply.

    Not for chunks of a stream without a finish reason: they do not end it, and a stream without any
    is a `TruncatedStream`. Raises `UpstreamError` for a failure.
    """
    name = _normalised(word)
    reason = _known(name)
    if reason is None:
        if _is_failure(name) or not (has_text or has_tool_calls):
            ending = (
                "no finish_reason" if name in _EMPTY_WORDS else f"finish_reason {str(word)[:100]!r}"
            )
            raise UpstreamError(
                f"The upstream ended the generation with {ending} instead of completing it. "
                "Retry the request.",
            )
        reason = "stop"
    if reason == "stop" and has_tool_calls:
        return "tool_calls"
    return reason


def is_cut_short(word: object) -> bool:
    """Whether an upstream's word says that a limit, a filter or a failure ended the generation."""
    name = _normalised(word)
    reason = _known(name)
    return reason in ("length", "content_filter") or (reason is None and _is_failure(name))


def native_word(choice: Json) -> str | None:
    """Return a choice's own finish reason if it says more than OpenAI's, else None."""
    for name in ("finish_reason", NATIVE):
        word = choice.get(name)
        if isinstance(word, str) and _normalised(word) not in _EMPTY_WORDS | _SAME.keys():
            return word[:100]
    return None


def with_native(shown: Json, word: str | None) -> Json:
    """Return a choice with the server's own word where that says more."""
    return shown if word is None else {**shown, NATIVE: word}


def _normalised(word: object) -> str:
    if isinstance(word, dict):
        word = word.get("type")  # SGLang's own form
    name = word.lower() if isinstance(word, str) else ""
    return name.removeprefix("finish_reason_").replace("-", "_").replace(" ", "_")


def _is_failure(name: str) -> bool:
    return _FAILURE.search(name) is not None


def _known(name: str) -> FinishReason | None:
    """Return the meaning of a word; None: a failure, or unknown."""
    reason = _SAME.get(name) or _MORE.get(name)
    if reason is not None or not name:
        return reason
    # Gemini's OpenAI endpoint: "content_filter: RECITATION", "function_call_filter: …".
    if _FILTER.search(name):
        return "content_filter"
    return "length" if _LIMIT.search(name) and not _is_failure(name) else None
