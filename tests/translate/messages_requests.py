"""Requests of messages clients: one of Claude Code's, and one with everything that there is."""

from gateway.shapes import Json

PDF = "data:application/pdf;base64,JVBERi0="
PNG = {"type": "base64", "media_type": "image/png", "data": "iVBORw0="}

CLAUDE_CODE: Json = {
    "model": "gpt-5.4",
    "max_tokens": 32000,
    "stream": True,
    "thinking": {"type": "adaptive", "display": "omitted"},
    "output_config": {"effort": "high"},
    "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    "metadata": {"user_id": '{"device_id":"d","account_uuid":"","session_id":"s-1"}'},
    "system": [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.332.188; cc=sdk-cli;"},
        {"type": "text", "text": "You are an agent.", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "Use tools.", "cache_control": {"type": "ephemeral"}},
    ],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "<system-reminder>Today.</system-reminder>"},
                {"type": "text", "text": "Say OK"},
            ],
        },
        {
            "role": "system",
            "content": [
                {"type": "text", "text": "# Environment", "cache_control": {"type": "ephemeral"}}
            ],
        },
    ],
    "tools": [
        {
            "name": "Bash",
            "description": "Runs a command.",
            "input_schema": {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "type": "object",
                "properties": {"command": {"type": "string"}, "timeout": {"type": "number"}},
                "required": ["command"],
                "additionalProperties": False,
            },
        },
        {
            "name": "DeferredToolPlaceholder",
            "description": "Later.",
            "input_schema": {"type": "object", "properties": {}},
            "defer_loading": True,
        },
    ],
}
"""The first request of Claude Code 2.1.332, with shorter texts."""

TOOL_TURN: list[Json] = [
    {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": "", "signature": "gw1."},
            {"type": "text", "text": "Let me look."},
            {"type": "tool_use", "id": "call_1", "name": "Bash", "input": {"command": "echo hi"}},
            {"type": "tool_use", "id": "call_2", "name": "Bash", "input": {"command": "false"}},
        ],
    },
    {
        "role": "user",
        "content": [
            {
                "type": "tool_result",
                "tool_use_id": "call_1",
                "content": "hi",
                "is_error": False,
            },
            {
                "type": "tool_result",
                "tool_use_id": "call_2",
                "content": "Exit code 1",
                "is_error": True,
                "cache_control": {"type": "ephemeral"},
            },
        ],
    },
]
"""What Claude Code appends after two parallel calls."""


def asked(*messages: Json, **parameters: object) -> Json:
    """Return a request with these messages: one of the user's, where there are none."""
    given = list(messages) or [user("Hello")]
    return {"model": "asked", "max_tokens": 100, "messages": given, **parameters}


def user(*blocks: Json | str) -> Json:
    """Return a message of the user: a text, or blocks."""
    return _message("user", blocks)


def assistant(*blocks: Json | str) -> Json:
    """Return a message of the assistant: a text, or blocks."""
    return _message("assistant", blocks)


def system(*blocks: Json | str) -> Json:
    """Return a system message within a conversation: a text, or blocks."""
    return _message("system", blocks)


def _message(role: str, blocks: tuple[Json | str, ...]) -> Json:
    if len(blocks) == 1 and isinstance(blocks[0], str):
        return {"role": role, "content": blocks[0]}
    return {
        "role": role,
        "content": [text(each) if isinstance(each, str) else each for each in blocks],
    }


def text(words: str, **fields: object) -> Json:
    """Return a text block."""
    return {"type": "text", "text": words, **fields}


def use(call_id: str, name: str = "f", **given: object) -> Json:
    """Return a call with these arguments."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": given}


def result(call_id: str, content: object = "ok", **fields: object) -> Json:
    """Return the result of a call; None: without content."""
    block = {"type": "tool_result", "tool_use_id": call_id, "content": content, **fields}
    return {name: value for name, value in block.items() if value is not None}


def tool(name: str, schema: Json | None = None, **fields: object) -> Json:
    """Return a tool with the client's own schema."""
    return {"name": name, "input_schema": schema or {"type": "object"}, **fields}


def image(source: Json | None = None) -> Json:
    """Return an image block."""
    return {"type": "image", "source": source or PNG}


def pdf(**fields: object) -> Json:
    """Return a document block with a PDF in it."""
    source = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
    return {"type": "document", "source": source, **fields}


def added(name: str | None = None, **fields: object) -> Json:
    """Return a block that adds a tool: by its name, by its `definition`, or by these fields."""
    return {"type": "tool_addition", "tool": _changed(name, fields)}


def removed(name: str | None = None, **fields: object) -> Json:
    """Return a block that removes a tool."""
    return {"type": "tool_removal", "tool": _changed(name, fields)}


def _changed(name: str | None, fields: Json) -> Json:
    named: Json = {} if name is None else {"name": name}
    kind = "tool_definition" if "definition" in fields and name is None else "tool_reference"
    return {"type": kind, **named, **fields}
