"""The chat messages that a responses request becomes, in the order that chat demands."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.shapes import Json
from gateway.translate.parts.content.parts import Spoken
from gateway.translate.responses_via_chat.deltas.carried import (
    TEXT_FIELDS,
    is_given_back,
    merge,
)
from gateway.translate.responses_via_chat.input.returned import Returned

SYSTEM_ROLES = ("system", "developer")

_TOOL_CALL = re.compile(r"\.tool_calls\[([0-9]{1,6})\](.*)", re.DOTALL)
_FUNCTION = re.compile(r"\.(?:function|custom)(?:\.(\w+))?")
_FIELD = re.compile(r"\.(\w+)(.*)", re.DOTALL)
_OUTPUT_FIELDS = {"content": "output", "tool_call_id": "call_id"}


class Origin(Protocol):
    """What a chat message came from."""

    def client_path(self, rest: str) -> str:
        """Return the client's path of what the upstream calls `messages[i]` + `rest`."""


@dataclass(slots=True)
class Call:
    """One call in an assistant's message, and its output once that has come: a message's origin."""

    tool_call: Json
    path: str
    fields: Mapping[str, str]
    """The fields of the chat call's function, and those of the client's item that they are of."""
    output: Json | None = None
    output_path: str = ""
    attachments: list[tuple[Json, str]] = field(default_factory=list)
    """Chat parts of the output that a tool's message cannot hold, with the client's paths."""

    def call_path(self, rest: str) -> str:
        """Return the client's path of what the upstream calls `tool_calls[k]` + `rest`."""
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


@dataclass(slots=True)
class Turn:
    """One chat message, with the client's path of the first item that it came from."""

    message: Json
    path: str
    calls: list[Call] = field(default_factory=list)
    said: str = ""
    """The path of the first item with what it says; empty: what it says is no item's content."""
    thoughts: list[str] = field(default_factory=list)
    """The paths of the items with its reasoning."""
    goes_on: bool = False
    """Whether the text that comes next goes on with its own."""

    @property
    def says_something(self) -> bool:
        """Whether it holds more than reasoning."""
        said = self.message["content"] is not None or "refusal" in self.message
        return bool(self.calls) or said

    def ends_before(self, said: Spoken, *, apart: bool) -> bool:
        """Whether what is said next is another message's; `apart`: the server takes several."""
        if self.calls:
            return True
        has_spoken = bool(self.message["content"] or self.message.get("refusal"))
        return apart and has_spoken and not self.goes_on and any((*said.texts, *said.refusals))

    def ends_before_thought(self, back: Returned, *, apart: bool) -> bool:
        """Whether reasoning that comes next is another message's."""
        is_another = back.has_text and self.says_something and not back.goes_on
        return is_another and (apart or bool(self.calls))

    def say(self, said: Spoken, *, in_parts: bool) -> None:
        """Take what one message says. `in_parts`: several texts stay parts of the content.

        Else parts become lines, and what another message has said stays a paragraph of its own.
        """
        texts = [text for text in said.texts if text]
        content = self.message["content"]
        if self.goes_on and content:
            self.message["content"] = _continued(content, "\n".join(texts))
        elif in_parts and len(texts) > 1:
            self.message["content"] = [{"type": "text", "text": text} for text in texts]
        elif texts or (content is None and not said.refusals):
            self.message["content"] = _paragraphs(content, texts)
        if said.refusals:
            self.message["refusal"] = _paragraphs(self.message.get("refusal"), said.refusals)
        self.goes_on = False

    def think(self, back: Returned, path: str) -> None:
        """Take reasoning. That of another reply stays a paragraph of its own."""
        fields = back.message
        if not back.goes_on:
            fields = {
                name: f"\n\n{value}"
                if name in TEXT_FIELDS and isinstance(value, str) and name in self.message
                else value
                for name, value in fields.items()
            }
        merge(self.message, fields)
        self.thoughts.append(path)

    def client_path(self, rest: str) -> str:
        """Return the client's path of a field of the message."""
        called, named = _TOOL_CALL.match(rest), _FIELD.match(rest)
        if called is not None and int(called[1]) < len(self.calls):
            return self.calls[int(called[1])].call_path(called[2])
        name = "" if named is None else named[1]
        if name == "tool_calls":
            return self.calls[0].path if self.calls else self.path
        if is_given_back(name) or (rest.startswith(".content[0]") and self._opens_with_thought()):
            return self.thoughts[0] if self.thoughts else self.path
        if named is None or not self.said:
            return self.path
        if name in ("content", "refusal") and self.message["role"] == "assistant":
            # Its texts have become one, or parts without those that say nothing.
            return f"{self.said}.content"
        return f"{self.said}.{name}{_below_content(named[2])}"

    def _opens_with_thought(self) -> bool:
        content = self.message["content"]
        return isinstance(content, list) and bool(content) and content[0]["type"] == "thinking"


def _continued(content: str | list[Json], text: str) -> str | list[Json]:
    if isinstance(content, str):
        return content + text
    return [*content[:-1], {**content[-1], "text": content[-1]["text"] + text}]


def _paragraphs(before: str | None, lines: Sequence[str]) -> str:
    return "\n\n".join(text for text in (before, "\n".join(lines)) if text)


@dataclass(slots=True)
class Attachments:
    """The origin of a message with parts of outputs."""

    paths: Sequence[str]

    def client_path(self, rest: str) -> str:
        """Return the client's path of a part; of the whole message that of the first one."""
        for position, path in enumerate(self.paths):
            below = rest.removeprefix(f".content[{position}]")
            if below != rest:
                return path + _below_content(below)
        return self.paths[0]


def _below_content(rest: str) -> str:
    """Return the path of a content part's field, which the responses do not nest."""
    return (
        rest.replace(".image_url.url", ".image_url")
        .replace(".image_url.detail", ".detail")
        .replace(".file.", ".")
        .removesuffix(".file")
    )
