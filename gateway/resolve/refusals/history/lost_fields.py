"""Fills in fields of earlier messages that servers demand, and leaves out empty messages.

Clients have lost these fields, or another model has made the calls without them. The given messages
stay unchanged. Sources: see `history_fields`.
"""

from collections.abc import Iterator
from typing import Final

from gateway.servers.presets import NO_REASONING

REASONING: Final = "reasoning_content"
SIGNATURE: Final = "thought_signature"

_DUMMY_SIGNATURE: Final = "skip_thought_signature_validator"


def without_empty(messages: list[object]) -> Iterator[object]:
    """Yield the messages that say or call something, and all results and messages of the user."""
    return (message for message in messages if not _is_empty(message))


def _is_empty(message: object) -> bool:
    if not isinstance(message, dict) or message.get("role") not in ("assistant", "system"):
        return False
    content, calls = message.get("content"), message.get("tool_calls")
    said = content.strip() if isinstance(content, str) else content
    return not said and not calls and not message.get("function_call")


def with_reasoning(messages: list[object]) -> Iterator[object]:
    """Yield the messages of a chat body; beside calls, missing reasoning is filled with a blank."""
    for message in messages:
        if _calls_of(message) and isinstance(message, dict) and not message.get(REASONING):
            yield {**message, REASONING: message.get("reasoning") or NO_REASONING}
        else:
            yield message


def with_signatures(messages: list[object]) -> Iterator[object]:
    """Yield the messages of a chat body; first calls without a signature get a dummy."""
    for message in messages:
        calls = _calls_of(message)
        if calls and isinstance(message, dict):
            yield {**message, "tool_calls": list(_signed(calls))}
        else:
            yield message


def _calls_of(message: object) -> list[object]:
    calls = message.get("tool_calls") if isinstance(message, dict) else None
    return calls if isinstance(calls, list) else []


def _signed(calls: list[object]) -> Iterator[object]:
    """Yield the calls of one message; only the first of them needs a signature."""
    first, *others = calls
    if isinstance(first, dict) and not first.get("extra_content"):
        first = {**first, "extra_content": {"google": {SIGNATURE: _DUMMY_SIGNATURE}}}
    yield first
    yield from others
