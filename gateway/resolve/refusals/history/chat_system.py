"""System messages of a chat request, for models that take one at the beginning only, or none.

Qwen's templates, and others of llama.cpp, take one. Codex begins with several, and adds another
when its user changes the mode (llama.cpp#20733, lmstudio-bug-tracker#2298). Templates of Gemma 1
and 2 take none (chat-ui#1386), nor does Gemini's API for Gemma (vscode#258088).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeGuard

from gateway.resolve.refusals.history.system_turns import is_users, part_in_tags, parts_of
from gateway.resolve.refusals.history.template_words import BEFORE, NO_SYSTEM
from gateway.shapes import Json
from gateway.texts import in_system_tags

TAKES_NONE: Final = re.compile(
    rf"{BEFORE}{NO_SYSTEM}|Developer instruction is not enabled for models/",
    re.IGNORECASE,
)
"""How an error refuses all system messages."""

_SYSTEMS = ("system", "developer")


def with_one_system(messages: list[object]) -> Iterator[object]:
    """Yield the messages of a chat body with one system message at most, the first.

    System messages at the beginning are joined. Later ones become user messages, and are joined
    with the user messages next to them. The given messages stay unchanged.
    """
    end = next((k for k, each in enumerate(messages) if not is_systems(each)), len(messages))
    if end:
        yield as_one(messages[:end])
    yield from without_system(messages[end:])


def without_system(messages: Iterable[object]) -> Iterator[object]:
    """Yield the messages of a chat body, its system messages as user messages.

    They are joined with the user messages next to them.
    """
    row: list[object] = []
    beside = False
    for message in messages:
        said = as_users(message) if is_systems(message) else message
        beside = beside or said is not message
        if row and not (beside and is_users(said) and is_users(row[-1])):
            yield as_one(row)
            row = []
        row.append(said)
        beside = said is not message
    if row:
        yield as_one(row)


def is_systems(message: object) -> TypeGuard[Json]:
    """Whether a message has the role `system` or `developer`."""
    return isinstance(message, dict) and message.get("role") in _SYSTEMS


def as_users(message: Json) -> Json:
    """Return a system message as a user message: texts in tags, other parts as they are."""
    content = message.get("content")
    if isinstance(content, str):
        content = in_system_tags(content)
    elif isinstance(content, list):
        content = [part_in_tags(part) for part in content]
    return {**message, "role": "user", "content": content}


def as_one(row: Sequence[object]) -> object:
    """Return messages of one role joined into one.

    If all contents are texts, they become the paragraphs of one text; else all become parts. Of
    any other field, the first value counts.
    """
    if len(row) == 1:
        return row[0]
    messages = [message for message in row if isinstance(message, dict)]
    said = [message for message in messages if message.get("content") is not None]
    texts = [message["content"] for message in said if isinstance(message["content"], str)]
    one: Json = {name: value for message in reversed(messages) for name, value in message.items()}
    if len(texts) == len(said):
        one["content"] = "\n\n".join(filter(None, texts))
    else:
        one["content"] = [part for message in said for part in parts_of(message)]
    return one
