"""Texts are taken from wherever servers put them, and once."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.json import encode

from gateway.errors import UpstreamError
from gateway.fast.pairs import pair_paths
from gateway.shapes import Json, Shape
from gateway.translate.plan import plan
from tests.messages_grammar import read_message
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
from tests.translate.messages_client import HISTORY, context, failure, texts
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


def documents(*phases: str | None) -> list[Json]:
    """Return messages that are a document each, with these phases."""
    return [
        message(
            text(f'{{"a":{number}}}'), id=f"msg_{number}", **({"phase": phase} if phase else {})
        )
        for number, phase in enumerate(phases, 1)
    ]


@pytest.mark.parametrize(
    ("phases", "shown"),
    [
        ([None, None], 1),
        ([None, None, None], 1),
        (["final_answer", "final_answer"], 2),
        (["commentary", "final_answer", "commentary"], 2),
        ([None, "final_answer"], 1),
    ],
)
def test_one_document_is_shown_where_one_was_asked_for(
    phases: Sequence[str | None], shown: int
) -> None:
    """As for chat clients: OpenAI's models repeat theirs (effect#6178, pipecat#4852)."""
    reply = response(reasoning("hm"), *documents(*phases))
    expected = [f'{{"a":{shown}}}']
    for made in (
        PAIR.replied(reply, one_document=True),
        PAIR.message(events_of(reply), one_document=True),
        PAIR.message([*events_of(reply)[:-1], ending(response())], one_document=True),
    ):
        assert texts(made)[1:] == expected
    assert len(texts(PAIR.replied(reply))) == len(phases) + 1


def test_what_is_left_out_of_a_document_is_reported() -> None:
    refused = message(refusal("No."), id="msg_9")
    translation = PAIR.asking(one_document=True)
    made = translation.reply([response(*documents(None, None), refused)])
    assert texts(made) == ['{"a":1}', "No."]
    assert translation.report.dropped == ["output.message"]
    waiting = message(refusal("No."), id="msg_9", phase="final_answer")
    assert texts(PAIR.replied(response(waiting), one_document=True)) == ["No."]


def test_a_document_that_has_waited_is_cut_at_a_stop_sequence() -> None:
    reply = response(*documents("commentary", "final_answer"))
    asked: Json = {"one_document": True, "stop_sequences": ("2",)}
    for made in (PAIR.replied(reply, **asked), PAIR.message(events_of(reply), **asked)):
        assert texts(made) == ['{"a":']
        assert (made["stop_reason"], made["stop_sequence"]) == ("stop_sequence", "2")


@pytest.mark.parametrize(("words", "dropped"), [("thought", []), ("more", ["reasoning.content"])])
def test_a_summary_is_not_followed_by_its_text(words: str, dropped: list[str]) -> None:
    """LiteLLM 1.110 streams a summary that the end of the response has as the text."""
    streamed = response(reasoning(summary=["thought"]), message(text("a")))
    events = [*events_of(streamed)[:-1], ending(response(reasoning(words), message(text("a"))))]
    translation = PAIR.asking()
    stream = translation.stream()
    made = read_message([out for event in events for out in stream.feed(0, event)] + stream.end(0))
    assert [block["type"] for block in made["content"]] == ["thinking", "text"]
    assert made["content"][0]["thinking"] == "thought"
    assert translation.report.dropped == dropped


@pytest.mark.parametrize("late", [refusal("No."), text("c")])
def test_parts_after_a_stop_sequence_are_not_shown(late: Json) -> None:
    reply = response(message(text("a!b"), late))
    for made in (
        PAIR.replied(reply, stop_sequences=("!",)),
        PAIR.message(events_of(reply), stop_sequences=("!",)),
    ):
        assert (texts(made), made["stop_sequence"]) == (["a"], "!")


@pytest.mark.parametrize("name", ["output_config", "output_format"])
@pytest.mark.parametrize("fast", [False, True])
def test_a_request_for_json_asks_for_one_document(name: str, *, fast: bool) -> None:
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    form = {"type": "json_schema", "schema": schema}
    body = {**HISTORY, "stream": True, name: {"format": form} if name == "output_config" else form}
    made = (
        pair_paths(Shape.MESSAGES, Shape.RESPONSES, context()).translation(encode(body), context())
        if fast
        else plan(Shape.MESSAGES, Shape.RESPONSES, body, context())
    )
    assert made is not None
    stream = made.stream()
    sent = [
        out
        for event in events_of(response(*documents(None, None)))
        for out in stream.feed(0, event)
    ]
    assert texts(read_message(sent)) == ['{"a":1}']
    assert stream.end(0) == []
