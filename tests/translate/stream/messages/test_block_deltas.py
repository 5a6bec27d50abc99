"""Whole blocks as events, beside what whole messages show of them."""

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.stream.messages.block_deltas import block_events, taken_apart, written_input


def test_a_block_has_its_index_in_each_event() -> None:
    events = list(block_events(3, {"type": "text", "text": "A"}))
    assert [event["type"].removeprefix("content_block_") for event in events] == [
        "start",
        "delta",
        "stop",
    ]
    assert {event["index"] for event in events} == {3}


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ({"input": {"a": "\u00e4"}}, '{"a":"\u00e4"}'),
        ({"input": '{"a": 1}'}, '{"a": 1}'),
        ({"input": {}, "partial_json": '{"a":'}, '{"a":'),
        ({"input": {}}, ""),
        ({}, ""),
    ],
)
def test_an_input_is_one_piece(call: Json, text: str) -> None:
    start, deltas = taken_apart({"type": "tool_use", "name": "f", **call})
    assert start == {"type": "tool_use", "name": "f", "input": {}}
    assert deltas == [{"type": "input_json_delta", "partial_json": text}]


def test_an_input_that_is_a_text_is_that_of_an_object() -> None:
    with pytest.raises(UpstreamError, match="not a JSON object"):
        taken_apart({"type": "tool_use", "name": "f", "input": '{"a":'})


def test_an_input_is_written_without_blanks() -> None:
    assert written_input({"a": [1, "\u00e4"]}) == '{"a":[1,"\u00e4"]}'
