"""Whether a stream may end, by its last events."""

import pytest

from gateway.shapes import Shape
from gateway.translate.stream.last_events import LARGE, MAX_PIECES, LastEvents

CHUNK = b'data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}\n\n'
FINISH = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
USAGE = b'data: {"choices":[],"usage":{"total_tokens":3}}\n\n'
START = b'event: message_start\ndata: {"type":"message_start"}\n\n'
PING = b'event: ping\ndata: {"type":"ping"}\n\n'
LAST_DELTA = b'event: message_delta\ndata: {"type":"message_delta"}\n\n'
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
CREATED = b'data: {"type":"response.created"}\n\n'


def last(shape: Shape | None, *pieces: bytes) -> LastEvents:
    events = LastEvents(shape)
    for piece in pieces:
        events.add(piece)
    return events


@pytest.mark.parametrize(
    ("shape", "pieces", "ended", "complete"),
    [
        (Shape.CHAT, [CHUNK], False, False),
        (Shape.CHAT, [CHUNK, FINISH], False, True),
        (Shape.CHAT, [CHUNK, FINISH, USAGE], False, True),
        (Shape.CHAT, [CHUNK, b"data: [DONE]\n\n"], True, True),
        (Shape.CHAT, [CHUNK, b"data: [DONE]\n", b"\n"], True, True),
        (Shape.CHAT, [CHUNK, b'data: {"error":{"message":"no"}}\n\n'], True, True),
        (Shape.CHAT, [], False, False),
        (Shape.RESPONSES, [CREATED], False, False),
        (Shape.RESPONSES, [CREATED, b'data: {"type":"response.failed"}\n\n'], True, True),
        (Shape.RESPONSES, [CREATED, b"event: error\ndata: {}\n\n"], True, True),
        # An error that is not documented for responses: not every client takes it for one.
        (Shape.RESPONSES, [CREATED, b'data: {"error":{"message":"no"}}\n\n'], False, True),
        (Shape.MESSAGES, [START], False, False),
        (Shape.MESSAGES, [START, PING], False, False),
        (Shape.MESSAGES, [START, LAST_DELTA], False, False),
        (Shape.MESSAGES, [START, LAST_DELTA, STOP], True, True),
        (Shape.MESSAGES, [START, STOP[:20], STOP[20:]], True, True),
        (Shape.MESSAGES, [START, STOP.partition(b"\n")[2]], True, True),
        (Shape.MESSAGES, [START, b'event: error\ndata: {"type":"error"}\n\n'], True, True),
        (Shape.MESSAGES, [START, b'data: {"error":{"message":"no"}}\n\n'], False, True),
        (None, [CHUNK], False, True),
        (None, [CHUNK, b"data: [DONE]\n\n"], True, True),
    ],
)
def test_whether_it_has_ended_and_whether_it_may(
    shape: Shape | None, pieces: list[bytes], ended: bool, complete: bool
) -> None:
    events = last(shape, *pieces)
    assert (events.has_ended(), events.is_complete()) == (ended, complete)


@pytest.mark.parametrize(
    "wait", [b": wait\n\n", b": wait\r\n\r\n", b":\n", b":\n\n", b"\n", b":" * 9]
)
def test_comments_hide_no_event(wait: bytes) -> None:
    events = last(Shape.CHAT, CHUNK, *[wait] * MAX_PIECES * 9)
    assert not events.is_complete()
    assert events.kept() == CHUNK
    assert last(Shape.CHAT, *[wait] * MAX_PIECES * 9).is_complete() is False


@pytest.mark.parametrize("end", [b"\n", b": wait\n\n"])
def test_what_ends_an_event_is_kept(end: bytes) -> None:
    events = last(Shape.CHAT, FINISH[:-1], end, b": wait\n\n")
    assert events.kept() == FINISH[:-1] + end
    assert events.is_complete()


def test_as_many_other_lines_as_are_kept_may_hide_an_event() -> None:
    for lines, is_complete in ((MAX_PIECES - 1, False), (MAX_PIECES, True)):
        assert last(Shape.CHAT, CHUNK, *[b"id: 5\n\n"] * lines).is_complete() is is_complete


@pytest.mark.parametrize("tiny", [b"a\n", b"id\n\n", b"\n"])
def test_of_tiny_pieces_only_so_many_are_kept(tiny: bytes) -> None:
    events = last(Shape.CHAT, CHUNK[:-1], *[tiny] * ((MAX_PIECES + 2) * LARGE // len(tiny)))
    assert len(events.kept()) < (MAX_PIECES + 1) * LARGE


def test_a_large_piece_is_kept_alone() -> None:
    large = USAGE * (1 + LARGE // len(USAGE))
    assert last(Shape.CHAT, CHUNK, large).is_complete()
    assert not last(Shape.CHAT, FINISH, large, CHUNK).is_complete()


def test_after_a_part_of_an_event_anything_may_have_come() -> None:
    events = last(Shape.CHAT, CHUNK)
    events.blur()
    assert events.is_complete()
    events.add(CHUNK)
    assert not events.is_complete()


def test_the_tail_is_what_passed_last() -> None:
    assert last(Shape.CHAT).tail(10) == b""
    events = last(Shape.CHAT, CHUNK, FINISH, USAGE)
    assert events.tail(10) == USAGE[-10:]
    assert events.tail(len(USAGE)) == USAGE
    assert events.tail(len(USAGE) + 7) == FINISH[-7:] + USAGE
    assert events.tail(10_000) == CHUNK + FINISH + USAGE
