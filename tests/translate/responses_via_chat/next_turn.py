"""Replies of reasoning models, and the next turn, which brings them back."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.plan import plan
from tests.translate.responses_via_chat.chat_backend import (
    SELF_HOSTED,
    context,
    replied,
    stream_of,
)
from tests.translate.responses_via_chat.client_stream import read
from tests.translate.sealing import OpenSeal

ASKED = {"include": ["reasoning.encrypted_content"]}
USER: Json = {"role": "user", "content": "w?"}
READER = replace(SELF_HOSTED, reasoning_field="reasoning_content")
SIGNED: Json = {"extra_content": {"google": {"thought_signature": "CvcB"}}}


def sealing(able: Capabilities = READER, upstream: str = "up", **settings: Any) -> Context:
    keeps, remembers = (settings.pop(name, False) for name in ("keeps", "remembers"))
    seal = OpenSeal(keeps=keeps, remembers=remembers)
    return replace(context(able, **settings), seal=seal, upstream=upstream)


def whole(reply: Json, of: Context, **parameters: Any) -> list[Json]:
    output: list[Json] = replied(reply, of, **parameters)["output"]
    return output


def in_a_stream(events: Sequence[Json], of: Callable[[], Context], **more: Any) -> list[Json]:
    output: list[Json] = read(stream_of(events, of, **more))["output"]
    return output


def brought_back(output: list[Json], of: Context) -> Any:
    """The assistant's message in the next turn, and what is reported of it."""
    given = [
        {"type": "function_call_output", "call_id": item["call_id"], "output": "sun"}
        for item in output
        if item.get("type") == "function_call"
    ]
    body = {"input": [USER, *output, *(given or [USER])]}
    translation = plan(Shape.RESPONSES, Shape.CHAT, body, of)
    return translation.calls[0]["messages"][1], translation.report


DETAILS = [{"type": "reasoning.text", "text": "hm", "signature": "s", "index": 0}]
SAID: dict[str, Json] = {
    "reasoning_content": {"reasoning_content": "hm"},
    "reasoning": {"reasoning": "hm"},
    "details": {"reasoning": "hm", "reasoning_details": DETAILS},
    "thinking blocks": {
        "thinking_blocks": [{"type": "thinking", "thinking": "h", "signature": "s"}]
    },
    "a message's signature": SIGNED,
    "another's signature": {"thought_signature": "CvcB", "reasoning_content": "hm"},
    "LiteLLM": {"provider_specific_fields": {"thought_signatures": ["CvcB"]}},
    "Copilot": {"reasoning_text": "hm", "reasoning_opaque": "CvcB"},
    "a field of thinking": {"thinking": "hm"},
    "reasoning in parts": {"reasoning": [{"type": "text", "text": "hm"}]},
    "reasoning as an object": {"reasoning": {"content": "hm", "effort": "low"}},
    "an unknown name": {"reasoning_content": "hm", "encrypted_thoughts": {"v": 1}},
}
