"""Calls of tools and their outputs, translated between chat and responses.

In chat one id connects a call with its output. Responses have an item `id` (`fc_…`) and the
`call_id`, which is the one that counts (schema `FunctionToolCall` of OpenAI's OpenAPI description).
"""

import hashlib
import json
from typing import Any

from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.parts.blank import is_blank

NOTHING = "{}"
"""The arguments of a call without any. Chat templates parse them as JSON, and `""` is not JSON."""

MAX_CALL_ID = 64
"""OpenAI's limit for a chat tool call id and for `call_id`, in characters."""


def bounded_call_id(call_id: str) -> str:
    """Return a call id of at most 64 characters: a longer one is replaced by its hash.

    The same id gives the same hash, so a call and its output still find each other.
    """
    return call_id if len(call_id) <= MAX_CALL_ID else call_id_from(call_id)


def with_bounded_id(holder: Any, name: str) -> Any:
    """Return a call or a result with its id, the field `name`, bounded; other values as they are.

    Cursor's own models join two ids with a line break.
    """
    call_id = holder.get(name) if isinstance(holder, dict) else None
    if not isinstance(call_id, str) or len(call_id) <= MAX_CALL_ID:
        return holder
    return {**holder, name: bounded_call_id(call_id)}


def call_id_from(text: str) -> str:
    """Return a call id that is the same for the same text, in every turn and process."""
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    return f"call_{digest[:32]}"


def says_nothing(call: object) -> bool:
    """Whether a call of a chat reply, or a piece of one, has no id, no name and no arguments.

    Servers send such pieces beside texts and other calls; an index alone is no call.
    """
    if not isinstance(call, dict):
        return call is None
    return all(is_blank(value) for name, value in call.items() if name not in ("index", "type"))


def has_calls(field: object) -> bool:
    """Whether a field of a chat message, `tool_calls` or `function_call`, has a call."""
    if isinstance(field, list):
        return not all(map(says_nothing, field))
    return bool(field) and not says_nothing(field)


def minted_call_id(context: Context) -> str:
    """Return a new call id, for a call without one."""
    return f"call_{context.new_id()}"


def arguments_text(arguments: object) -> str:
    """Return a call's arguments as a string: some clients and servers send an object."""
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else json.dumps(arguments, ensure_ascii=False)


def responses_call(kind: str, name: str, text: str, call_id: str) -> Json:
    """Return the input item of a call; `text` is a function's arguments or a custom tool's input.

    It has no `id`: the client's is not an item id (`Expected an ID that begins with 'fc'`,
    nodetool#4252), and with one the reasoning item before it would be required.
    """
    if kind == "custom":
        return {"type": "custom_tool_call", "call_id": call_id, "name": name, "input": text}
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": text}


def responses_call_output(kind: str, output: str | list[Json], call_id: str) -> Json:
    """Return the input item of a call's output."""
    sent = "custom_tool_call_output" if kind == "custom" else "function_call_output"
    return {"type": sent, "call_id": call_id, "output": output}


def chat_call(kind: str, name: str, text: str, call_id: str) -> Json:
    """Return a chat tool call; `text` is a function's arguments or a custom tool's input."""
    field = "input" if kind == "custom" else "arguments"
    kind = "custom" if kind == "custom" else "function"
    return {"id": call_id, "type": kind, kind: {"name": name, field: text}}
