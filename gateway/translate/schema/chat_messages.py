"""The check of the messages of a chat request.

Types are those of OpenAI's OpenAPI description (schema `ChatCompletionRequestMessage`).
"""

from collections import abc
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.shapes import Json
from gateway.translate.parts.blank import is_blank
from gateway.translate.schema.checks import (
    Anything,
    Array,
    Check,
    Mapping,
    OneOf,
    Record,
    String,
    StringOr,
)
from gateway.translate.schema.content_parts import MARK, part_of
from gateway.translate.schema.errors import missing, wrong_type
from gateway.translate.schema.native_types import (
    JsonType,
    Objects,
    any_of,
    record_type,
    tagged,
    type_of,
    without_nulls,
)

_STRING = String()
_ROLES = OneOf("developer", "system", "user", "assistant", "tool", "function")

IMAGE_URL = Record({"url": _STRING, "detail": _STRING}, required=("url",))
INPUT_AUDIO = Record({"data": _STRING, "format": _STRING}, required=("data", "format"))
FILE = Record(dict.fromkeys(("filename", "file_data", "file_id"), _STRING))

PARTS: abc.Mapping[str, Record] = {
    "text": Record({**MARK, "text": _STRING}, required=("text",)),
    "refusal": Record({"type": _STRING, "refusal": _STRING}, required=("refusal",)),
    "image_url": Record({**MARK, "image_url": IMAGE_URL}, required=("image_url",)),
    "input_audio": Record({**MARK, "input_audio": INPUT_AUDIO}, required=("input_audio",)),
    "file": Record({**MARK, "file": FILE}, required=("file",)),
}
"""The content parts by type, with all the fields that they may have."""


def _parts(*types: str) -> Array:
    return Array(part_of(PARTS, *types), min_items=1)


def _content(*types: str) -> Check:
    return StringOr(_parts(*types), list, "a string or an array of content parts")


TEXT_PARTS = _parts("text")

FUNCTION_CALL = Record({"name": _STRING, "arguments": _STRING}, required=("name", "arguments"))
CUSTOM_CALL = Record({"name": _STRING, "input": _STRING}, required=("name", "input"))
TOOL_CALL = Record(
    {"id": _STRING, "type": _STRING, "function": FUNCTION_CALL, "custom": CUSTOM_CALL}
)
"""A call, with all the fields that it may have."""


@dataclass(frozen=True, slots=True)
class _ToolCall:
    """A call that the assistant made earlier. The id may be missing: not every server sends one."""

    def accept(self, value: object, param: str) -> Json:
        call: Json = TOOL_CALL.accept(value, param)
        kind = call.get("type", "function")
        if kind in ("function", "custom") and kind not in call:
            raise missing(f"{param}.{kind}")
        return call


@type_of.register
def _(check: _ToolCall) -> JsonType:  # noqa: ARG001
    return tagged(
        {kind: Record(TOOL_CALL.fields, required=(kind,)) for kind in ("function", "custom")}
    )


_HEAD: abc.Mapping[str, Check] = {"role": _STRING, "name": _STRING}
_INSTRUCTION = Record({**_HEAD, "content": _content("text")}, required=("content",))
MESSAGES: abc.Mapping[str, Record] = {
    "developer": _INSTRUCTION,
    "system": _INSTRUCTION,
    "user": Record(
        {**_HEAD, "content": _content("text", "image_url", "input_audio", "file")},
        required=("content",),
    ),
    "assistant": Record(
        {
            **_HEAD,
            "content": _content("text", "refusal"),
            "refusal": _STRING,
            "audio": Mapping(),
            "tool_calls": Array(_ToolCall()),
            "function_call": FUNCTION_CALL,
            # From replies, which clients send back unchanged.
            "annotations": Anything(),
        }
    ),
    "tool": Record(
        # OpenAI's chat takes text only; agents send images nevertheless, and responses take them.
        {**_HEAD, "content": _content("text", "image_url", "file"), "tool_call_id": _STRING},
        required=("content", "tool_call_id"),
    ),
    "function": Record({**_HEAD, "content": _STRING}, required=("name",)),
}
"""The messages by role, with all the fields that they may have."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation: an object with a known role, and the fields of that role."""

    def accept(self, value: object, param: str) -> Json:
        """Return a copy without null and blank fields; raises `InvalidRequest` with the path."""
        if not isinstance(value, dict):
            raise wrong_type(param, "an object", value)
        role = value.get("role")
        if role is None:
            raise missing(f"{param}.role")
        known = MESSAGES.get(role) if isinstance(role, str) else None
        if known is None:
            known = MESSAGES[_ROLES.accept(role, f"{param}.role")]
        message = known.accept(_without_blanks(value), param)
        if role == "assistant" and _CONTENTS.isdisjoint(message):
            # Clients send back empty replies in this form (new-api#4776, kimi-code#3052).
            message["content"] = ""
        return message


_CONTENTS = frozenset({"content", "refusal", "tool_calls", "function_call", "audio"})
_MAY_BE_BLANK: abc.Mapping[str, type] = {
    **dict.fromkeys(("name", "reasoning", "reasoning_content", "refusal", "tool_call_id"), str),
    **dict.fromkeys(("audio", "function_call"), dict),
    "tool_calls": list,
}
_NEEDED: abc.Mapping[str, str] = {"tool": "tool_call_id", "function": "name"}
"""The field that a message of a role must have, even if it is blank."""


def _without_blanks(message: Json) -> Json:
    """Return a message without its blank fields; some programs write every field for every role."""
    role = message.get("role")
    needed = _NEEDED.get(role) if isinstance(role, str) else None
    blank = {
        name
        for name, kind in _MAY_BE_BLANK.items()
        if name in message and is_blank(value := message[name]) and isinstance(value, kind)
    }
    blank.discard(needed)
    if not blank:
        return message
    return {name: value for name, value in message.items() if name not in blank}


def _prepared(messages: list[object]) -> list[Any]:
    """Return messages without null and blank fields; quick, as nearly all messages have none."""
    return [
        _without_blanks(message)
        if type(message) is dict
        and (
            "" in (values := message.values())
            or _EMPTY in values
            or "audio" in message
            or "function_call" in message
        )
        else message
        for message in without_nulls(messages)
    ]


_EMPTY: abc.Sequence[object] = []


class _AssistantFields(msgspec.Struct):
    """An assistant's message, which has at least one of `_CONTENTS`."""

    content: object
    tool_calls: object

    def __post_init__(self) -> None:
        # Messages that have only other contents are rare: they go through the check.
        if self.content is msgspec.UNSET and self.tool_calls is msgspec.UNSET:
            raise ValueError  # `msgspec` makes a `ValidationError` of it.


CONVERSATION = Objects(
    Array(Message(), min_items=1),
    lambda: any_of(
        record_type(
            known,
            ("role", role),
            _AssistantFields if role == "assistant" else msgspec.Struct,
            closed=False,
        )
        for role, known in MESSAGES.items()
    ),
    _prepared,
)
"""The messages of a conversation: at least one."""
