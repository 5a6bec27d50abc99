"""Output items put together from the events of a stream."""

from typing import Any

import pytest

from gateway.shapes import Json
from gateway.translate.streamed_items import StreamedItems

WHERE = {"item_id": "m", "output_index": 0, "content_index": 0}
ADDED = {
    "type": "response.output_item.added",
    "output_index": 0,
    "item": {"id": "m", "type": "message", "role": "assistant", "content": []},
}


def heard(*events: Json, output: Any = ()) -> list[Json]:
    items = StreamedItems()
    for event in events:
        items.take(event)
    return items.completed(list(output) if isinstance(output, tuple) else output)


def delta(kind: str, piece: Any, **more: Any) -> Json:
    return {"type": f"response.{kind}.delta", "delta": piece, **more}


def test_text_that_only_deltas_have_is_the_messages() -> None:
    events = [ADDED, delta("output_text", "Hel", **WHERE), delta("output_text", "lo", **WHERE)]
    expected = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Hello"}],
    }
    assert heard(*events) == [expected]
    assert heard(*events, output=None) == [expected]
    bare = [{key: event[key] for key in ("type", "delta")} for event in events[1:]]
    assert heard(*bare)[0]["content"] == expected["content"]
    assert heard(ADDED, *bare) == [expected]
    empty = {"id": "m", "type": "message", "content": [{"type": "output_text", "text": ""}]}
    assert heard(*events, output=(empty,)) == [expected]
    assert heard(*events, output=({**empty, "id": "other"},)) == [{**expected, "id": "other"}]


def test_what_the_whole_item_says_counts_more() -> None:
    whole = {"id": "m", "type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
    events = [ADDED, delta("output_text", "Hello", **WHERE)]
    done = {"type": "response.output_item.done", "output_index": 0, "item": whole}
    assert heard(*events, done)[0]["content"] == whole["content"]
    assert heard(*events, output=(whole,))[0]["content"] == whole["content"]
    text_done = {"type": "response.output_text.done", "text": "Hello you", **WHERE}
    assert heard(*events, text_done)[0]["content"][0]["text"] == "Hello you"


def test_parts_are_in_their_order_and_lists() -> None:
    events = [
        delta("refusal", "No.", item_id="m", content_index=1),
        delta("output_text", "Well", item_id="m", content_index=0),
        delta("reasoning_text", "Hm.", item_id="r"),
        delta("reasoning_summary_text", "two", item_id="r", summary_index=1),
        delta("reasoning_summary_text", "one", item_id="r", summary_index=0),
    ]
    message, reasoning = heard(*events)
    assert [part["type"] for part in message["content"]] == ["output_text", "refusal"]
    assert reasoning["content"] == [{"type": "reasoning_text", "text": "Hm."}]
    assert [part["text"] for part in reasoning["summary"]] == ["one", "two"]


@pytest.mark.parametrize(
    ("kind", "of", "field"),
    [
        ("function_call_arguments", "function_call", "arguments"),
        ("custom_tool_call_input", "custom_tool_call", "input"),
    ],
)
def test_calls_have_what_any_event_says_of_them(kind: str, of: str, field: str) -> None:
    call: Json = {"id": "c", "type": of, "name": "f", "call_id": "1", field: ""}
    added = {"type": "response.output_item.added", "output_index": 1, "item": call}
    pieces = [delta(kind, "{", output_index=1), delta(kind, "}", output_index=1)]
    done = {"type": f"response.{kind}.done", "item_id": "c", field: "{}"}
    for events in (pieces, [done], [*pieces, done]):
        assert heard(added, *events) == [{**call, field: "{}"}]
        assert heard(added, *events, output=(call,)) == [{**call, field: "{}"}]


def test_what_is_no_news_of_an_item_is_passed_over() -> None:
    odd: list[Json] = [
        {},
        {"type": ["x"]},
        {"type": "response.output_item.added", "item": None},
        {"type": "response.content_part.done", "part": {}},
        {"type": "response.output_text.annotation.added"},
        {"type": "response.other.delta", "delta": "x"},
    ]
    assert heard(*odd) == []
    assert heard(delta("output_text", 5))[0]["content"] == [{"type": "output_text", "text": ""}]
    other: Json = {"type": "web_search_call", "id": "w"}
    assert heard(ADDED, output=(other, "x")) == [other]
