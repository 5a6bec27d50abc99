"""The check of the content blocks of a messages request.

Types are those of Anthropic's Python SDK (2.14.0, generated from their OpenAPI description).
"""

from collections import abc
from dataclasses import dataclass
from typing import Annotated

import msgspec

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.schema.checks import (
    Anything,
    Array,
    Boolean,
    Check,
    Mapping,
    OneOf,
    Record,
    String,
    StringOr,
)
from gateway.translate.schema.errors import missing
from gateway.translate.schema.messages_tools import Tool
from gateway.translate.schema.native_types import JsonType, tagged, type_of

_STRING = String()
_HEAD: abc.Mapping[str, Check] = {"type": _STRING, "cache_control": Anything()}
_CALL: abc.Mapping[str, Check] = {**_HEAD, "caller": Anything(), "toolset_name": Anything()}
_STRINGS_OR_BLOCKS = "a string or an array of content blocks"


@dataclass(frozen=True, slots=True)
class _Text:
    """The text of a block in a document or a search result, which may not be empty."""

    def accept(self, value: object, param: str) -> str:
        text = _STRING.accept(value, param)
        if not text:
            raise InvalidRequest(
                f"Invalid '{param}': text content blocks must be non-empty. Remove the block.",
                param=param,
                code="invalid_value",
            )
        return text


@dataclass(frozen=True, slots=True)
class _Typed:
    """An object of one of a few types, each with its fields."""

    types: abc.Mapping[str, Record]
    head: Record

    def accept(self, value: object, param: str) -> Json:
        kind = value.get("type") if isinstance(value, dict) else None
        known = self.types.get(kind) if isinstance(kind, str) else None
        if known is None:
            known = self.types[self.head.accept(value, param)["type"]]
        return known.accept(value, param)


@type_of.register
def _(check: _Typed) -> JsonType:
    return tagged(check.types)


@type_of.register
def _(check: _Text) -> JsonType:  # noqa: ARG001
    return Annotated[str, msgspec.Meta(min_length=1)]


def _typed(types: abc.Mapping[str, Record]) -> Check:
    return _Typed(types, Record({"type": OneOf(*types)}, required=("type",)))


def _blocks(types: abc.Collection[str]) -> Check:
    return Array(_typed({name: BLOCKS[name] for name in types}))


def _content(types: abc.Collection[str]) -> Check:
    return StringOr(_blocks(types), list, _STRINGS_OR_BLOCKS)


IMAGE_SOURCES: abc.Mapping[str, Record] = {
    "base64": Record(
        {
            "type": _STRING,
            "media_type": OneOf("image/jpeg", "image/png", "image/gif", "image/webp"),
            "data": _STRING,
        },
        required=("media_type", "data"),
    ),
    "url": Record({"type": _STRING, "url": _STRING}, required=("url",)),
    "file": Record({"type": _STRING, "file_id": _STRING}, required=("file_id",)),
}
"""The sources of an image by type, with all the fields that they may have."""

_TEXT = Record({**_HEAD, "text": _Text(), "citations": Anything()}, required=("text",))
_SAID_TEXT = Record({**_HEAD, "text": _STRING, "citations": Anything()}, required=("text",))
_IMAGE = Record(
    {**_HEAD, "source": _typed(IMAGE_SOURCES), "transformations": Anything()}, required=("source",)
)

DOCUMENT_SOURCES: abc.Mapping[str, Record] = {
    "base64": Record(
        {"type": _STRING, "media_type": _STRING, "data": _STRING}, required=("media_type", "data")
    ),
    "text": Record({"type": _STRING, "media_type": _STRING, "data": _STRING}, required=("data",)),
    "content": Record(
        {
            "type": _STRING,
            "content": StringOr(
                Array(_typed({"text": _TEXT, "image": _IMAGE})), list, _STRINGS_OR_BLOCKS
            ),
        },
        required=("content",),
    ),
    "url": IMAGE_SOURCES["url"],
    "file": IMAGE_SOURCES["file"],
}
"""The sources of a document by type, with all the fields that they may have."""

_SEARCH_RESULT = Record(
    {
        **_HEAD,
        "source": _STRING,
        "title": _STRING,
        "content": Array(_typed({"text": _TEXT})),
        "citations": Anything(),
    },
    required=("source", "title", "content"),
)
_DOCUMENT = Record(
    {
        **_HEAD,
        "source": _typed(DOCUMENT_SOURCES),
        "title": _STRING,
        "context": _STRING,
        "citations": Anything(),
    },
    required=("source",),
)
_RESULT_BLOCKS: abc.Mapping[str, Record] = {
    "text": _SAID_TEXT,
    "image": _IMAGE,
    "document": _DOCUMENT,
    "search_result": _SEARCH_RESULT,
    "tool_reference": Record({**_HEAD, "tool_name": _STRING}, required=("tool_name",)),
    "browser_state": Record(_HEAD),
}


@dataclass(frozen=True, slots=True)
class _ChangedTool:
    """The tool that is added or removed, by name or with its definition."""

    def accept(self, value: object, param: str) -> Json:
        tool: Json = _TOOL.accept(value, param)
        if tool["type"] == "tool_definition":
            tool["definition"] = Tool().accept(tool.get("definition"), f"{param}.definition")
        elif tool["type"] == "tool_reference" and "name" not in tool:
            raise missing(f"{param}.name")
        return tool


_TOOL = Record({"type": _STRING, "name": _STRING}, required=("type",))
CHANGED_TOOLS: abc.Mapping[str, Record] = {
    "tool_reference": Record({"type": _STRING, "name": _STRING}),
    "tool_definition": Record({"type": _STRING, "definition": Anything()}),
}
"""The forms of an added or removed tool that any model can call, with all the fields that they may
have."""

TOOL_CHANGES: abc.Mapping[str, Record] = dict.fromkeys(
    ("tool_addition", "tool_removal"),
    Record({**_HEAD, "tool": _ChangedTool()}, required=("tool",)),
)
"""The blocks that change which tools there are, for the conversation after them."""

OF_SERVER_TOOLS = (
    "advisor_tool_result",
    "bash_code_execution_tool_result",
    "code_execution_tool_result",
    "fallback",
    "mcp_tool_listing",
    "mcp_tool_result",
    "mcp_tool_use",
    "server_tool_use",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
    "web_fetch_tool_result",
    "web_search_tool_result",
)
"""The blocks that record what Anthropic's own tools have done; only their type is checked."""


BLOCKS: abc.Mapping[str, Record] = {
    **_RESULT_BLOCKS,
    "thinking": Record(
        # The signature is optional: only Anthropic's servers sign.
        {"type": _STRING, "thinking": _STRING, "signature": _STRING},
        required=("thinking",),
    ),
    "redacted_thinking": Record({"type": _STRING, "data": _STRING}, required=("data",)),
    "tool_use": Record(
        {**_CALL, "id": _STRING, "name": _STRING, "input": Mapping()},
        required=("id", "name", "input"),
    ),
    "tool_result": Record(
        {
            **_CALL,
            "tool_use_id": _STRING,
            "content": StringOr(Array(_typed(_RESULT_BLOCKS)), list, _STRINGS_OR_BLOCKS),
            "is_error": Boolean(),
        },
        required=("tool_use_id",),
    ),
    "container_upload": Record({**_HEAD, "file_id": _STRING}),
    "compaction": Record(
        {**_HEAD, "content": _STRING, "tool_changes": Array(_typed(TOOL_CHANGES))}
    ),
    **TOOL_CHANGES,
    **dict.fromkeys(OF_SERVER_TOOLS, Record({"type": _STRING})),
}
"""The content blocks by type, with all the fields that they may have."""

SYSTEM = _content(("text",))
"""The content of the top-level `system`."""

_OF_USER = (
    *("text", "image", "document", "search_result", "tool_result", "container_upload"),
    *TOOL_CHANGES,
)
_OF_ASSISTANT = (
    "text",
    "thinking",
    "redacted_thinking",
    "tool_use",
    # Version 2023-06-01 of the API takes it.
    "document",
    "compaction",
    *OF_SERVER_TOOLS,
)
_CONTENTS = {
    "user": _content(_OF_USER),
    "assistant": _content(_OF_ASSISTANT),
    "system": _content(("text", *TOOL_CHANGES)),
}

MESSAGE = Record({"role": _STRING, "content": Anything()}, required=("role", "content"))
"""A message; what its content may be depends on its role."""

SYSTEM_CONFIG = Record({"effort": _STRING})
"""The `output_config` of a system message, with all the fields that it may have."""

SYSTEM_MESSAGE = Record(
    {**MESSAGE.fields, "clear_at": _STRING, "output_config": SYSTEM_CONFIG}, required=("role",)
)
"""A system message, which may be without content if it sets an effort."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation; with an unknown role it may have what a user's message may."""

    def accept(self, value: object, param: str) -> Json:
        """Return a copy without null fields; raises `InvalidRequest` with the path of the fault."""
        is_system = isinstance(value, dict) and value.get("role") == "system"
        message: Json = (SYSTEM_MESSAGE if is_system else MESSAGE).accept(value, param)
        if not message["role"]:
            raise missing(f"{param}.role")
        if "content" not in message and not message.get("output_config"):
            raise missing(f"{param}.content")
        content = _CONTENTS.get(message["role"], _CONTENTS["user"])
        message["content"] = content.accept(message.get("content", []), f"{param}.content")
        return message


CONVERSED: abc.Mapping[str, Record] = {
    **{
        role: Record({**MESSAGE.fields, "content": _CONTENTS[role]}, MESSAGE.required)
        for role in ("user", "assistant")
    },
    "system": Record({**SYSTEM_MESSAGE.fields, "content": _CONTENTS["system"]}, MESSAGE.required),
}
"""The messages of the known roles, with all the fields that they may have."""
