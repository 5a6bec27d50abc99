"""Items are written one strictly after another."""

import pytest

from gateway.errors import (
    TruncatedStream,
)
from gateway.translate.responses_via_chat.output.items import MessageItem
from gateway.translate.responses_via_chat.output.queue import OutputQueue
from tests.translate.responses_via_chat.chat_backend import (
    ROLE,
    USAGE,
    asking,
    chunk,
    fragment,
    stream_of,
)
from tests.translate.responses_via_chat.client_stream import (
    MESSAGE_KINDS,
    deltas,
    kinds,
    read,
    read_any,
    texts,
)
from tests.translate.responses_via_chat.tools.tools import F


def test_reasoning_text_and_a_call_come_one_after_another() -> None:
    events = stream_of(
        [
            ROLE,
            chunk(reasoning_content="think"),
            chunk("Let me check."),
            chunk(tool_calls=[fragment(0, "", name="f", call_id="call_a")]),
            chunk(tool_calls=[fragment(0, '{"x"')]),
            chunk(tool_calls=[fragment(0, ":1}")]),
            chunk(finish="tool_calls"),
            USAGE,
        ],
        tools=[F],
    )
    assert kinds(events) == [
        "output_item.added",
        "content_part.added",
        "reasoning_text.delta",
        "reasoning_text.done",
        "content_part.done",
        "output_item.done",
        *MESSAGE_KINDS,
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    reasoning, message, call = read(events)["output"]
    assert reasoning == {
        "id": f"rs_{2:032x}",
        "type": "reasoning",
        "status": "completed",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "think"}],
    }
    assert message["id"] == f"msg_{3:032x}"
    assert call == {
        "id": f"fc_{4:032x}",
        "type": "function_call",
        "status": "completed",
        "call_id": "call_a",
        "name": "f",
        "arguments": '{"x":1}',
    }


def test_text_after_a_tool_call_opens_a_new_message() -> None:
    events = stream_of(
        [
            chunk("a"),
            chunk(tool_calls=[fragment(0, "{}", name="f", call_id="call_a")]),
            chunk("b"),
            chunk(finish="tool_calls"),
        ],
        tools=[F],
    )
    assert texts(read(events)) == ["a", "f({})", "b"]


def test_interleaved_calls_are_written_one_after_another() -> None:
    fold = asking(stream=True, tools=[F]).stream()
    sent = fold.feed(0, chunk(tool_calls=[fragment(0, '{"a":', name="f", call_id="call_a")]))
    assert deltas(sent) == ['{"a":']
    sent = fold.feed(0, chunk(tool_calls=[fragment(1, '{"b":', name="g", call_id="call_b")]))
    assert sent == [], "the first call is not complete"
    assert deltas(fold.feed(0, chunk(tool_calls=[fragment(0, "1")]))) == ["1"]
    assert fold.feed(0, chunk(tool_calls=[fragment(1, "2}")])) == []
    sent = fold.feed(0, chunk(tool_calls=[fragment(0, "}")]))
    assert deltas(sent) == ["}", '{"b":', "2}"], "the first is complete: what waited is written"
    assert kinds(sent)[1:3] == ["function_call_arguments.done", "output_item.done"]


def test_interleaved_calls_keep_their_arguments() -> None:
    events = stream_of(
        [
            chunk(
                tool_calls=[
                    fragment(0, "", name="f", call_id="call_a"),
                    fragment(1, "", name="g", call_id="call_b"),
                ]
            ),
            chunk(tool_calls=[fragment(1, '{"b":')]),
            chunk("between"),
            chunk(tool_calls=[fragment(0, '{"a":'), fragment(1, "2}")]),
            chunk(tool_calls=[fragment(0, "1}")]),
            chunk(finish="tool_calls"),
            USAGE,
        ],
        tools=[F],
    )
    assert texts(read(events)) == ['f({"a":1})', 'g({"b":2})', "between"]


def test_calls_are_closed_at_the_end_whatever_the_finish_reason() -> None:
    for reason in ("stop", "tool_calls", "function_call"):
        events = stream_of(
            [
                chunk(tool_calls=[fragment(0, "", name="f", call_id="call_a")]),
                chunk(tool_calls=[fragment(1, "", name="g", call_id="call_b")]),
                chunk(finish=reason),
            ],
            tools=[F],
        )
        response = read(events)
        assert texts(response) == ["f({})", "g({})"]
        assert response["status"] == "completed"


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("length", "max_output_tokens"),
        ("max_tokens", "max_output_tokens"),
        ("content_filter", "content_filter"),
    ],
)
def test_a_limit_or_a_filter_makes_the_last_item_incomplete(word: str, reason: str) -> None:
    events = stream_of(
        [
            chunk("a"),
            chunk(tool_calls=[fragment(0, '{"a', name="f", call_id="call_a")]),
            chunk(finish=word),
            USAGE,
        ]
    )
    response = read(events)
    assert response["status"] == "incomplete"
    assert response["incomplete_details"] == {"reason": reason}
    assert response["completed_at"] is None
    assert response["usage"]["output_tokens"] == 5
    assert [item["status"] for item in response["output"]] == ["completed", "incomplete"]


def test_a_call_that_is_not_announced_is_not_in_a_failed_response() -> None:
    fold = asking(stream=True).stream()
    events = fold.feed(0, chunk(tool_calls=[fragment(0, call_id="call_a")]))
    events += fold.fail(TruncatedStream("cut"))
    assert read_any(events)["output"] == []


def last_index(queue: OutputQueue) -> int | None:
    return None if queue.last is None else queue.last.index


def test_of_several_open_items_the_last_one_is_cut_off() -> None:
    queue = OutputQueue()
    for text in ("a", "b"):
        message = queue.add(MessageItem(queue.next_index, f"{queue.next_index}"))
        message.add_text(text, ())
    assert last_index(queue) == 1
    assert [item.index for item in queue.open_items(MessageItem)] == [1, 0]
    queue.end(truncated=True)
    assert [(item["id"], item["status"]) for item in queue.done] == [
        ("msg_0", "completed"),
        ("msg_1", "incomplete"),
    ]
    assert last_index(queue) is None
    events = queue.sent()
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert queue.sent() == []
