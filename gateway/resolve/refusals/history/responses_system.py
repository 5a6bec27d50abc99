"""System messages of a responses request, for models that take one at the beginning only.

Some servers pass the instructions on as one, and each system message as a further one
(lmstudio-bug-tracker#2298). Codex sends instructions and several developer messages.
"""

from collections.abc import Sequence
from typing import Final, TypeGuard

from gateway.resolve.refusals.history.chat_system import as_users, is_systems
from gateway.shapes import Json

INSTRUCTIONS: Final = "input[role]"
"""What fixes and the report call this."""

_TEXTS = ("input_text", "text")
_EARLIER = ("previous_response_id", "conversation", "prompt")
"""Parameters that may bring a system message of their own."""


def with_one_instruction(body: Json) -> None:
    """Leave one system message in a responses body: the instructions, or else its first item.

    System messages at the beginning are joined, with the instructions if there are any. Later ones
    become user messages, and so do all in a request that continues an earlier response. The given
    items stay unchanged.
    """
    given = body.get("input")
    if not isinstance(given, list):
        return
    leading = [] if any(map(body.get, _EARLIER)) else _leading_texts(given)
    first: list[object] = []
    instructions = body.get("instructions")
    if leading and isinstance(instructions, str) and instructions:
        body["instructions"] = _joined([instructions, *leading])
    elif leading:
        first = [{**given[0], "content": _joined(leading)}]
    others = (as_users(item) if is_systems(item) else item for item in given[len(leading) :])
    body["input"] = [*first, *others]


def _leading_texts(items: Sequence[object]) -> list[str]:
    """Return the texts of the system messages at the beginning, up to one that is not only text."""
    texts: list[str] = []
    for item in items:
        text = _text(item.get("content")) if is_systems(item) else None
        if text is None:
            break
        texts.append(text)
    return texts


def _text(content: object) -> str | None:
    """Return the text of a message's content; None: it has other parts, too."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    texts = [part["text"] for part in content if _is_text(part)]
    return _joined(texts) if len(texts) == len(content) else None


def _is_text(part: object) -> TypeGuard[Json]:
    if not isinstance(part, dict) or part.get("type") not in _TEXTS:
        return False
    return isinstance(part.get("text"), str)


def _joined(texts: Sequence[str]) -> str:
    return "\n\n".join(filter(None, texts))
