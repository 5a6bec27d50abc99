"""Items of responses requests, and the chat messages that become of them."""

from dataclasses import replace
from typing import Any

from gateway.shapes import Json
from gateway.translate.limits.capabilities import Capabilities
from tests.translate.responses_via_chat.chat_backend import (
    OPENAI,
    call_of,
    context,
)


def messages(capabilities: Capabilities, items: Any, /, **more: Any) -> list[Json]:
    sent: list[Json] = call_of(context(capabilities), input=items, **more)["messages"]
    return sent


def said(role: str, text: Any, **more: Any) -> Json:
    return {"type": "message", "role": role, "content": text, **more}


def called(call_id: str, name: str = "f", arguments: str = "{}", **more: Any) -> Json:
    call = {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}
    return {**call, **more}


def gave(call_id: str, output: Any = "ok") -> Json:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def chat_call(call_id: str, name: str = "f", arguments: str = "{}") -> Json:
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def tool_message(call_id: str, content: Any = "ok") -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def reasoned(content: str = "", summary: str = "", **more: Any) -> Json:
    return {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": summary}] if summary else [],
        "content": [{"type": "reasoning_text", "text": content}] if content else [],
        **more,
    }


USER = said("user", "hi")
CHAT_USER = {"role": "user", "content": "hi"}
REASONING_BACKEND = replace(OPENAI, reasoning_field="reasoning_content")
