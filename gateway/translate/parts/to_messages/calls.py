"""Calls of tools and their results as blocks of messages, from those of OpenAI's endpoints."""

from collections.abc import Mapping, Sequence

import msgspec

from gateway.envelopes.upstream_json import NOT_JSON, whole_characters
from gateway.servers.presets import INVALID_ARGUMENTS
from gateway.shapes import Json
from gateway.translate.contract import Report
from gateway.translate.parts.to_messages.conversation import Block, content_of, safe_tool_id
from gateway.translate.parts.tools.argument_values import arguments_value
from gateway.translate.stream.messages.messages_blocks import text_input


def tool_use(call_id: str, name: str, arguments: str, param: str, report: Report) -> Json:
    """Return a call as a block; `arguments` are the text of a JSON object, `null`, or blank.

    Any other text becomes a property of an object, and `param` is reported as changed: models write
    such arguments, and limits cut them off, but a conversation must be able to go on with them
    (oh-my-pi#11104).
    """
    given = _object(arguments) if arguments.strip() else {}
    if given is None:
        report.change(param, "text", "object")
        given = {INVALID_ARGUMENTS: whole_characters(arguments)}
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
    """Return the result of a call whose content is a text; see `tool_result`."""
    content = "" if text.isspace() else text
    block = {"type": "tool_result", "tool_use_id": safe_tool_id(call_id), "content": content}
    return Block(block, path, fields)


def _object(text: str) -> Json | None:
    """Return the object in a JSON text; None: it is no object, or has numbers unknown to JSON."""
    try:
        found = arguments_value(text)
    except NOT_JSON:
        return None
    if found is None:
        return {}
    return found if isinstance(found, dict) else None


def arguments_of(given: object) -> str:
    """Return a call's `input` as the text of its arguments; some servers send it as that text.

    Raises `UpstreamError` for a text that is not a JSON object.
    """
    if isinstance(given, str):
        return text_input(given) or "{}"
    return msgspec.json.encode(given).decode() if given else "{}"
