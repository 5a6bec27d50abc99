"""Calls of tools and their results as blocks of messages, from those of OpenAI's endpoints."""

from collections.abc import Mapping, Sequence

import msgspec

from gateway.envelopes.upstream_json import NOT_JSON
from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.parts.to_messages.conversation import Block, content_of, safe_tool_id
from gateway.translate.parts.tools.argument_values import value_of
from gateway.translate.stream.messages_blocks import text_input


def tool_use(call_id: str, name: str, arguments: str, param: str) -> Json:
    """Return a call as a block; its `arguments` are the text of a JSON object, or blank.

    Raises `InvalidRequest` naming `param` for other arguments: messages have no place for them.
    """
    given = _object(arguments) if arguments.strip() else {}
    if given is None:
        raise InvalidRequest(
            f"Invalid '{param}': the model is served through the messages endpoint, where the "
            "arguments of a call are a JSON object. Send the text of one.",
            param=param,
            code="invalid_value",
        )
    return {"type": "tool_use", "id": safe_tool_id(call_id), "name": name, "input": given}


def tool_result(
    call_id: str, content: Sequence[Block], path: str, fields: Mapping[str, str]
) -> Block:
    """Return the result of a call as a block; `path` and `fields` are those of the client."""
    block: Json = {"type": "tool_result", "tool_use_id": safe_tool_id(call_id)}
    block["content"] = content_of(content) if content else ""
    inner = content if isinstance(block["content"], list) else ()
    return Block(block, path, fields, inner)


def text_result(call_id: str, text: str, path: str, fields: Mapping[str, str]) -> Block:
    """Return the result of a call that is a text, as `tool_result` does."""
    said = "" if text.isspace() else text
    block = {"type": "tool_result", "tool_use_id": safe_tool_id(call_id), "content": said}
    return Block(block, path, fields)


def _object(text: str) -> Json | None:
    """Return the object in a text; None: it is not one, or has numbers that JSON cannot have."""
    try:
        found = value_of(text)
    except NOT_JSON:
        return None
    return found if isinstance(found, dict) else None


def arguments_of(given: object) -> str:
    """Return a call's `input` as the text of its arguments; some servers send it as that text.

    Raises `UpstreamError` for a text that is not a JSON object.
    """
    if isinstance(given, str):
        return text_input(given) or "{}"
    return msgspec.json.encode(given).decode() if given else "{}"
