import json
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UpstreamError
from gateway.shapes import Shape
from gateway.translate.stream.sse import (
    DONE,
    KEEPALIVE,
    NAMED,
    ServerSentEvent,
    SSEDecoder,
    encode_events,
    encode_json,
    final_events,
    terminator,
)

Event = ServerSentEvent


def decode(*pieces: bytes) -> list[ServerSentEvent]:
    decoder = SSEDecoder()
    events: list[ServerSentEvent] = []
    for piece in pieces:
        events += decoder.feed(piece)
    return events + decoder.finish()


def bytewise(stream: bytes) -> list[ServerSentEvent]:
    return decode(*(stream[i : i + 1] for i in range(len(stream))))


CASES: list[tuple[bytes, list[ServerSentEvent]]] = [
    (b"", []),
    (b"data: a\n\n", [Event(b"a")]),
    (b"data:a\n\n", [Event(b"a")]),
    (b"data:  a\n\n", [Event(b" a")]),
    (b"data: a\r\n\r\ndata: b\r\n\r\n", [Event(b"a"), Event(b"b")]),
    (b"data: a\r\rdata: b\r\r", [Event(b"a"), Event(b"b")]),
    (b"data: a\r\n\ndata: b\n\r\n", [Event(b"a"), Event(b"b")]),
    (b"data: a\ndata: b\n\n", [Event(b"a\nb")]),
    (b'data: {"a":\ndata: {}}\n\n', [Event(b'{"a":\n{}}')]),
    (b"data: [\ndata: {}\ndata: ,{}]\n\n", [Event(b"[\n{}\n,{}]")]),
    (b"data: {}\ndata: [1]\ndata:{}\ndata: [DONE]", [*map(Event, (b"{}", b"[1]", b"{}", DONE))]),
    (b"data: {} \r\ndata:  {}\r\n\r\n", [Event(b"{} "), Event(b" {}")]),
    (b"event: x\ndata: {}\nevent: y\ndata: {}\n", [Event(b"{}", "x"), Event(b"{}", "y")]),
    (b"event: x\ndata: {}\ndata: {}\n\n", [Event(b"{}", "x"), Event(b"{}")]),
    (b"data: {}\nevent: x\n\n", [Event(b"{}", "x")]),
    (b"data: {}\nerror: {}\n\n", [Event(b"{}"), Event(b"{}", "error")]),
    (b"\xef\xbb\xbfdata: a\n\n", [Event(b"a")]),
    (b"\xef\xbb\xbf\ndata: a\n\n", [Event(b"a")]),
    (b": ping\n\ndata: a\n\n", [Event(b"a")]),
    (b": ping\ndata: a\n: pong\n\n", [Event(b"a")]),
    (b"event: error\ndata: a\n\ndata: b\n\n", [Event(b"a", "error"), Event(b"b")]),
    (b"event:message\ndata: a\n\n", [Event(b"a", "message")]),
    (b"event: lost\n\ndata: a\n\n", [Event(b"a")]),
    (b"id: 5\nretry: 10\nfoo: bar\ndata: a\n\n", [Event(b"a")]),
    (b"data\n\ndata:\n\ndata: \n\ndata: a\n\n", [Event(b"a")]),
    (b"data: a\ndata\n\n", [Event(b"a\n")]),
    (b"\n\n\ndata: a\n\n\n\n", [Event(b"a")]),
    (b"data: [DONE]", [Event(DONE)]),
    (b"data: [DONE]\n", [Event(DONE)]),
    (b"data: a\n\ndata: b\n", [Event(b"a"), Event(b"b")]),
    (b"data: a\n\n: ping\n", [Event(b"a")]),
    ("data: ä\u2028\x85\x0b\x0c\n\n".encode(), [Event("ä\u2028\x85\x0b\x0c".encode())]),
    ("event: ü\ndata: a\n\n".encode(), [Event(b"a", "ü")]),
    (b"event: \xff\ndata: \xff\n\n", [Event(b"\xff", "\ufffd")]),
    (b" data: a\n\n", []),
]


@pytest.mark.parametrize(("stream", "events"), CASES)
def test_a_stream_decodes_the_same_whole_and_byte_by_byte(
    stream: bytes, events: list[ServerSentEvent]
) -> None:
    assert decode(stream) == events
    assert bytewise(stream) == events


def test_an_event_is_returned_as_soon_as_its_blank_line_has_begun() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: a\r\n") == []
    assert decoder.feed(b"\r") == [Event(b"a")]
    assert decoder.feed(b"") == []
    assert decoder.feed(b"\ndata: b\r\n\r\n") == [Event(b"b")]


def test_nothing_waits_for_the_finish_of_a_stream_that_ended_well() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: a\n\n") == [Event(b"a")]
    assert decoder.finish() == []


pieces_of_lines = st.sampled_from(
    [
        b"data: x",
        b"data: {}",
        b"data:",
        b"data",
        b"event: e",
        b": c",
        b"id: 1",
        b"",
        "ä€🙂".encode(),
        b"\xef\xbb\xbf",
    ]
)
line_ends = st.sampled_from([b"\n", b"\r\n", b"\r"])


@given(
    st.lists(st.tuples(pieces_of_lines, line_ends), max_size=12),
    st.lists(st.integers(min_value=0, max_value=200), max_size=12),
)
def test_any_chunking_gives_the_events_of_the_whole(
    lines: list[tuple[bytes, bytes]], cuts: list[int]
) -> None:
    stream = b"".join(text + end for text, end in lines)
    edges = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
    chunks = [stream[a:b] for a, b in pairwise(edges)]
    assert decode(*chunks) == decode(stream) == bytewise(stream)


PIECES = [
    *(b"data: a\n\n", b"data: b\n\n", b"event: x\ndata: c\n\n", b"event: \ndata: d\n\n"),
    *(b"data: \n\n", b"event: x\n\n", b"event: x\ndata: \n\n", b"event: x\nid: 5\n\n"),
    *(b"data: a\ndata: b\n\n", b"data: a\n", b"data: a", b"\n", b"\r", b"event: y\n", b": ping\n"),
    *(b"data: {}\n", b"data: {}\n\n", b"event: x\ndata: {}\n\n"),
    *(b"data: a\r\n\n", b"event: x\rdata: c\n\n", b"event: x\ndata:c\n\n", b"event:x\ndata: c\n\n"),
    *(b"event: \xff\ndata: \xff\n\n", b"data: %b\n\n" % (b"x" * 5000), b"id: 5\n", b"\xef\xbb\xbf"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=6))
def test_events_that_come_one_by_one_are_those_that_come_byte_by_byte(pieces: list[bytes]) -> None:
    assert decode(*pieces) == bytewise(b"".join(pieces))


@given(st.binary(max_size=60))
def test_arbitrary_bytes_never_fail_and_never_depend_on_chunking(stream: bytes) -> None:
    assert bytewise(stream) == decode(stream)


json_objects = st.dictionaries(
    st.text(max_size=8),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=4,
    ),
    max_size=4,
)


@given(st.lists(json_objects, max_size=5), st.sampled_from(list(Shape)))
def test_what_is_encoded_decodes_to_the_same(objects: list[dict[str, Any]], shape: Shape) -> None:
    objects = [{**each, "type": f"response.{i}"} for i, each in enumerate(objects)]
    stream = encode_events(shape, objects) + terminator(shape)
    events = bytewise(stream)
    if shape not in NAMED:
        assert events.pop() == Event(DONE)
    assert [json.loads(event.data) for event in events] == objects
    names = [each["type"] if shape in NAMED else "" for each in objects]
    assert [event.event for event in events] == names


def test_events_are_one_line_of_compact_utf8_json() -> None:
    assert encode_events(Shape.CHAT, [{"a": "ä\n"}, {"b": [1, 2]}]) == (
        'data: {"a":"ä\\n"}\n\ndata: {"b":[1,2]}\n\n'.encode()
    )


def test_what_is_encoded_as_it_was_written_has_no_line_breaks() -> None:
    written = msgspec.Raw(b'{\r\n\t"type": "a\\nb",\r"of": [1,\n 2]\n}')
    events: list[dict[str, Any]] = [
        {"type": "x", "tools": [{"parameters": written}]},
        {"type": "y", "n": written},
    ]
    read = {"type": "a\nb", "of": [1, 2]}
    assert bytewise(encode_events(Shape.RESPONSES, events)) == [
        Event(b'{"type":"x","tools":[{"parameters":{\t"type": "a\\nb","of": [1, 2]}}]}', "x"),
        Event(b'{"type":"y","n":{\t"type": "a\\nb","of": [1, 2]}}', "y"),
    ]
    assert json.loads(encode_json({"k\ud800": written})) == {"k\ufffd": read}
    assert encode_json({"a": msgspec.Raw(b"[1,\n2]")}) == b'{"a":[1,2]}'
    assert encode_json({"a": msgspec.Raw(b"[1,\r2]")}) == b'{"a":[1,2]}'


def test_responses_events_are_named_before_their_data() -> None:
    assert encode_events(Shape.RESPONSES, [{"type": "response.created", "n": 0}]) == (
        b'event: response.created\ndata: {"type":"response.created","n":0}\n\n'
    )


def test_only_completions_and_chat_streams_have_a_terminator() -> None:
    assert terminator(Shape.COMPLETIONS) == terminator(Shape.CHAT) == b"data: [DONE]\n\n"
    assert terminator(Shape.RESPONSES) == terminator(Shape.MESSAGES) == b""
    assert final_events(Shape.COMPLETIONS) == final_events(Shape.CHAT) == frozenset()
    assert "response.completed" in final_events(Shape.RESPONSES)
    assert final_events(Shape.MESSAGES) == {"message_stop"}


def test_a_keepalive_is_a_comment_without_a_blank_line() -> None:
    assert KEEPALIVE.count(b"\n") == 1
    assert decode(KEEPALIVE, b"data: a\n\n", KEEPALIVE, KEEPALIVE) == [Event(b"a")]


def test_what_json_and_utf8_cannot_express_is_replaced() -> None:
    value = {"k\ud800": ["a\udfff", {"n": float("nan")}, 1], "ok": "ä"}
    assert json.loads(encode_json(value)) == {"k\ufffd": ["a\ufffd", {"n": None}, 1], "ok": "ä"}


@pytest.mark.parametrize("step", [1, 7, 1000])
@pytest.mark.parametrize(
    "stream",
    [b"data: " + b"x" * 200, b"data: x\n" * 30, b"event: " + b"x" * 200, b": " + b"x" * 200],
)
def test_an_event_above_the_limit_is_an_upstream_error(stream: bytes, step: int) -> None:
    decoder = SSEDecoder(max_event_bytes=100)
    pieces = [stream[i : i + step] for i in range(0, len(stream), step)]
    with pytest.raises(UpstreamError, match="more than 100 bytes"):
        list(map(decoder.feed, pieces))


@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_many_events_and_comments_below_the_limit_are_not_an_error(step: int) -> None:
    stream = (b": ping\n" * 50 + b"data: " + b"x" * 80 + b"\n\n" + b"id: 1\n") * 20
    decoder = SSEDecoder(max_event_bytes=100)
    events: list[ServerSentEvent] = []
    for i in range(0, len(stream), step):
        events += decoder.feed(stream[i : i + step])
    assert len(events) == 20


def test_events_before_one_that_is_too_large_are_returned_first() -> None:
    decoder = SSEDecoder(max_event_bytes=20)
    received = decoder.feed(b"data: 1\n\ndata: 2\n\ndata: " + b"x" * 30)
    assert [each.data for each in received] == [b"1", b"2"]
    with pytest.raises(UpstreamError, match="more than 20 bytes"):
        decoder.feed(b"x")
    with pytest.raises(UpstreamError, match="more than 20 bytes"):
        decoder.finish()
