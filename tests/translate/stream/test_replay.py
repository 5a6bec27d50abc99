"""A finished response as a stream: valid events, which a client folds to the same response."""

from typing import Any

import pytest

from gateway.shapes import Json
from gateway.translate.stream.replay import replayed
from tests.translate.openai_schema import check_response_event
from tests.translate.responses_via_chat.chat_backend import (
    chunk,
    completion,
    context,
    entry,
    fragment,
    replied,
    stream_of,
    tool_call,
)
from tests.translate.responses_via_chat.client_stream import read

LOGPROBS = {"include": ["message.output_text.logprobs"], "top_logprobs": 1}
CITATION = {
    "type": "url_citation",
    "url_citation": {"url": "https://a.example", "start_index": 0, "end_index": 1, "title": "A"},
}


def test_a_replay_is_the_stream_that_the_reply_could_have_come_in() -> None:
    first = [
        chunk(reasoning_content="hm"),
        chunk("a"),
        chunk(tool_calls=[fragment(0, "{}", name="f", call_id="call_a")]),
        chunk(finish="tool_calls"),
    ]
    events = stream_of(first)
    assert replayed(events[-1]["response"]) == events


REPLIES: list[tuple[Json, Json]] = [
    (completion("a", "length"), {}),
    (completion(""), {}),
    (completion(None, refusal="no"), {}),
    (completion("a", reasoning="hm"), {"reasoning": {"summary": "auto"}}),
    (completion("a", annotations=[CITATION, CITATION]), {}),
    (completion("a", logprobs={"content": [entry("a", b=-1.0)]}), LOGPROBS),
    (
        completion(
            "",
            "tool_calls",
            tool_calls=[{"id": "c", "type": "custom", "custom": {"name": "p", "input": "x"}}],
        ),
        {},
    ),
    (completion(None, "tool_calls", tool_calls=[tool_call("f", "")]), {}),
]


@pytest.mark.parametrize(("reply", "asked"), REPLIES)
def test_every_reply_can_be_replayed(reply: Json, asked: Any) -> None:
    response = replied(reply, context(), **asked)
    events = replayed(response)
    for event in events:
        check_response_event(event)
    assert read(events) == response
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


def test_an_item_without_text_is_added_and_done() -> None:
    response = replied(completion("a"))
    item = {"id": "cmp_1", "type": "compaction", "encrypted_content": "x"}
    reasoning = {"id": "rs_1", "type": "reasoning", "status": "completed", "summary": []}
    events = replayed({**response, "output": [item, reasoning]})
    kinds = [event["type"] for event in events]
    assert kinds.count("response.output_item.added") == 2
    assert len(kinds) == 7


def test_an_empty_text_has_no_delta() -> None:
    response = replied(completion("a"))
    (item,) = response["output"]
    part = {**item["content"][0], "text": ""}
    events = replayed({**response, "output": [{**item, "content": [part]}]})
    for event in events:
        check_response_event(event)
    kinds = [event["type"] for event in events]
    assert "response.output_text.delta" not in kinds
    assert kinds.count("response.output_text.done") == 1
