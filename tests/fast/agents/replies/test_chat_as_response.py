"""Common chat replies as responses."""

import pytest
from msgspec.json import decode, encode

from gateway.fast.agents.replies.chat_as_response import decode_reply
from gateway.shapes import Json
from tests.fast.agents.from_responses.test_responses_via_chat import ANSWER, CONTEXTS
from tests.fast.both_paths import changed


def decoded(reply: Json) -> Json | None:
    made = decode_reply(encode(reply), {}, lambda name: name == "read", CONTEXTS["OpenAI"])
    return None if made is None else decode(made)


def test_text_comes_before_calls() -> None:
    response = decoded(ANSWER)
    assert response is not None
    kinds = [item["type"] for item in response["output"]]
    assert kinds == ["message", "function_call", "function_call"]
    assert response["output"][1]["call_id"] == "call_9"
    assert response["status"] == "completed"


@pytest.mark.parametrize(
    "change",
    [
        ("choices.0.message.tool_calls.1.id", "call_9"),
        ("choices.0.message.tool_calls.1.id", ""),
        ("choices.0.message.tool_calls.1.id", "x" * 65),
        ("choices.0.message.tool_calls.1.function.name", "own"),
        ("choices.0.message.tool_calls.1.function.arguments", "{"),
        ("choices.0.message", {"content": ""}),
    ],
)
def test_anything_else_is_handed_over(change: tuple[str, object]) -> None:
    assert decoded(changed(ANSWER, [change])) is None
