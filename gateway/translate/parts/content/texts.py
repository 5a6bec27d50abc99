"""The content of a chat message in parts, as Mistral's reasoning models give it."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from gateway.translate.parts.upstream_errors import malformed_chat

REASONING_FIELDS: Final = ("reasoning_content", "reasoning", "reasoning_text", "thinking")
"""The fields of a message in which servers give its reasoning."""

_TEXTS: Final = frozenset({"text", "output_text", "input_text"})
"""The types of text parts; the last two are those of responses."""


def text_of(parts: Iterable[Any]) -> str:
    """Return the text in a content of parts; raises `UpstreamError` for an invalid part."""
    return "".join(map(_text_in, parts))


def thinking_of(parts: Iterable[Any]) -> str:
    """Return the reasoning in a content of parts; raises `UpstreamError` as `text_of` does."""
    texts: list[str] = []
    for part in parts:
        if is_part(part, "thinking"):
            thinking = part.get("thinking")
            inner = thinking if isinstance(thinking, list) else [{"text": thinking}]
            texts += [_string(each, "text") for each in inner if isinstance(each, dict)]
    return "".join(texts)


def refusal_of(parts: Iterable[Any]) -> str:
    """Return the refusal in a content of parts; raises `UpstreamError` as `text_of` does."""
    return "".join(_string(part, "refusal") for part in parts if is_part(part, "refusal"))


def refusal_in(message: Mapping[str, Any]) -> object:
    """Return the refusal of a message or a delta, which may be a part of its content."""
    content = message.get("content")
    return message.get("refusal") or (refusal_of(content) if isinstance(content, list) else None)


def other_parts(parts: Iterable[Any]) -> list[Any]:
    """Return the parts that are no text, thinking or refusal: pictures, and unknown types."""
    return [part for part in parts if isinstance(part, dict) and not _is_textual(part)]


def is_part(part: object, kind: str) -> bool:
    """Whether a value is a part of a type."""
    return isinstance(part, dict) and part.get("type") == kind


def is_text(part: object) -> bool:
    """Whether a value is a part with text: a string, or an object of such a type or without one."""
    if isinstance(part, dict) and "type" not in part:
        return isinstance(part.get("text"), str)
    return isinstance(part, str) or any(is_part(part, kind) for kind in _TEXTS)


def _is_textual(part: object) -> bool:
    return is_text(part) or is_part(part, "thinking") or is_part(part, "refusal")


def _text_in(part: Any) -> str:
    if part is None or isinstance(part, str):
        return part or ""
    if not isinstance(part, dict):
        raise malformed_chat("a part of 'content' is neither an object nor a string")
    return _string(part, "text") if is_text(part) else ""


def _string(part: dict[str, Any], name: str) -> str:
    text = part.get(name)
    if text is not None and not isinstance(text, str):
        raise malformed_chat(f"'{name}' is not a string")
    return text or ""
