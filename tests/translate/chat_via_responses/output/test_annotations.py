"""Citations: their form in chat, and the message that late ones belong to."""

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.plan import plan
from gateway.translate.stream.folding.replies import events_as_whole
from tests.translate.chat_via_responses.cases import (
    citation,
    events_of,
    folded,
    function_call,
    message,
    response,
    streamed,
    text,
    whole,
)

FILE = {"type": "file_citation", "file_id": "f", "filename": "a.txt", "index": 3}
PLACE = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
CALLING = response(message(text("Hi there")), function_call("f", "{}"))
JSON_OBJECT = {"response_format": {"type": "json_object"}}


def late(annotation: Json, **place: object) -> Json:
    return {"type": "response.output_text.annotation.added", "annotation": annotation, **place}


def message_with(reply: Json, *events: Json, body: Json | None = None) -> Json:
    *before, end = events_of(reply)
    said: Json = folded(streamed(body or {}, [*before, *events, end]))["message"]
    return said


def places(said: Json) -> list[tuple[int, int]]:
    cited = [each["url_citation"] for each in said.get("annotations", ())]
    return [(each["start_index"], each["end_index"]) for each in cited]


@pytest.mark.parametrize("body", [{}, JSON_OBJECT])
@pytest.mark.parametrize(
    "place",
    [
        PLACE,
        {},
        {"item_id": "other"},
        {"item_id": "msg_1"},
        {"output_index": 0, "content_index": 0},
        {"item_id": "other", "output_index": 0, "content_index": 0},
    ],
)
def test_one_of_a_message_that_has_ended_is_that_messages(place: Json, body: Json) -> None:
    for reply in (response(message(text("Hi there"))), CALLING):
        said = message_with(reply, late(citation(0, 2), **place), late(FILE, **place), body=body)
        assert places(said) == [(0, 2)]
        assert said["file_citations"][0]["file_citation"]["file_id"] == "f"


def test_one_without_a_place_is_of_the_last_part_of_the_last_message() -> None:
    parts = message(text("Second "), text("part"), id="msg_2")
    reply = response(message(text("Hi there")), parts)
    assert places(message_with(reply, late(citation(0, 4)))) == [(15, 19)]
    assert places(message_with(reply, late(citation(0, 2), **PLACE))) == [(0, 2)]
    placed = late(citation(0, 6), item_id="msg_2", output_index=1, content_index=0)
    assert places(message_with(reply, placed)) == [(8, 14)]


def test_one_that_says_again_what_its_message_had_is_sent_once() -> None:
    reply = response(message(text("Hi there", annotations=[citation(0, 2)])))
    again, other = late(citation(0, 2), **PLACE), late(citation(3, 8), **PLACE)
    assert places(message_with(reply, again)) == [(0, 2)]
    assert places(message_with(reply, again, other)) == [(0, 2), (3, 8)]
    twice = response(message(text("Hi there", annotations=[citation(0, 2), citation(0, 2)])))
    assert places(message_with(twice)) == [(0, 2), (0, 2)]


def test_one_that_comes_too_early_waits_for_nothing() -> None:
    begun, *rest = events_of(response(message(text("Hi there"))))
    chunks = streamed({}, [begun, late(citation(0, 2), **PLACE), *rest])
    assert places(folded(chunks)["message"]) == [(0, 2)]


def test_one_without_positions_is_of_the_whole_message() -> None:
    bare = {"type": "url_citation", "url": "https://a.test/"}
    cited = [{"type": "url_citation"}, bare]
    reply = response(message(text("123"), id="a"), message(text("abc", annotations=cited), id="b"))
    shown = {"url": "https://a.test/", "title": "", "start_index": 0, "end_index": 0}
    for said in (message_with(reply), whole({}, reply)["choices"][0]["message"]):
        assert [each["url_citation"] for each in said["annotations"]] == [shown]


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [
        (0.0, 2.0, (5, 7)),
        (1, 2.0, (6, 7)),
        (0.5, 2, (0, 0)),
        (0, None, (0, 0)),
        ("0", "2", (0, 0)),
        (False, True, (0, 0)),
    ],
)
def test_one_with_positions_of_any_form_arrives(
    start: object, end: object, shown: tuple[int, int]
) -> None:
    cited = {**citation(0, 2), "start_index": start, "end_index": end}
    parts = message(text("12345"), text("Hi there", annotations=[cited]))
    for said in (
        message_with(response(parts)),
        whole({}, response(parts))["choices"][0]["message"],
    ):
        assert places(said) == [shown]


def test_a_file_is_cited_where_its_positions_are() -> None:
    cited = {**FILE, "start_index": 1.0, "end_index": 2.5}
    parts = message(text("12345"), text("Hi there", annotations=[cited]))
    (shown,) = message_with(response(parts))["file_citations"]
    assert shown["file_citation"]["start_index"] == 6
    assert shown["file_citation"]["end_index"] == 2.5


def test_a_completions_client_gets_it_too() -> None:
    *before, end = events_of(response(message(text("Hi there"))))
    body = {"model": "m", "prompt": "Hi", "stream": True}
    stream = plan(Shape.COMPLETIONS, Shape.RESPONSES, body, Context("m", "m")).stream()
    sent = [*before, late(citation(0, 2), **PLACE), end]
    choices = [c for event in sent for chunk in stream.feed(0, event) for c in chunk["choices"]]
    cited = [choice["annotations"] for choice in choices if "annotations" in choice]
    assert [entry["url_citation"]["end_index"] for (entry,) in cited] == [2]


def test_a_stream_in_reply_to_a_request_for_none_keeps_it() -> None:
    heard = late(citation(0, 2), **PLACE)
    *before, end = events_of(response(message(text("Hi there"))))
    silent = {**end, "response": {**end["response"], "output": []}}
    for last in (end, silent):
        reply = events_as_whole(Shape.RESPONSES, [*before, heard, last])
        assert places(whole({}, reply)["choices"][0]["message"]) == [(0, 2)]
    odd = late({}, **PLACE)
    reply = events_as_whole(Shape.RESPONSES, [*before, odd, end])
    assert reply["output"] == end["response"]["output"]
    two = response(message(text("a"), text("b")))
    *before, end = events_of(two)
    reply = events_as_whole(Shape.RESPONSES, [*before, {**heard, "content_index": None}, end])
    assert [len(part["annotations"]) for part in reply["output"][0]["content"]] == [0, 1]
