"""Why a message ended: messages' `stop_reason`, chat's `finish_reason`, a response's status."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from gateway.shapes import Json
from gateway.translate.parts.finish_reasons import FinishReason, finish_reason

StopReason = Literal[
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
]
"""Type `StopReason` of Anthropic's SDKs."""

WINDOW: Final = "model_context_window_exceeded"

_OF_CHAT: Mapping[FinishReason, StopReason] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "content_filter": "refusal",
    "tool_calls": "tool_use",
}
_TO_CHAT: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    WINDOW: "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_WINDOWS = frozenset({WINDOW, "model_length", "context_length_exceeded", "context_window"})
"""Servers' words for the end of the context window."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a message ended."""

    reason: StopReason
    sequence: str | None = None
    """The stop sequence that was found, if one was."""
    explanation: str | None = None
    """The text of a refusal."""

    def fields(self) -> Json:
        """Return the fields of a message, or of a `message_delta`, that say why it ended."""
        details = None
        if self.reason == "refusal":
            details = {"type": "refusal", "category": None, "explanation": self.explanation}
        return {
            "stop_reason": self.reason,
            "stop_sequence": self.sequence,
            "stop_details": details,
        }


def stop_reason(reason: FinishReason, word: object = None) -> StopReason:
    """Return the stop reason for chat's finish reason; `word` is the server's own, if any."""
    if reason == "length" and isinstance(word, str) and word.lower() in _WINDOWS:
        return WINDOW
    return _OF_CHAT[reason]


def chat_reason(stopped: object) -> FinishReason:
    """Return chat's finish reason for a stop reason, or for another server's own word.

    An unknown word is a natural end. Raises `UpstreamError` for a failure.
    """
    return _TO_CHAT.get(str(stopped)) or finish_reason(stopped, has_text=True)


Incomplete = Literal["max_output_tokens", "content_filter"]


def incomplete_reason(stopped: object) -> Incomplete | None:
    """Return why a response with a stop reason is incomplete; None: it is complete.

    Raises as `chat_reason` does.
    """
    reasons: Mapping[FinishReason, Incomplete] = {
        "length": "max_output_tokens",
        "content_filter": "content_filter",
    }
    return reasons.get(chat_reason(stopped))
