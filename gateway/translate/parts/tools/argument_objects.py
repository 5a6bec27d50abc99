"""Arguments of earlier calls that a chat client has sent as objects."""

import json

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.schema.chat import check_chat


def checked_chat(body: Json) -> Json:
    """Return a checked chat request (`check_chat`), with the arguments of earlier calls as text."""
    try:
        return check_chat(body)
    except InvalidRequest:
        with_texts = with_text_arguments(body)
    return check_chat(with_texts)


def with_text_arguments(body: Json) -> Json:
    """Return a chat request with the arguments of earlier calls as text."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        return body
    return {
        **body,
        "messages": [
            _message_with_text_arguments(message)
            if isinstance(message, dict) and not _CALLS.isdisjoint(message)
            else message
            for message in messages
        ],
    }


_CALLS = frozenset({"function_call", "tool_calls"})


def _message_with_text_arguments(message: Json) -> Json:
    changed = dict(message)
    if "function_call" in changed:
        changed["function_call"] = _call_with_text_arguments(changed["function_call"])
    calls = changed.get("tool_calls")
    if isinstance(calls, list):
        changed["tool_calls"] = [
            {**call, "function": _call_with_text_arguments(call["function"])}
            if isinstance(call, dict) and "function" in call
            else call
            for call in calls
        ]
    return changed


def _call_with_text_arguments(call: object) -> object:
    if isinstance(call, dict) and isinstance(call.get("arguments"), dict):
        return {**call, "arguments": json.dumps(call["arguments"], ensure_ascii=False)}
    return call
