"""Texts are taken from wherever servers put them, and once."""

from typing import Any

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json
from tests.translate.chat_via_responses.cases import (
    ending,
    events_of,
    function_call,
    message,
    opening,
    reasoning,
    refusal,
    response,
    text,
)
from tests.translate.messages_client import failure, texts
from tests.translate.messages_via_responses.responses import PAIR

TOOLS: Json = {"tools": frozenset({"f"})}


def done(kind: str, **fields: Any) -> Json:
    return {"type": f"response.{kind}.done", "output_index": 0, **fields}


CASES: list[tuple[Json, list[Json]]] = [
    (
        message(text("Hello")),
        [
            done("output_text", item_id="msg_1", content_index=0, text="Hello"),
            done("content_part", item_id="msg_1", content_index=0, part=text("Hello")),
        ],
    ),
    (
        message(refusal("No.")),
        [
            done("refusal", item_id="msg_1", content_index=0, refusal="No."),
            done("content_part", item_id="msg_1", content_index=0, part=refusal("No.")),
        ],
    ),
    (
        reasoning("hm"),
        [
            done("reasoning_text", item_id="rs_1", content_index=0, text="hm"),
            done(
                "content_part",
                item_id="rs_1",
                content_index=0,
                part={"type": "reasoning_text", "text": "hm"},
            ),
        ],
    ),
    (
        reasoning(summary=["One.", "Two."]),
        [
            {"type": "response.reasoning_summary_part.added", "output_index": 0},
            done("reasoning_summary_text", item_id="rs_1", text="One."),
            {"type": "response.reasoning_summary_part.added", "output_index": 0},
            done(
                "reasoning_summary_part",
                item_id="rs_1",
                summary_index=1,
                part={"type": "summary_text", "text": "Two."},
            ),
        ],
    ),
]


@pytest.mark.parametrize(("item", "events"), CASES, ids=["text", "refusal", "raw", "summary"])
def test_the_whole_texts_of_events_count_once(item: Json, events: list[Json]) -> None:
    begun = {**item, "content": [], "summary": []}
    added = {"type": "response.output_item.added", "output_index": 0, "item": begun}
    whole = {"type": "response.output_item.done", "output_index": 0, "item": item}
    ends = ending(response(item))
    expected = texts(PAIR.replied(response(item)))
    middles: list[list[Json]] = [[*events, whole], events, [events[-1], whole], [whole], []]
    for middle in middles:
        if middle == [events[-1], whole] and len(item.get("summary", ())) > 1:
            continue  # Its parts would come in the wrong order.
        assert texts(PAIR.message([*opening(response()), added, *middle, ends])) == expected


def test_events_that_say_nothing_change_nothing() -> None:
    events = [
        *opening(response()),
        {"type": "response.output_item.added", "item": {"type": "web_search_call"}},
        done("content_part", part=None),
        done("content_part", part={"type": "video"}),
        done("output_text", text="Hello"),
        done("output_text", text="Hello"),
        {"type": "response.new"},
        ending(response(message(text("Hello")))),
    ]
    assert texts(PAIR.message(events)) == ["Hello"]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.output_item.done"},
        {"type": "response.output_item.done", "item": {"type": "message", "content": 1}},
        {"type": "response.output_text.delta", "delta": 1},
        {"type": "response.completed"},
        {"type": "response.completed", "response": {"output": 1}},
        {"type": "response.cancelled", "response": {"output": []}},
    ],
)
def test_events_that_cannot_be_read_are_errors(event: Json) -> None:
    fold = PAIR.asking().stream()
    failure(UpstreamError, lambda: fold.feed(0, event))


def test_items_of_the_last_event_continue_those_of_the_stream() -> None:
    begun: list[Json] = [
        {"type": "response.output_text.delta", "item_id": "msg_1", "delta": "Hel"},
        {"type": "response.output_item.added", "item": function_call("f", "")},
    ]
    reply = response(message(text("Hello")), function_call("f", "{}"), message(text("b"), id="m"))
    assert texts(PAIR.message([*begun, ending(reply)], **TOOLS)) == ["Hel", "f({})", "lo", "b"]


@pytest.mark.parametrize("phase", ["commentary", "final_answer", None, 5])
def test_the_phase_of_a_message_is_reported_before_its_text_is_sent(phase: Any) -> None:
    reported = ["phase"] if isinstance(phase, str) else []
    reply = response(message(text("a"), phase=phase))
    translation = PAIR.asking()
    assert texts(translation.reply([reply])) == ["a"]
    assert translation.report.dropped == reported
    streamed = PAIR.asking()
    fold = streamed.stream()
    begun: list[Json] = []
    for event in events_of(reply):
        begun = begun or fold.feed(0, event)
        if begun:
            break
    assert begun
    assert streamed.report.dropped == reported
