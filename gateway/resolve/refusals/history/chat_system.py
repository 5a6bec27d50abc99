"""System messages of a chat request, for templates that take one, at the beginning only.

Qwen's do, and others of llama.cpp. Codex begins with several, and adds another when its user
changes the mode (llama.cpp#20733, lmstudio-bug-tracker#2298).
"""

from collections.abc import Iterator, Sequence

from gateway.resolve.refusals.history.system_turns import (
    is_systems,
    is_users,
    marked,
    marked_part,
    parts_of,
)
from gateway.shapes import Json


def with_one_system(messages: list[object]) -> Iterator[object]:
    """Yield the messages of a chat body with one system message at most, the first.

    Those that lead become one; later ones become the user's, and one with those beside them. The
    messages themselves are copied.
    """
    end = next((k for k, each in enumerate(messages) if not is_systems(each)), len(messages))
    if end:
        yield _as_one(messages[:end])
    row: list[object] = []
    beside = False
    for message in messages[end:]:
        said = _users(message) if is_systems(message) else message
        beside = beside or said is not message
        if row and not (beside and is_users(said) and is_users(row[-1])):
            yield _as_one(row)
            row = []
        row.append(said)
        beside = said is not message
    if row:
        yield _as_one(row)


def _users(message: Json) -> Json:
    """Return a system message as the user's; what is no text stays."""
    content = message.get("content")
    if isinstance(content, str):
        content = marked(content)
    elif isinstance(content, list):
        content = [marked_part(part) for part in content]
    return {**message, "role": "user", "content": content}


def _as_one(row: Sequence[object]) -> object:
    """Return messages of one role as one: texts as paragraphs, and else as parts."""
    first = row[0]
    if len(row) == 1 or not isinstance(first, dict):
        return first
    contents = [message.get("content") for message in row if isinstance(message, dict)]
    texts = [content for content in contents if isinstance(content, str)]
    one: Json = {**first}
    if len(texts) == len(contents):
        one["content"] = "\n\n".join(filter(None, texts))
    else:
        one["content"] = [part for message in row for part in parts_of(message)]
    return one
