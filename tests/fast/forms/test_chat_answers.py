"""Chat completions for clients."""

from typing import Any

import pytest
from msgspec.json import decode

from gateway.fast.forms.chat_answers import AnsweredCall, Identity, answered_call, encode_completion

CALL = answered_call("call_1", "f", "{}")


@pytest.mark.parametrize(
    ("text", "calls", "content", "reason"),
    [
        ("Hi.", [], "Hi.", "length"),
        ("", [], "", "length"),
        ("", [CALL], None, "tool_calls"),
        ("Hi.", [CALL], "Hi.", "tool_calls"),
    ],
)
def test_a_completion_has_a_text_or_calls(
    text: str, calls: list[AnsweredCall], content: str | None, reason: str
) -> None:
    identity = Identity("chatcmpl-1", 7, "m")
    made: Any = decode(encode_completion(identity, text, calls, {}, reason="length", phase="final"))
    (choice,) = made.pop("choices")
    assert made == {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 7,
        "model": "m",
        "usage": {},
    }
    message = choice["message"]
    assert (message["content"], choice["finish_reason"]) == (content, reason)
    assert ("tool_calls" in message, message["phase"]) == (bool(calls), "final")
