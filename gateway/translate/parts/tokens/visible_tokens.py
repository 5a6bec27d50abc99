"""Finds the logprobs of a chat message's text among those of all its tokens.

vLLM and llama.cpp list the tokens of all that was generated, including reasoning and calls. Taken
for tokens of the text, they would show reasoning, and stand at wrong places.
"""

from collections.abc import Sequence
from typing import Any, Final

from gateway.shapes import Json
from gateway.translate.parts.content.texts import REASONING_FIELDS, is_part, thinking_of
from gateway.translate.parts.tokens.logprobs import token_bytes

_HIDDEN: Final = (*REASONING_FIELDS, "tool_calls", "function_call")
_WHITE_SPACE: Final = b" \t\r\n"


def hides_tokens(message: Json) -> bool:
    """Whether a message, or a delta, has reasoning or calls, which have tokens but no text."""
    return any(map(message.get, _HIDDEN)) or bool(_thinking(message))


def reasoning_text(message: Json) -> str:
    """Return the reasoning in a message, or in a delta, if it is a text."""
    fields = (message.get(name) for name in REASONING_FIELDS)
    return next((text for text in fields if text and isinstance(text, str)), _thinking(message))


def visible_entries(message: Json, text: str, entries: Sequence[Json]) -> list[Json]:
    """Return the entries that belong to the text of a message or a delta.

    Raises `UpstreamError`.
    """
    if not hides_tokens(message):
        return list(entries)
    return entries_of_text(entries, text, reasoning_text(message))


def entries_of_text(entries: Sequence[Json], text: str, reasoning: str) -> list[Json]:
    """Return the entries of a list whose tokens make up a text.

    The list begins with the entries of the reasoning, and may go on after the text. It stays as it
    is if the text is not in it. Raises `UpstreamError` for an invalid entry.
    """
    first, end = range_of_text(entries, text, reasoning)
    return list(entries[first:end])


def range_of_text(entries: Sequence[Json], text: str, reasoning: str) -> tuple[int, int]:
    """Return the positions of a text's first entry, and of the first one after it.

    Servers may leave out white space around reasoning and text, and tokenizers that of a token.
    Some servers list only the tokens of the text.
    """
    tokens = [token_bytes(entry) for entry in entries]
    said, hidden = _bytes(text), _bytes(reasoning)
    if b"".join(tokens) == said:
        return 0, len(tokens)
    found = _found(tokens, said, len(hidden))
    if found is None:
        solid = [_solid(token) for token in tokens]
        found = _found(solid, _solid(said), len(_solid(hidden))) or _found(tokens, said, 0)
    if found is None:
        return (0 if _solid(said) else len(tokens)), len(tokens)
    return found


def _found(tokens: Sequence[bytes], wanted: bytes, since: int) -> tuple[int, int] | None:
    begin = b"".join(tokens).find(wanted, since) if wanted else -1
    if begin < 0:
        return None
    first = last = position = 0
    for at, token in enumerate(tokens):
        if position <= begin:
            first = at
        if position < begin + len(wanted):
            last = at
        position += len(token)
    return first, last + 1


def _solid(text: bytes) -> bytes:
    return text.translate(None, _WHITE_SPACE)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _thinking(message: Json) -> str:
    content: Any = message.get("content")
    if not isinstance(content, list):
        return ""
    return thinking_of(part for part in content if is_part(part, "thinking"))
