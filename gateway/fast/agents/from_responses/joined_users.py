"""Messages of the user that follow one another, at servers whose roles must alternate."""

from collections.abc import Sequence
from typing import TypeGuard

from msgspec import Raw

from gateway.fast.agents.from_responses.chat_forms import Message
from gateway.fast.agents.from_responses.response_contents import (
    AnyPart,
    Content,
    Text,
    TextPart,
    as_string,
    says,
)
from gateway.fast.codec import encode


def joined_users(messages: Sequence[object]) -> list[object]:
    """Return the messages with successive ones of the user joined into one."""
    sent: list[object] = []
    row: list[Content] = []
    for message in messages:
        if isinstance(message, Message) and message.role == "user":
            row.append(message.content)
            continue
        if row:
            sent.append(Message("user", _as_one(row)))
            row = []
        sent.append(message)
    if row:
        sent.append(Message("user", _as_one(row)))
    return sent


def _as_one(row: list[Content]) -> Content:
    """Return contents as one: texts alone as paragraphs, texts and other parts as parts."""
    if len(row) == 1:
        return row[0]
    if _are_texts(row):
        return "\n\n".join(filter(None, map(as_string, row)))
    return [part for content in row for part in _parts(content)]


def _are_texts(row: list[Content]) -> TypeGuard[list[Text]]:
    return all(isinstance(content, str | Raw) for content in row)


def _parts(content: Content) -> Sequence[AnyPart]:
    if isinstance(content, Raw):
        return [TextPart(content)] if says(content) else []
    if isinstance(content, str):
        return [TextPart(Raw(encode(content)))] if content else []
    return content
