"""The content blocks that /v1/messages takes, by role (the types of `anthropic` 2.14.0)."""

import base64
from collections.abc import Collection, Mapping

from gateway.demo.refusals.messages import invalid
from gateway.demo.rules import messages_checks as checks
from gateway.demo.rules.checks import Check, nullable, string_or
from gateway.demo.rules.messages_checks import (
    anything,
    array,
    mapping,
    pattern,
    record,
    string,
    tagged,
    word,
)

CACHE = nullable(record({"type": word("ephemeral")}, {"ttl": word("5m", "1h")}))
"""A breakpoint of the prompt cache."""
_HEAD: Mapping[str, Check] = {"type": string}
_CACHED: Mapping[str, Check] = {"cache_control": CACHE}
_CITATIONS = nullable(record({}, {"enabled": checks.boolean}))
_TOOL_ID = pattern("^[a-zA-Z0-9_-]+$")
_CALL: Mapping[str, Check] = {**_CACHED, "caller": mapping, "toolset_name": nullable(string)}


def _encoded(path: str, value: object) -> None:
    string(path, value)
    try:
        base64.b64decode(str(value), validate=True)
    except ValueError:
        raise invalid(f"{path}: Invalid base64 data") from None


def _text(path: str, value: object) -> None:
    string(path, value)
    if value == "":
        raise invalid("messages: text content blocks must be non-empty")


def _source(*media_types: str, **more: Check) -> Check:
    encoded = record({**_HEAD, "media_type": word(*media_types), "data": _encoded})
    return tagged(
        {
            "base64": encoded,
            "url": record({**_HEAD, "url": string}),
            "file": record({**_HEAD, "file_id": string}),
            **more,
        }
    )


_IMAGE = record(
    {**_HEAD, "source": _source("image/jpeg", "image/png", "image/gif", "image/webp")},
    {**_CACHED, "transformations": nullable(mapping)},
)
_TEXT = record({**_HEAD, "text": _text}, {**_CACHED, "citations": nullable(array(mapping))})
_DOCUMENT = record(
    {
        **_HEAD,
        "source": _source(
            "application/pdf",
            text=record({**_HEAD, "media_type": word("text/plain"), "data": string}),
            content=record(
                {
                    **_HEAD,
                    "content": string_or(array(tagged({"text": _TEXT, "image": _IMAGE}))),
                }
            ),
        ),
    },
    {
        **_CACHED,
        "title": nullable(string),
        "context": nullable(string),
        "citations": _CITATIONS,
    },
)
_SEARCH_RESULT = record(
    {**_HEAD, "source": string, "title": string, "content": array(tagged({"text": _TEXT}))},
    {**_CACHED, "citations": _CITATIONS},
)
_RESULT_CONTENT = tagged(
    {
        "text": _TEXT,
        "image": _IMAGE,
        "document": _DOCUMENT,
        "search_result": _SEARCH_RESULT,
        "tool_reference": record({**_HEAD, "tool_name": string}, _CACHED),
    }
)
_SERVERS_OWN = (
    "server_tool_use",
    "web_search_tool_result",
    "web_fetch_tool_result",
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
)
_BLOCKS: Mapping[str, Check] = {
    "text": _TEXT,
    "image": _IMAGE,
    "document": _DOCUMENT,
    "search_result": _SEARCH_RESULT,
    "thinking": record({**_HEAD, "thinking": string, "signature": string}),
    "redacted_thinking": record({**_HEAD, "data": string}),
    "tool_use": record({**_HEAD, "id": _TOOL_ID, "name": string, "input": mapping}, _CALL),
    "tool_result": record(
        {**_HEAD, "tool_use_id": _TOOL_ID},
        {
            **_CACHED,
            "content": string_or(array(_RESULT_CONTENT)),
            "is_error": checks.boolean,
            "toolset_name": nullable(string),
        },
    ),
    **dict.fromkeys((*_SERVERS_OWN, "container_upload"), anything),
}
_OF_USERS = ("text", "image", "document", "search_result", "tool_result", "container_upload")
_OF_ASSISTANTS = ("text", "thinking", "redacted_thinking", "tool_use", *_SERVERS_OWN)


def _content(types: Collection[str]) -> Check:
    return string_or(array(tagged({name: _BLOCKS[name] for name in types}, in_path=True)))


_CONTENT: Mapping[str, Check] = {
    "user": _content(_OF_USERS),
    "assistant": _content(_OF_ASSISTANTS),
    "system": _content(("text",)),
}
SYSTEM = string_or(array(tagged({"text": _TEXT})))
"""The prompt of the system."""


def message(path: str, value: object) -> None:
    """Accept one message of any role; raises `Refused`."""
    role = checks.object_at(path, value).get("role")
    if role is not None and role not in _CONTENT:
        raise invalid(f"{path}.role: Input should be 'user', 'assistant' or 'system'")
    content = _CONTENT.get(str(role), anything)
    record({"role": string, "content": content})(path, value)
