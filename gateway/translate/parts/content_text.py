"""The content of a chat message in parts, as Mistral's reasoning models give it."""

from collections.abc import Iterable
from typing import Any

from gateway.errors import UpstreamError


def text_of(parts: Iterable[Any]) -> str:
    """Return the text of content in parts; raises `UpstreamError` for a text that is none."""
    return "".join(
        part if isinstance(part, str) else _text(part, "text") for part in parts if _is_text(part)
    )


def _is_text(part: object) -> bool:
    """Whether a part is text: some servers have the kinds of responses, others strings."""
    if isinstance(part, dict):
        return part.get("type", "text") in _TEXTS
    return isinstance(part, str)


_TEXTS = ("text", "output_text", "input_text")


def thought_of(parts: Iterable[Any]) -> str:
    """Return the reasoning in content in parts; raises `UpstreamError` as `text_of` does."""
    thoughts: list[str] = []
    for part in parts:
        if is_part(part, "thinking"):
            thinking = part.get("thinking")
            inner = thinking if isinstance(thinking, list) else [{"text": thinking}]
            thoughts += [_text(each, "thinking") for each in inner if isinstance(each, dict)]
    return "".join(thoughts)


def other_parts(parts: Iterable[Any]) -> list[Any]:
    """Return the parts that are neither: pictures."""
    return [part for part in parts if not (_is_text(part) or is_part(part, "thinking"))]


def is_part(part: object, kind: str) -> bool:
    """Whether something is a part of a kind."""
    return isinstance(part, dict) and part.get("type") == kind


def _text(part: dict[str, Any], name: str) -> str:
    text = part.get("text")
    if text is not None and not isinstance(text, str):
        raise UpstreamError(f"The upstream's chat reply cannot be used: '{name}' is not a string.")
    return text or ""
