"""What the items of a responses request's `input` must look like.

Types are those of OpenAI's OpenAPI description (schemas `InputItem`, `EasyInputMessage`, `Item`).
"""

from collections import abc
from dataclasses import dataclass
from typing import Any

from gateway.shapes import Json
from gateway.translate.checks import (
    Array,
    Check,
    OneOf,
    Record,
    String,
    missing,
    wrong_type,
)

_ROLES = ("user", "assistant", "system", "developer")

HOSTED_RECORDS = frozenset(
    {
        "code_interpreter_call",
        "file_search_call",
        "image_generation_call",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "mcp_list_tools",
        "tool_search_call",
        "tool_search_output",
        "web_search_call",
    }
)
"""Items that record what a tool hosted by the API did."""

FOREIGN_ITEMS = frozenset(
    {
        "additional_tools",
        "apply_patch_call",
        "apply_patch_call_output",
        "compaction",
        "compaction_trigger",
        "computer_call",
        "computer_call_output",
        "local_shell_call",
        "local_shell_call_output",
        "program",
        "program_output",
        "shell_call",
        "shell_call_output",
    }
)
"""Items that only the responses API has: calls of its own tools, and its compaction."""


@dataclass(frozen=True, slots=True)
class StringOr:
    """A string, or whatever passes another check; `expected` names both, with an article."""

    other: Check
    kind: type
    expected: str

    def accept(self, value: object, param: str) -> Any:
        """Return the string, or the checked value; raises `InvalidRequest`."""
        if isinstance(value, str):
            return value
        if not isinstance(value, self.kind):
            raise wrong_type(param, self.expected, value)
        return self.other.accept(value, param)


_STRINGS: abc.Mapping[str, Check] = {
    "detail": String(),
    "file_data": String(),
    "file_id": String(),
    "file_url": String(),
    "filename": String(),
    "image_url": String(),
}
_PARTS: abc.Mapping[str, Check] = {
    "input_text": Record({"text": String()}, required=("text",)),
    "input_image": Record(_STRINGS),
    "input_file": Record(_STRINGS),
    "output_text": Record({"text": String()}, required=("text",)),
    "text": Record({"text": String()}, required=("text",)),
    "refusal": Record({"refusal": String()}, required=("refusal",)),
}
_INPUT_PARTS = ("input_text", "input_image", "input_file", "output_text", "text")
_ASSISTANT_PARTS = ("output_text", "refusal", "input_text", "text")
# Text is text: the description lets an assistant's message have `input_text` too, and clients
# that keep one list of messages for all endpoints send the other kinds in any role.


@dataclass(frozen=True, slots=True)
class _Part:
    """A content part of one of the types that its place allows."""

    typed: Record

    def accept(self, value: object, param: str) -> Json:
        part: Json = self.typed.accept(value, param)
        checked: Json = _PARTS[part["type"]].accept(part, param)
        return checked


def _text_or_parts(*types: str) -> Check:
    part = _Part(Record({"type": OneOf(*types)}, required=("type",)))
    return StringOr(Array(part), list, "a string or an array of content parts")


_CONTENT = {
    role: _text_or_parts(*(_ASSISTANT_PARTS if role == "assistant" else _INPUT_PARTS))
    for role in _ROLES
}
_TEXTS = Array(Record({"text": String()}, required=("text",)))
_CALL_OUTPUT = Record(
    {"call_id": String(), "output": _text_or_parts(*_INPUT_PARTS)}, required=("call_id", "output")
)
_ITEMS: abc.Mapping[str, Check] = {
    "function_call": Record(
        {"call_id": String(), "name": String(), "arguments": String(), "namespace": String()},
        required=("call_id", "name", "arguments"),
    ),
    "custom_tool_call": Record(
        {"call_id": String(), "name": String(), "input": String(), "namespace": String()},
        required=("call_id", "name", "input"),
    ),
    "function_call_output": _CALL_OUTPUT,
    "custom_tool_call_output": _CALL_OUTPUT,
    # `summary` is required, but clients that replay another server's items omit it.
    "reasoning": Record({"summary": _TEXTS, "content": _TEXTS, "encrypted_content": String()}),
    "item_reference": Record({"id": String()}, required=("id",)),
}
_OBJECT = Record({})
_MESSAGE = Record({"role": OneOf(*_ROLES)}, required=("role", "content"))
_KNOWN_TYPES = OneOf("message", *_ITEMS, *sorted(HOSTED_RECORDS), *sorted(FOREIGN_ITEMS))


@dataclass(frozen=True, slots=True)
class Item:
    """One item of `input`; afterwards it has a `type` in any case.

    Without one, an object with a `role` is a message and one with an `id` a reference, as in
    OpenAI's description. Of items that belong to hosted tools only the type is checked.
    """

    def accept(self, value: object, param: str) -> Json:
        """Return a copy without null fields; raises `InvalidRequest` with the path of the fault."""
        item: Json = _OBJECT.accept(value, param)
        kind = _KNOWN_TYPES.accept(item.get("type", _implied_type(item, param)), f"{param}.type")
        item["type"] = kind
        if kind == "message":
            return _message(item, param)
        if kind in _ITEMS:
            item = _ITEMS[kind].accept(item, param)
        return item


def _implied_type(item: Json, param: str) -> str | None:
    if "type" in item:
        return None
    if "role" in item:
        return "message"
    if "id" in item:
        return "item_reference"
    raise missing(f"{param}.type")


def _message(item: Json, param: str) -> Json:
    item = _MESSAGE.accept(item, param)
    content = _CONTENT[item["role"]].accept(item["content"], f"{param}.content")
    return {**item, "content": content}
