"""Messages in a chat request that have Anthropic's blocks, or empty lists."""

import json
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.shapes import Json
from gateway.translate.mixed_chat.fields import MARK, beside, without_place
from gateway.translate.parts.from_messages.blocks.content import data_url
from gateway.translate.parts.from_messages.blocks.forms import CHAT
from gateway.translate.parts.from_messages.blocks.results import as_failure
from gateway.translate.parts.tools.calls import with_bounded_id

_THINKING: Final = ("thinking", "redacted_thinking")
_BLOCKS: Final = ("tool_use", "tool_result", "image", *_THINKING)
"""Types of blocks without a counterpart among chat's parts. A tuple, because a set cannot be
searched for an object in place of a type: nothing is checked yet."""
_KEPT: Final = {
    "tool_use": ("type", "id", "name", "input", MARK),
    "tool_result": ("type", "tool_use_id", "content", "is_error", MARK),
    "image": ("type", "source", MARK),
}
"""The fields of a block that have a place in chat, by its type."""


@dataclass(slots=True)
class Messages:
    """The messages in chat's form, and the source of each."""

    sent: list[Any] = field(default_factory=list)
    paths: list[tuple[str, bool]] = field(default_factory=list)
    """The client's path of each message, and whether the message is the client's own."""
    has_blocks: bool = False
    """Whether the client's messages have blocks of Anthropic's."""
    dropped: list[str] = field(default_factory=list)
    """The client's paths of content that has no place."""
    emulated: list[str] = field(default_factory=list)
    """The client's paths of content that is expressed in words."""

    def add(self, message: Any, path: str, *, is_own: bool = False) -> None:
        """Add a message."""
        self.sent.append(message)
        self.paths.append((path, is_own))

    def drop_rest(self, block: Json, path: str) -> None:
        """Note the fields of a block that have no place."""
        self.dropped += without_place(block, _KEPT[block["type"]], path)

    def client_path(self, index: int, rest: str) -> str:
        """Return the client's path for a message that was sent, followed by `rest`."""
        if index >= len(self.paths):
            return "messages"
        path, is_own = self.paths[index]
        if is_own:
            return path + rest
        return f"{path}.{MARK}" if rest.endswith(f".{MARK}") else path


def read_messages(messages: list[Any], custom: AbstractSet[str]) -> Messages:
    """Return messages in chat's form; `custom` are the names of flat custom tools.

    Calls of these tools came as calls of functions, with the bare text as arguments. Everything
    else, and messages without Anthropic's blocks, stay as they are.
    """
    read = Messages()
    for index, message in enumerate(messages):
        path = f"messages[{index}]"
        if not isinstance(message, dict):
            read.add(message, path, is_own=True)
        elif message.get("role") == "assistant":
            _read_assistant(message, path, custom, read)
        else:
            _read_other(message, path, read)
    return read


def _read_assistant(message: Json, path: str, custom: AbstractSet[str], read: Messages) -> None:
    changed, calls = dict(message), message.get("tool_calls")
    blocks = _blocks_of(message)
    if blocks:
        read.has_blocks = True
        kept, made = _split(blocks, path, read)
        changed["content"] = kept
        calls = [*(calls if isinstance(calls, list) else ()), *made]
    if calls == []:
        changed.pop("tool_calls", None)
    elif isinstance(calls, list):
        changed["tool_calls"] = [
            with_bounded_id(
                _restored(_without_index(call, f"{path}.tool_calls[{place}]", read), custom), "id"
            )
            for place, call in enumerate(calls)
        ]
    if changed.get("content") == []:
        changed["content"] = None if changed.get("tool_calls") else ""
    read.add(changed if changed != message else message, path, is_own=not blocks)


def _split(blocks: list[Any], path: str, read: Messages) -> tuple[list[Any], list[Json]]:
    """Return an assistant's parts without its calls and thoughts, and the calls."""
    kept: list[Any] = []
    calls: list[Json] = []
    for index, block in enumerate(blocks):
        kind = block.get("type") if isinstance(block, dict) else None
        if kind == "tool_use":
            arguments = json.dumps(block.get("input", {}), ensure_ascii=False)
            function = {"name": block.get("name"), "arguments": arguments}
            call = {"id": block.get("id"), "type": "function", "function": function}
            calls.append({**call, **beside(block)})
            read.drop_rest(block, f"{path}.content[{index}]")
        elif kind in _THINKING:
            read.dropped.append(f"{path}.content[{index}]")
        else:
            kept.append(block)
    return kept, calls


def _without_index(call: Any, path: str, read: Messages) -> Any:
    """Return a call without the `index` that Cursor has copied from the pieces of a stream."""
    if not isinstance(call, dict) or "index" not in call:
        return call
    read.dropped.append(f"{path}.index")
    return {name: value for name, value in call.items() if name != "index"}


def _restored(call: Any, custom: AbstractSet[str]) -> Any:
    function = call.get("function") if isinstance(call, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if function is None or not isinstance(name, str) or name not in custom:
        return call
    kept = {field: value for field, value in call.items() if field != "function"}
    named = {"name": name, "input": function.get("arguments")}
    return {**kept, "type": "custom", "custom": named}


def _read_other(message: Json, path: str, read: Messages) -> None:
    blocks = _blocks_of(message)
    if not blocks:
        read.add(with_bounded_id(message, "tool_call_id"), path, is_own=True)
        return
    read.has_blocks = True
    others: list[Any] = []
    for index, block in enumerate(blocks):
        place = f"{path}.content[{index}]"
        if isinstance(block, dict) and block.get("type") == "tool_result":
            _add_result(block, place, read)
        else:
            others.append(_part(block, place, read))
    if others:
        read.add({**message, "content": others}, path)


def _add_result(block: Json, path: str, read: Messages) -> None:
    content = block.get("content", "")
    if isinstance(content, list):
        content = [
            _part(part, f"{path}.content[{index}]", read) for index, part in enumerate(content)
        ] or ""
    if block.get("is_error"):
        read.emulated.append(f"{path}.is_error")
        content = _failed(content)
    result = {"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": content}
    read.drop_rest(block, path)
    read.add(with_bounded_id({**result, **beside(block)}, "tool_call_id"), path)


def _failed(content: Any) -> Any:
    """Return a failed result whose text says so: chat has no field for a failure."""
    if not isinstance(content, list):
        return as_failure(content) if isinstance(content, str) else content
    first = content[0].get("text") if isinstance(content[0], dict) else None
    if isinstance(first, str):
        return [{**content[0], "text": as_failure(first)}, *content[1:]]
    return [CHAT.text(as_failure("")), *content]


def _part(block: Any, path: str, read: Messages) -> Any:
    """Return an image in chat's form; anything else stays as it is."""
    source = block.get("source") if isinstance(block, dict) else None
    if not isinstance(source, dict) or block.get("type") != "image":
        return block
    url = source.get("url")
    if source.get("type") == "base64" and "media_type" in source and "data" in source:
        url = data_url(source)
    if not isinstance(url, str):
        return block
    read.drop_rest(block, path)
    return {**CHAT.image(url), **beside(block)}


def _blocks_of(message: Json) -> list[Any]:
    """Return a message's content if it has a block of Anthropic's."""
    content = message.get("content")
    if not isinstance(content, list):
        return []
    has_any = any(isinstance(part, dict) and part.get("type") in _BLOCKS for part in content)
    return content if has_any else []
