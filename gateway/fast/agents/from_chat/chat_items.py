"""The messages of agents' chat requests as input items of responses."""

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from gateway.fast.agents.from_chat.chat_requests import (
    Assistant,
    Message,
    Output,
    System,
    TextPart,
    User,
    read_parts,
)
from gateway.fast.agents.raw import NULL, is_empty, is_text, text
from gateway.fast.agents.uncommon import Uncommon
from gateway.fast.codec import ABSENT, Absent
from gateway.translate.contract import Context, Report


class _Text(msgspec.Struct, tag_field="type", tag="input_text", gc=False):
    text: Raw


class _Image(msgspec.Struct, tag_field="type", tag="input_image", gc=False):
    image_url: Raw
    detail: str


_Content = Raw | Sequence[_Text | _Image]


class _Message(msgspec.Struct, tag_field="type", tag="message", gc=False):
    role: str
    content: _Content
    phase: str | Absent = ABSENT


class _Call(msgspec.Struct, tag_field="type", tag="function_call", gc=False):
    call_id: str
    name: str
    arguments: Raw


class _Output(msgspec.Struct, tag_field="type", tag="function_call_output", gc=False):
    call_id: str
    output: _Content


_Item = _Message | _Call | _Output


class ItemWriter:
    """Writes items one after another; raises `Uncommon` for messages that it does not take."""

    def __init__(self, context: Context, report: Report) -> None:
        self._able = context.capabilities
        self._report = report
        self._items: list[_Item] = []

    def items(self, messages: Sequence[Message]) -> Sequence[_Item]:
        """Return the items of a conversation, in order."""
        add = self._items.append
        for position, message in enumerate(messages):
            if type(message) is Output:
                content = message.content
                sent = content if is_text(content) else _parts(content)
                add(_Output(message.tool_call_id, sent))
            elif type(message) is Assistant:
                self._assistant(message, position)
            elif type(message) is User:
                content = message.content
                add(_Message("user", content if is_text(content) else _parts(content)))
            else:
                self._instruct(message, position)
            if message.name:
                self._report.drop(f"messages[{position}].name")
        return self._items

    def _instruct(self, message: Message, position: int) -> None:
        """Write a message of the system, under the name that the server knows."""
        content = message.content
        sent = (_Text(content),) if is_text(content) else _parts(content, images=False)
        role = "system" if type(message) is System else "developer"
        if role == "developer" and not self._able.developer_role:
            self._report.change(f"messages[{position}].role", role, "system")
            role = "system"
        self._items.append(_Message(role, sent))

    def _assistant(self, message: Assistant, position: int) -> None:
        if message.reasoning or message.reasoning_content:
            self._drop_reasoning(message, position)
        content, calls = message.content, message.tool_calls
        if not is_text(content):
            content = _only_text(content, has_calls=bool(calls))
        if not calls or not is_empty(content):
            phase = ABSENT if message.phase is None else message.phase
            self._items.append(_Message("assistant", content, phase))
        for call in calls or ():
            called = call.function
            self._items.append(_Call(call.id, called.name, text(called.arguments)))

    def _drop_reasoning(self, message: Assistant, position: int) -> None:
        if self._able.reasoning_items:
            raise Uncommon
        for name in ("reasoning_content", "reasoning"):
            if getattr(message, name):
                self._report.drop(f"messages[{position}].{name}")


_NO_TEXT = Raw(b'""')


def _only_text(content: Raw, *, has_calls: bool) -> Raw:
    """Return the text of an assistant's content that is one part, or nothing beside calls."""
    if content == NULL:
        if not has_calls:
            raise Uncommon
        return _NO_TEXT
    parts = read_parts(content)
    first = parts[0]
    if len(parts) != 1 or not isinstance(first, TextPart):
        raise Uncommon
    return text(first.text)


def _parts(content: Raw, *, images: bool = True) -> Sequence[_Text | _Image]:
    sent: list[_Text | _Image] = []
    for part in read_parts(content):
        if isinstance(part, TextPart):
            sent.append(_Text(text(part.text)))
        elif images:
            image = part.image_url
            sent.append(_Image(text(image.url), "auto" if image.detail is None else image.detail))
        else:
            raise Uncommon
    return sent
