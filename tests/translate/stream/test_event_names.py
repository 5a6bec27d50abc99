"""Events of messages without a name get that of their data."""

import pytest

from gateway.translate.stream.event_names import EventNames

PING = b'data: {"type":"ping"}\n\n'
NAMED = b"event: ping\n" + PING


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (PING * 2, NAMED * 2),
        (b'data:{"a":{"type":"x"},"type":"ping"}\r\n\r\n', None),
        (b"data: [DONE]\n\n", b"data: [DONE]\n\n"),
        (PING + b": keep-alive\n\n" + PING, NAMED + b": keep-alive\n\n" + NAMED),
        (b": hello\n\nid: 1\n" + PING, b": hello\n\nid: 1\n" + NAMED),
        (PING + b"event: other\n" + PING, NAMED + b"event: other\n" + PING),
        (NAMED + PING, NAMED + PING),
        (b'data: {"type":\ndata: "ping"}\n\n', b'data: {"type":\ndata: "ping"}\n\n'),
        (b'data: {"type":1}\n\n', b'data: {"type":1}\n\n'),
        (b'data: {"type":"a\\nb"}\n\n', b'data: {"type":"a\\nb"}\n\n'),
        (b"data: [1]\n\n", b"data: [1]\n\n"),
        (b"", b""),
    ],
)
def test_events_without_a_name_get_one(events: bytes, expected: bytes | None) -> None:
    assert EventNames().add(events) == (b"event: ping\n" + events if expected is None else expected)


def test_the_first_event_says_whether_they_are_left_out() -> None:
    lacking = EventNames()
    assert [lacking.add(piece) for piece in (b": hello\n", PING, PING)] == [
        b": hello\n",
        NAMED,
        NAMED,
    ]
    named = EventNames()
    assert [named.add(piece) for piece in (b": hello\n", NAMED, PING)] == [
        b": hello\n",
        NAMED,
        PING,
    ]


@pytest.mark.parametrize(
    ("piece", "name"),
    [
        (b'data: {"type":"content_block_start","index":0,"x":"', b"event: content_block_start\n"),
        (b'data:{ "type" : "ping" ,', b"event: ping\n"),
        (b'data: {"index":0,"type":"ping"', b""),
        (b'data: {"type":"pi', b""),
        (b'data: {"type":"pi ng"', b""),
        (b'xx","type":"ping"', b""),
    ],
)
def test_the_beginning_of_a_long_event_names_it(piece: bytes, name: bytes) -> None:
    names = EventNames()
    assert names.add(PING) == NAMED
    assert names.add(piece) == name + piece
