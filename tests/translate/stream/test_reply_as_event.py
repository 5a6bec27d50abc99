"""A whole reply given as the event that says the same."""

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.stream.replay import replayed
from gateway.translate.stream.reply_as_event import whole_as_event, whole_as_events
from tests.translate.chat_via_responses.cases import function_call, message, response, text


def test_a_chat_reply_becomes_one_chunk_with_its_tool_calls_numbered() -> None:
    calls = [{"id": "a", "function": {"name": "f", "arguments": "{}"}}, None, {"id": "b"}, 5]
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
    *numbered, odd = choice["delta"]["tool_calls"]
    assert [(c["id"], c["index"]) for c in numbered] == [("a", 0), ("b", 1)]
    assert odd == 5, "whoever reads calls judges it"
    assert "message" not in choice


@pytest.mark.parametrize(
    "choices", ["x", {}, [5], [{"message": 5}], [{"text": "T"}], [{"delta": {}}], [None, {}]]
)
def test_a_chat_reply_that_is_none_is_an_error(choices: object) -> None:
    with pytest.raises(UpstreamError):
        whole_as_event(Shape.CHAT, {"choices": choices})


def test_what_failed_needs_no_message() -> None:
    error = {"message": "boom"}
    for reply in ({"error": error, "choices": [{}]}, {"choices": [{"error": error}]}):
        (choice,) = whole_as_event(Shape.CHAT, reply)["choices"]
        assert choice["delta"] == {}


@pytest.mark.parametrize("shape", [Shape.CHAT, Shape.COMPLETIONS])
def test_choices_have_an_end_and_a_place(shape: Shape) -> None:
    def places(*indexes: object) -> list[tuple[str, int, str]]:
        given: list[Json | None] = [
            {"index": index, "text": name, "message": {"content": name}}
            for name, index in zip("abc", indexes, strict=False)
        ]
        event = whole_as_event(shape, {"choices": [*given[:1], None, *given[1:]]})
        return [(c["text"], c["index"], c["finish_reason"]) for c in event["choices"]]

    for first, second in ((0, 1), (0, 0), ("0", "1"), (None, None), (1, 2), (5, "x")):
        assert places(first, second) == [("a", 0, "unknown"), ("b", 1, "unknown")]
    assert places(1, "0") == [("b", 0, "unknown"), ("a", 1, "unknown")]
    assert places(5) == [("a", 0, "unknown")]
    assert whole_as_event(shape, {"choices": None})["choices"] == []
    for word in (None, "", "length"):
        choice: Json = {"message": {}, "text": "", "finish_reason": word}
        event = whole_as_event(shape, {"choices": [choice]})
        assert event["choices"][0]["finish_reason"] == (word or "unknown")


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


def test_a_whole_response_becomes_the_events_that_clients_show() -> None:
    said = response(message(text("Hello")), function_call())
    for whole in (said, {**said, "status": "incomplete"}):
        events = whole_as_events(Shape.RESPONSES, whole)
        assert events == replayed(whole)
        assert events[-1] == {
            **whole_as_event(Shape.RESPONSES, whole),
            "sequence_number": len(events) - 1,
        }


@pytest.mark.parametrize(
    "more",
    [
        {"status": "failed"},
        {"status": "in_progress"},
        {"status": None},
        {"error": {"message": "No."}},
        {"output": [{"type": "message"}]},
        {"output": None},
    ],
)
def test_of_any_other_it_is_the_terminal_event_alone(more: Json) -> None:
    whole = {**response(message(text("Hello"))), **more}
    assert whole_as_events(Shape.RESPONSES, whole) == [whole_as_event(Shape.RESPONSES, whole)]
