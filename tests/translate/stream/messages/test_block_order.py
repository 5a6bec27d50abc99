"""Overlapping blocks: every reader gives what it gives for one block after another."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import TruncatedStream, UpstreamError
from gateway.shapes import Json
from gateway.translate.stream.messages import block_order, message_events
from gateway.translate.stream.messages.block_order import BlockOrder
from gateway.translate.stream.messages.message_events import message_of
from tests.steps import Counted, steps_of
from tests.translate.chat_via_messages import cases as chat
from tests.translate.messages_upstreams import PING, events_of, message, text, thinking, tool_use
from tests.translate.responses_via_messages import cases as responses

CALLS = message(tool_use("f", {"a": 1}), tool_use("g", {"b": 1}), reason="tool_use")
MIXED = message(
    thinking("one"),
    thinking("two"),
    text("Let me "),
    text("see"),
    tool_use("f", {"a": 1}),
    tool_use("patch", {"input": "x"}),
    tool_use("g"),
    reason="tool_use",
)
TOOLS: dict[str, Any] = {
    "chat": {"tools": [*chat.TOOLS, chat.CUSTOM]},
    "responses": {"tools": [*responses.TOOLS, {**responses.TOOLS[0], "name": "g"}]},
}


def overlapping(made: Json, choices: Sequence[int]) -> list[Json]:
    """Return the events of a message whose blocks begin in order, and overlap as they like."""
    events = list(events_of(made, 2))
    inner = [event for event in events if "index" in event]
    first, last = events.index(inner[0]), events.index(inner[-1])
    rows: dict[int, list[Json]] = {}
    for event in inner:
        rows.setdefault(event["index"], []).append(event)
    mixed: list[Json] = []
    begun = 0
    while any(rows.values()):
        ready = [i for i, row in rows.items() if row and i <= begun]
        index = ready[choices[len(mixed) % len(choices)] % len(ready)]
        mixed.append(rows[index].pop(0))
        begun = max(begun, index + 1)
    return [*events[:first], *mixed, *events[last + 1 :]]


def in_order(events: Sequence[Json]) -> list[Json]:
    order = BlockOrder()
    return [each for event in events for each in order.take(event)]


def joined(chunks: Sequence[Json]) -> tuple[str, dict[Any, str], Any]:
    said, reason = "", None
    called: dict[Any, str] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            said += choice["delta"].get("content") or ""
            reason = choice["finish_reason"] or reason
            for call in choice["delta"].get("tool_calls", ()):
                piece = call.get("function") or {"arguments": call.get("custom", {}).get("input")}
                key = call["index"]
                called[key] = called.get(key, "") + (piece["arguments"] or "")
    return said, called, reason


def output_of(events: Sequence[Json]) -> list[Any]:
    assert events[-1]["type"] == "response.completed"
    keys = ("type", "name", "arguments", "input", "content", "summary")
    return [[item.get(k) for k in keys] for item in events[-1]["response"]["output"]]


@given(st.sampled_from([CALLS, MIXED]), st.lists(st.integers(0, 6), min_size=1, max_size=60))
def test_overlapping_blocks_are_read_as_any_others(made: Json, choices: list[int]) -> None:
    plain, mixed = list(events_of(made, 2)), overlapping(made, choices)
    assert in_order(mixed) == plain
    assert message_of(mixed) == message_of(plain)
    sent = [joined(chat.streamed(TOOLS["chat"], each)) for each in (mixed, plain)]
    assert sent[0] == sent[1]
    answered = [output_of(responses.streamed(TOOLS["responses"], each)) for each in (mixed, plain)]
    assert answered[0] == answered[1]


def start(index: object, name: str) -> Json:
    at = {} if index is None else {"index": index}
    return {"type": "content_block_start", **at, "content_block": tool_use(name)}


def piece(index: object, partial: str) -> Json:
    at = {} if index is None else {"index": index}
    delta = {"type": "input_json_delta", "partial_json": partial}
    return {"type": "content_block_delta", **at, "delta": delta}


def stop(index: object) -> Json:
    return {"type": "content_block_stop", "index": index}


def test_a_block_waits_only_for_those_before_it() -> None:
    order = BlockOrder()
    assert order.take(start(0, "f")) == (start(0, "f"),)
    assert not order.take(start(1, "g"))
    assert not order.take(piece(1, "{"))
    assert order.take(PING) == (PING,)
    assert order.take(piece(0, "{}")) == (piece(0, "{}"),)
    assert list(order.take(stop(0))) == [stop(0), start(1, "g"), piece(1, "{")]
    assert order.take(piece(1, "}")) == (piece(1, "}"),)


@pytest.mark.parametrize(
    "events",
    [
        [start(0, "f"), start(0, "g"), piece(0, "{}")],
        [start(None, "f"), start(None, "g"), piece(None, "{}")],
        [start(0, "f"), stop(7), piece(0, "{}"), stop(0), stop(0)],
        [start(0, "f"), start(1, "g"), piece(1, "{}"), {"type": "message_delta"}],
    ],
)
def test_servers_that_do_not_end_blocks(events: list[Json]) -> None:
    kept = [event for event in events if event["type"] != "content_block_stop"]
    sent = [event for event in in_order(events) if event["type"] != "content_block_stop"]
    assert sent == kept


@pytest.mark.parametrize(
    "events",
    [
        [piece(0, "{}")],
        [start(0, "f"), piece(1, "{}")],
        [start(0, "f"), stop(0), start(1, "g"), piece(0, "{}")],
        [start(0, "f"), start(1, "g"), stop(1), piece(1, "{}")],
        [start(0, "f"), start(1, "g"), piece("1", "{}")],
    ],
)
def test_a_delta_of_a_block_that_is_not_open_belongs_to_no_other(events: list[Json]) -> None:
    end: list[Json] = [
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {}},
        {"type": "message_stop"},
    ]
    with pytest.raises(UpstreamError, match="not open"):
        message_of([*events, *end])
    with pytest.raises(UpstreamError, match="not open"):
        chat.streamed(TOOLS["chat"], [*events, *end])
    with pytest.raises(UpstreamError, match="not open"):
        responses.streamed(TOOLS["responses"], [*events, *end])


def said(index: int, **delta: str) -> Json:
    ((kind, words),) = delta.items()
    given = {"type": f"{kind}_delta", kind: words}
    return {"type": "content_block_delta", "index": index, "delta": given}


def opened(index: int, block: Json) -> Json:
    return {"type": "content_block_start", "index": index, "content_block": block}


OWN_BLOCKS: list[tuple[list[Json], list[Json]]] = [
    # SGLang before its #25876
    (
        [start(0, "f"), piece(0, "{}"), said(0, text=""), said(0, text="by"), said(0, text="e")],
        [tool_use("f", {}), text("bye")],
    ),
    (
        [opened(0, text("")), said(0, thinking="hm"), said(0, text="hi"), stop(0), start(1, "f")],
        [text(""), {"type": "thinking", "thinking": "hm"}, text("hi"), tool_use("f", {})],
    ),
    (
        [opened(0, {"type": "thinking", "thinking": "hm"}), said(0, text="hi")],
        [{"type": "thinking", "thinking": "hm"}, text("hi")],
    ),
]


@pytest.mark.parametrize(("events", "blocks"), OWN_BLOCKS)
def test_a_text_in_another_block_has_its_own(events: list[Json], blocks: list[Json]) -> None:
    ended: list[Json] = [
        *events,
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}},
        {"type": "message_stop"},
    ]
    made = message_of(ended)
    assert [{k: v for k, v in b.items() if k != "id"} for b in made["content"]] == [
        {k: v for k, v in b.items() if k != "id"} for b in blocks
    ]
    both = ended, list(message_events.events_of(made))
    sent = [joined(chat.streamed(TOOLS["chat"], each)) for each in both]
    assert sent[0] == sent[1]
    answered = [output_of(responses.streamed(TOOLS["responses"], each)) for each in both]
    assert answered[0] == answered[1]


def test_arguments_after_such_a_text_belong_to_no_call() -> None:
    events = [start(0, "f"), piece(0, "{"), said(0, text="hi"), piece(0, "}")]
    for streamed, tools in ((chat.streamed, "chat"), (responses.streamed, "responses")):
        with pytest.raises(UpstreamError, match="not open"):
            streamed(TOOLS[tools], events)


@pytest.mark.parametrize("kind", [["text"], {"a": 1}, 1, None])
def test_a_type_may_be_anything(kind: object) -> None:
    order = BlockOrder()
    events = [opened(0, {"type": kind}), said(0, text="hi"), stop(0)]
    assert [each for event in events for each in order.take(event)] == events


@pytest.mark.parametrize("index", [[1], {"a": 1}, 1.0, "one", True])
def test_an_index_may_be_anything(index: object) -> None:
    order = BlockOrder()
    events = [start(0, "f"), start(index, "g"), piece(index, "{}")]
    assert [each for event in events for each in order.take(event)] == events[:1]
    assert order.take(stop(0)) == [stop(0), *events[1:]]


def test_work_is_linear_in_the_blocks_that_overlap() -> None:
    def taken(count: int) -> None:
        order = BlockOrder()
        for event in (lambda k: start(k, "f"), lambda k: piece(k, "{}"), stop):
            for position in range(count):
                order.take(event(Counted(position)))

    assert steps_of(lambda: taken(400)) < 6 * steps_of(lambda: taken(100))


def test_what_is_held_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_order, "MAX_REPLY_CHARACTERS", 1000)
    events = [start(0, "f"), start(1, "g"), *(piece(1, "x" * 100) for _ in range(5))]
    with pytest.raises(UpstreamError, match="overlap"):
        in_order(events)
    in_order([start(0, "f"), *(piece(0, "x" * 100) for _ in range(50))])


def test_a_stream_that_breaks_off_between_them_is_truncated() -> None:
    mixed = [each for each in overlapping(CALLS, [3, 1, 0]) if each["type"] != "message_stop"]
    with pytest.raises(TruncatedStream):
        chat.streamed(TOOLS["chat"], mixed)
    with pytest.raises(TruncatedStream):
        message_of(mixed)
