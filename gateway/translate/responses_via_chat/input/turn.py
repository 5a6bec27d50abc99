"""Chat messages of a responses request, and the client's paths of their fields."""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

import msgspec

from gateway.shapes import Json
from gateway.translate.parts.content.parts import AssistantTexts
from gateway.translate.responses_via_chat.deltas.reasoning_fields import (
    TEXT_FIELDS,
    is_given_back,
    merge,
)
from gateway.translate.responses_via_chat.input.returned import ReturnedReasoning

SYSTEM_ROLES = ("system", "developer")

_TOOL_CALL = re.compile(r"\.tool_calls\[([0-9]{1,6})\](.*)", re.DOTALL)
_FUNCTION = re.compile(r"\.(?:function|custom)(?:\.(\w+))?")
_FIELD = re.compile(r"\.(\w+)(.*)", re.DOTALL)
_OUTPUT_FIELDS = {"content": "output", "tool_call_id": "call_id"}


class Origin(Protocol):
    """The source of a chat message in the client's request."""

    def client_path(self, rest: str) -> str:
        """Return the client's path for the upstream's `messages[i]` followed by `rest`."""


class Call(msgspec.Struct, gc=False):
    """One call of an assistant message, and its output with its source, once that has come."""

    tool_call: Json
    path: str
    fields: Mapping[str, str]
    """The field of the client's item for each field of the chat call's function."""
    output: Json | None = None
    output_path: str = ""
    attachments: Sequence[tuple[Json, str]] = ()
    """Parts of the output that a tool message cannot hold, with the client's paths."""

    def call_path(self, rest: str) -> str:
        """Return the client's path for the upstream's `tool_calls[k]` followed by `rest`."""
        inner = _FUNCTION.match(rest)
        if inner is None:
            return f"{self.path}.call_id" if rest == ".id" else self.path + rest
        name = self.fields.get(inner[1])
        return self.path if name is None else f"{self.path}.{name}"

    def client_path(self, rest: str) -> str:
        """Return the client's path of a field of the output's message."""
        named = _FIELD.match(rest)
        if named is None or named[1] == "role":
            return self.output_path
        name = _OUTPUT_FIELDS.get(named[1], named[1])
        return f"{self.output_path}.{name}{_below_content(named[2])}"


class Turn(msgspec.Struct, gc=False):
    """One chat message, with the client's path of its first item."""

    message: Json
    path: str
    calls: list[Call] = []
    text_path: str = ""
    """The path of the first item with the message's text; empty: the text is no item's content."""
    reasoning_paths: list[str] = []
    """The paths of the items with the message's reasoning."""
    goes_on: bool = False
    """Whether the next text continues the text of this message."""

    @property
    def has_content(self) -> bool:
        """Whether the message has more than reasoning."""
        has_text = self.message["content"] is not None or "refusal" in self.message
        return bool(self.calls) or has_text

    @property
    def waits(self) -> bool:
        """Whether one of the calls has no output yet."""
        return any(call.output is None for call in self.calls)

    def ends_before(self, content: AssistantTexts, *, in_a_row: bool) -> bool:
        """Whether the next text begins a new message.

        `in_a_row`: the server takes several assistant messages in a row.
        """
        if self.calls:
            return True
        has_text = bool(self.message["content"] or self.message.get("refusal"))
        if not (in_a_row and has_text) or self.goes_on:
            return False
        return any(content.texts) or any(content.refusals)

    def ends_before_reasoning(self, back: ReturnedReasoning, *, in_a_row: bool) -> bool:
        """Whether the next reasoning begins a new message; for `in_a_row` see `ends_before`."""
        is_another = back.has_text and self.has_content and not back.goes_on
        return is_another and (in_a_row or bool(self.calls))

    def add_text(self, new: AssistantTexts, *, in_parts: bool) -> None:
        """Add the content of one message item. `in_parts`: several texts stay separate parts.

        Otherwise the parts become lines, and each message item becomes a paragraph.
        """
        texts = [text for text in new.texts if text]
        content = self.message["content"]
        if self.goes_on and content:
            self.message["content"] = _continued(content, "\n".join(texts))
        elif in_parts and len(texts) > 1:
            self.message["content"] = [{"type": "text", "text": text} for text in texts]
        elif texts or (content is None and not new.refusals):
            self.message["content"] = _paragraphs(content, texts)
        if new.refusals:
            self.message["refusal"] = _paragraphs(self.message.get("refusal"), new.refusals)
        self.goes_on = False

    def take_text(self, behind: "Turn") -> None:
        """Add the text of a message without calls, as a paragraph or as further parts."""
        message, more = self.message, behind.message
        before, text = message["content"], more["content"]
        if isinstance(before, list) or isinstance(text, list):
            message["content"] = [*_parts(before), *_parts(text)]
        elif text:
            message["content"] = _paragraphs(before, [text])
        if "refusal" in message and "refusal" in more:
            message["refusal"] = _paragraphs(message["refusal"], [more["refusal"]])
        for name, value in more.items():
            message.setdefault(name, value)
        self.text_path = self.text_path or behind.text_path

    def add_reasoning(self, back: ReturnedReasoning, path: str) -> None:
        """Add reasoning; reasoning of another reply becomes a paragraph of its own."""
        fields = back.message
        if not back.goes_on:
            fields = {
                name: f"\n\n{value}"
                if name in TEXT_FIELDS and isinstance(value, str) and name in self.message
                else value
                for name, value in fields.items()
            }
        merge(self.message, fields)
        self.reasoning_paths.append(path)

    def client_path(self, rest: str) -> str:
        """Return the client's path of a field of the message."""
        called, named = _TOOL_CALL.match(rest), _FIELD.match(rest)
        if called is not None and int(called[1]) < len(self.calls):
            return self.calls[int(called[1])].call_path(called[2])
        name = "" if named is None else named[1]
        if name == "tool_calls":
            return self.calls[0].path if self.calls else self.path
        in_reasoning = rest.startswith(".content[0]") and self._begins_with_reasoning()
        if is_given_back(name) or in_reasoning:
            return self.reasoning_paths[0] if self.reasoning_paths else self.path
        if named is None or not self.text_path:
            return self.path
        if name in ("content", "refusal") and self.message["role"] == "assistant":
            # The texts were joined, or are parts without the empty ones: indexes differ.
            return f"{self.text_path}.content"
        return f"{self.text_path}.{name}{_below_content(named[2])}"

    def _begins_with_reasoning(self) -> bool:
        content = self.message["content"]
        return isinstance(content, list) and bool(content) and content[0]["type"] == "thinking"


def _continued(content: str | list[Json], text: str) -> str | list[Json]:
    if isinstance(content, str):
        return content + text
    return [*content[:-1], {**content[-1], "text": content[-1]["text"] + text}]


def _parts(content: str | list[Json] | None) -> list[Json]:
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if content else []


def _paragraphs(before: str | None, lines: Sequence[str]) -> str:
    if not before:
        return "\n".join(lines)
    return "\n\n".join(text for text in (before, "\n".join(lines)) if text)


@dataclass(slots=True)
class Attachments:
    """The origin of a user message with parts of tool outputs."""

    paths: Sequence[str]
    texts: AbstractSet[str] = frozenset()
    """The paths of texts that are strings in the client's request, and so have no fields."""

    def client_path(self, rest: str) -> str:
        """Return the client's path of a part; for the whole message, the path of its first part."""
        for position, path in enumerate(self.paths):
            below = rest.removeprefix(f".content[{position}]")
            if below != rest:
                return path if path in self.texts else path + _below_content(below)
        return self.paths[0]


def _below_content(rest: str) -> str:
    """Return the path of a field of a content part, without the nesting of chat."""
    return (
        rest.replace(".image_url.url", ".image_url")
        .replace(".image_url.detail", ".detail")
        .replace(".file.", ".")
        .removesuffix(".file")
    )
