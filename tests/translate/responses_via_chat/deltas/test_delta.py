"""Chat deltas in all the forms in which servers send them."""

from typing import Any

import pytest

from gateway.errors import (
    UpstreamError,
)
from gateway.shapes import Json
from tests.translate.parts.tools.test_calls import NOTHING_SAID
from tests.translate.responses_via_chat.chat_backend import (
    CITATION,
    asking,
    chunk,
    completion,
    replied,
    stream_of,
)
from tests.translate.responses_via_chat.client_stream import kinds, read, texts
from tests.translate.responses_via_chat.everywhere import WEB, everywhere


def test_reasoning_is_read_from_either_field_and_only_once() -> None:
    for delta in (
        {"reasoning": "hm"},
        {"reasoning_content": "hm"},
        {"reasoning": "hm", "reasoning_content": "hm"},
        {"reasoning": "hm", "reasoning_content": None},
    ):
        events = stream_of([chunk(**delta), chunk("a", "stop")])
        assert texts(read(events)) == ["hm", "a"]


def test_mistrals_content_in_parts_is_text_and_reasoning() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    events = stream_of(
        [
            chunk([thinking]),
            chunk([{"type": "thinking", "thinking": "mh"}, {"type": "text", "text": "a"}]),
            chunk([{"type": "reference", "reference_ids": [1]}]),
            chunk(finish="stop"),
        ]
    )
    assert texts(read(events)) == ["hmmh", "a"]


def test_arguments_given_as_an_object_become_a_string() -> None:
    call = {"index": 0, "id": "call_a", "function": {"name": "f", "arguments": {"a": 1}}}
    events = stream_of([chunk(tool_calls=[call]), chunk(finish="tool_calls")])
    assert texts(read(events)) == ['f({"a": 1})']


def test_a_legacy_function_call_is_a_call() -> None:
    events = stream_of(
        [
            chunk(function_call={"name": "f", "arguments": ""}),
            chunk(function_call={"arguments": '{"a":'}),
            chunk(function_call={"arguments": "1}"}),
            chunk(finish="function_call"),
        ]
    )
    assert texts(read(events)) == ['f({"a":1})']


BLANK_CALL = {"name": "", "arguments": ""}
BLANK_AUDIO = {"id": "", "data": "", "expires_at": 0, "transcript": ""}


@pytest.mark.parametrize(
    "blank",
    [{"function_call": BLANK_CALL}, {"function_call": {}}, {"audio": BLANK_AUDIO}, {"audio": {}}],
)
def test_objects_that_were_never_filled_are_none_whole_and_streamed(blank: Json) -> None:
    assert texts(read(stream_of([chunk("a", **blank), chunk(finish="stop", **blank)]))) == ["a"]
    (item,) = everywhere("a", **blank)["output"]
    assert item["content"][0]["text"] == "a"
    assert "audio" not in item


def test_a_function_is_called_beside_a_custom_tool_that_was_never_filled() -> None:
    function = {"name": "f", "arguments": "{}"}
    call = {"id": "call_a", "type": "function", "function": function}
    blank = {"custom": {"name": "", "input": ""}}
    assert texts(everywhere(None, tool_calls=[call | blank])) == ["f({})"]
    custom = {"name": "c", "input": "x"}
    for beside in ({"function": BLANK_CALL}, {"function": None}, {}):
        output = replied(completion(None, tool_calls=[{"id": "a", "custom": custom, **beside}]))
        assert [(item["type"], item["input"]) for item in output["output"]] == [
            ("custom_tool_call", "x")
        ]


@pytest.mark.parametrize("nothing", [each for each in NOTHING_SAID if each is not None])
def test_pieces_of_calls_that_say_nothing_are_ignored(nothing: Json) -> None:
    assert texts(everywhere("a", tool_calls=[nothing])) == ["a"]
    assert texts(everywhere("a", tool_calls=nothing)) == ["a"]
    call = {"index": 0, "id": "call_a", "function": {"name": "f", "arguments": '{"a":'}}
    rest = {"index": 0, "function": {"arguments": "1}"}}
    for pieces in ([[nothing], [call], [rest]], [[call, nothing], [nothing], [rest], [nothing]]):
        events = stream_of([*(chunk(tool_calls=each) for each in pieces), chunk(finish="stop")])
        assert texts(read(events)) == ['f({"a":1})']
    called = {"name": "f", "arguments": "{}"}
    assert texts(everywhere(None, tool_calls=[nothing], function_call=called)) == ["f({})"]


def test_annotations_are_flattened() -> None:
    nested = {"type": "url_citation", "url_citation": CITATION}
    events = stream_of(
        [chunk("a"), chunk("", annotations=[nested, {"type": "other"}]), chunk(finish="stop")]
    )
    assert kinds(events)[3] == "output_text.annotation.added"
    (part,) = read(events)["output"][0]["content"]
    assert part["annotations"] == [{"type": "url_citation", **CITATION}]


def test_a_sloppy_annotation_is_completed() -> None:
    sloppy = {"url_citation": {"url": "https://a.example", "start_index": "x", "end_index": -1}}
    events = stream_of([chunk(annotations=[sloppy]), chunk("a", "stop")])
    (part,) = read(events)["output"][0]["content"]
    assert part["annotations"][0] == {
        "type": "url_citation",
        **CITATION,
        "end_index": 0,
        "title": "",
    }


@pytest.mark.parametrize(
    "event",
    [
        [],
        {"choices": {}},
        {"choices": [1]},
        {"choices": [{"delta": 1}]},
        {"choices": [{"delta": {"content": 1}}]},
        {"choices": [{"delta": {"content": [{"type": "text", "text": 1}]}}]},
        {"choices": [{"delta": {"refusal": 1}}]},
        {"choices": [{"delta": {"tool_calls": 1}}]},
        {"choices": [{"delta": {"tool_calls": [{"function": 1}]}}]},
        {"choices": [{"delta": {"tool_calls": [{"id": [1]}]}}]},
        {"choices": [{"delta": {"annotations": 1}}]},
        {"choices": [{"delta": {"audio": 1}}]},
    ],
)
def test_an_event_that_is_not_a_chunk_is_an_error(event: Json) -> None:
    with pytest.raises(UpstreamError):
        asking(stream=True).stream().feed(0, event)


FILE = {"file_id": "f", "filename": "a.txt", "index": 3}
CONTAINER = {
    "container_id": "c",
    "file_id": "f",
    "filename": "a",
    "start_index": 0,
    "end_index": 2,
}


@pytest.mark.parametrize("field", ["annotations", "file_citations"])
def test_files_and_containers_are_cited(field: str) -> None:
    flat = [
        {"type": "file_citation", **FILE},
        {"type": "container_file_citation", **CONTAINER},
    ]
    nested = [{"type": each["type"], str(each["type"]): each} for each in flat]
    for cited in (flat, nested):
        shown = everywhere("Hi", "stop", **{field: cited})["output"][0]["content"][0]["annotations"]
        assert [{k: each[k] for k in sorted(each)} for each in shown] == [
            {k: each[k] for k in sorted(each)} for each in flat
        ]
    odd = [{"type": "file_citation", "file_citation": 5}, {"type": "other"}, 3, {"type": ["x"]}]
    beside = everywhere("Hi", "stop", **{field: [*odd, {}]})
    assert beside["output"][0]["content"][0]["annotations"] == []
    assert beside["annotations"] == [odd[0], odd[1], odd[3]]


def test_a_citation_of_the_web_may_be_flat() -> None:
    flat = {"type": "url_citation", "url": WEB, "title": "A", "start_index": 0, "end_index": 2}
    shown = everywhere("Hi", annotations=[flat])
    assert shown["output"][0]["content"][0]["annotations"] == [flat]
    assert "annotations" not in shown


@pytest.mark.parametrize("part", [5, ["x"], {"type": "text", "text": 5}])
def test_what_is_not_a_part_of_a_content_is_an_error(part: Any) -> None:
    with pytest.raises(UpstreamError):
        replied(completion([part], "stop"))
