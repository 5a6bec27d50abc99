"""Common responses streams as chat streams."""

from collections.abc import Callable
from functools import partial

import pytest

from gateway.fast.streams.responses_as_chat import ResponsesAsChat
from gateway.shapes import Json
from tests.fast.both_paths import changed
from tests.fast.both_streams import context_of
from tests.fast.common_streams import CHAT, OPTIONS, RESPONSES, THOUGHT, responses
from tests.fast.streams.test_fast_stream import assert_same

MESSAGE = {"id": "msg_2", "type": "message", "role": "assistant", "content": []}
_ANNOTATION = {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 1}


Change = Callable[[list[Json]], list[Json]]


def each(path: str, *values: object) -> list[Change]:
    """Return what puts each value at a path of a stream; its first step is the event."""

    def put(value: object, events: list[Json]) -> list[Json]:
        found: list[Json] = changed({"events": events}, [(f"events.{path}", value)])["events"]
        return found

    return [partial(put, value) for value in values]


# The events are: created, in progress, two of reasoning, message, part, two deltas, and four ends.
ODD: list[Change] = [
    *each("0.response.id", "", "resp_", None, 5),
    *each("0.response.status", "failed", "queued", "completed", None),
    *each("0.response.created_at", None, "x", 7),
    *each("1.type", "response.queued", "response.output_item.done", ["x"]),
    *each("2.item.summary", [{"type": "summary_text", "text": "Hm."}]),
    *each("3.item.content", [{"type": "reasoning_text", "text": "Hm."}]),
    *each("4.item.id", "msg_2", ""),
    *each("4.item.phase", "commentary", "final_answer", None),
    *each("4.output_index", 0, 5, "1"),
    *each("5.part.text", " on"),
    *each("6.item_id", "msg_2"),
    *each("6.output_index", 0),
    *each("6.content_index", 1),
    *each("6.logprobs", None, [{"token": " on", "logprob": -1.0}]),
    *each("7.delta", "", " on and on"),
    *each("8.text", "", " on", " on and on", "else"),
    *each("9.part.text", "", " on", " on and on", "else"),
    *each("9.part.annotations", [_ANNOTATION]),
    *each("10.item.content.0.text", "", " on", " on and on", "else"),
    *each("10.item.phase", "final_answer"),
    *each("10.item.id", "msg_2"),
    *each("10.output_index", 0),
    *each("11.response.output", [], [THOUGHT], [MESSAGE], [MESSAGE, MESSAGE]),
    *each("11.response.output.1.content.0.text", "", " on", " on and on"),
    *each("11.response.output.1.content.0.annotations", [_ANNOTATION]),
    *each("11.response.status", "incomplete", "failed", None),
    *each("11.response.usage", None, {}, {"input_tokens": 1, "output_tokens": 999}),
    *each("11.response.service_tier", None, "flex"),
    lambda events: [*events, events[-1]],
    lambda events: [*events[:-1], events[4], *events[-1:]],
    lambda events: [*events[:5], events[2], *events[5:]],
    lambda events: [*events[:5], events[3], *events[5:]],
    lambda events: [events[3], *events],
    lambda events: [*events[:6], *events[8:]],
]


@pytest.mark.parametrize("limit", [{}, {"max_tokens": 99}, {"max_tokens": 5}])
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("phase", [None, "final_answer"])
@pytest.mark.parametrize("change", [*ODD, lambda events: events])
def test_a_stream_is_what_the_generic_path_makes_of_it(
    change: Change, phase: str | None, options: Json, limit: Json
) -> None:
    events = change(responses(" on", " and", phase=phase))
    assert_same(CHAT, RESPONSES, events, {**options, **limit})


@pytest.mark.parametrize("thinks", [False, True])
@pytest.mark.parametrize("phase", [None, "final_answer"])
def test_whole_streams_are_common(phase: str | None, *, thinks: bool) -> None:
    events = responses(" on", " and", phase=phase, thinks=thinks)
    stream = ResponsesAsChat(context_of({}), 0, include_usage=True)
    assert all(stream.take(event) is not None for event in events)
    last = stream.end()
    assert last is not None
    assert [chunk["usage"]["completion_tokens"] for chunk in last] == [5]
    assert_same(CHAT, RESPONSES, events, {})


def test_a_response_without_text_is_not_common() -> None:
    events = responses()
    stream = ResponsesAsChat(context_of({}), 0, include_usage=False)
    assert [stream.take(event) for event in events][-1] is None
    assert_same(CHAT, RESPONSES, events, {})
