"""A whole reply given as the event that says the same."""

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.stream.reply_as_event import whole_as_event


def test_a_chat_reply_becomes_one_chunk_with_its_tool_calls_numbered() -> None:
    calls = [{"id": "a", "function": {"name": "f", "arguments": "{}"}}, {"id": "b"}, 5]
    reply: Json = {
        "object": "chat.completion",
        "choices": [
            {"index": 0, "message": {"content": "hi", "tool_calls": calls}, "finish_reason": "stop"}
        ],
    }
    event = whole_as_event(Shape.CHAT, reply)
    assert event["object"] == "chat.completion.chunk"
    choice = event["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert choice["delta"]["content"] == "hi"
    assert [(c["id"], c["index"]) for c in choice["delta"]["tool_calls"]] == [("a", 0), ("b", 1)]
    assert "message" not in choice


@pytest.mark.parametrize("choices", [None, "x", [5], [{"message": 5}]])
def test_a_chat_reply_that_is_none_stays_harmless(choices: object) -> None:
    event = whole_as_event(Shape.CHAT, {"choices": choices})
    assert all(choice["delta"] == {} for choice in event["choices"])


def test_a_completions_reply_is_its_own_chunk() -> None:
    reply: Json = {"choices": [{"text": "hi"}]}
    assert whole_as_event(Shape.COMPLETIONS, reply) is reply


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("completed", "response.completed"),
        ("incomplete", "response.incomplete"),
        ("failed", "response.failed"),
        (None, "response.completed"),
    ],
)
def test_a_response_becomes_its_terminal_event(status: str | None, kind: str) -> None:
    reply: Json = {"status": status}
    assert whole_as_event(Shape.RESPONSES, reply) == {"type": kind, "response": reply}


def test_a_response_with_an_error_is_a_failed_one_whatever_its_status_says() -> None:
    reply: Json = {"status": "completed", "output": [], "error": {"message": "No."}}
    assert whole_as_event(Shape.RESPONSES, reply)["type"] == "response.failed"
