"""Joins successive messages of the user, for chat servers whose roles must alternate.

Codex begins with two or three: the project's instructions, the environment, and the request.
"""

from collections.abc import Iterable, Sequence

from gateway.shapes import Json
from gateway.translate.responses_via_chat.input.turn import Attachments, Origin

Placed = tuple[Json, Origin]
"""A chat message with its origin."""


def joined_users(messages: Iterable[Placed]) -> list[Placed]:
    """Return the messages, those of the user in a row joined into one.

    Texts become paragraphs; with other parts among them, all are parts.
    """
    sent: list[Placed] = []
    row: list[Placed] = []
    for placed in messages:
        if placed[0]["role"] == "user":
            row.append(placed)
            continue
        sent += _as_one(row)
        row = []
        sent.append(placed)
    return sent + _as_one(row)


def _as_one(row: list[Placed]) -> list[Placed]:
    if len(row) < 2:
        return row
    contents = [message["content"] for message, _ in row]
    paths = [origin.client_path(".content") for _, origin in row]
    if all(isinstance(content, str) for content in contents):
        text = "\n\n".join(filter(None, contents))
        return [({"role": "user", "content": text}, Attachments(paths, frozenset(paths)))]
    parts = [part for message, origin in row for part in _parts(message["content"], origin)]
    message = {"role": "user", "content": [part for part, _ in parts]}
    return [(message, Attachments([path for _, path in parts], frozenset(paths)))]


def _parts(content: str | Sequence[Json], origin: Origin) -> list[tuple[Json, str]]:
    """Return the parts of a content, each with its path."""
    if isinstance(content, str):
        text = {"type": "text", "text": content}
        return [(text, origin.client_path(".content"))] if content else []
    return [(part, origin.client_path(f".content[{k}]")) for k, part in enumerate(content)]
