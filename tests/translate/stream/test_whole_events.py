"""What of a stream can pass: all that somebody can use, and never half an event."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.shapes import Shape
from gateway.translate.stream.whole_events import MAX_HELD_BYTES, WholeEvents

ONE = b'data: {"a":1}\n\n'
CHUNK = b'data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}\n\n'
FINISH = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
USAGE = b'data: {"choices":[],"usage":{"total_tokens":3}}\n\n'


def passed(pieces: Sequence[bytes]) -> list[bytes]:
    events = WholeEvents()
    return [events.take(piece) for piece in pieces]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([ONE, ONE + ONE], [ONE, ONE + ONE]),
        ([ONE + b"data: {", b'"a":1}', b"\n\n"], [ONE, b"", ONE]),
        ([b"data: {}\r", b"\n\r", b"\n"], [b"", b"data: {}\r\n", b"\r\n"]),
        ([b"data: {\r\ndata: }\r\n\r", b"\n"], [b"data: {\r\ndata: }\r\n", b"\r\n"]),
        ([b"data: {}\r\r", b"data: {}\r", b"\r"], [b"data: {}\r\r", b"", b"data: {}\r\r"]),
        ([b"event: x\n", b"data: {}\n", b"\n"], [b"", b"event: x\ndata: {}\n", b"\n"]),
        # For those who read line by line: servers exist that write no blank lines.
        ([b"data: {}\n", b"data: [DONE]\n"], [b"data: {}\n", b"data: [DONE]\n"]),
        ([b"data:{\n", b"data:1,\n", b"data:}\n"], [b"", b"", b"data:{\ndata:1,\ndata:}\n"]),
        ([b"data: Hello\n", b"data: you"], [b"data: Hello\n", b""]),
        ([b"data:\n", b"\n"], [b"data:\n", b"\n"]),
        # What keeps a connection alive does so at once.
        ([b": wait\n", b"\n", b": wa", b"it\n"], [b": wait\n", b"\n", b"", b": wait\n"]),
        ([ONE + b": wait\r\n", b"data: {"], [ONE + b": wait\r\n", b""]),
        ([b"data: {\n: wait\n", b"data: }\n\n"], [b"", b"data: {\n: wait\ndata: }\n\n"]),
        ([b"id: 1\n", b"retry: 5\n\n"], [b"", b"id: 1\nretry: 5\n\n"]),
    ],
)
def test_what_passes_when(pieces: list[bytes], expected: list[bytes]) -> None:
    assert passed(pieces) == expected


def test_of_a_long_event_no_more_is_kept_than_is_useful() -> None:
    events = WholeEvents()
    begun = b'data: {"a":"'
    assert events.take(ONE + begun) == ONE
    assert events.take(b"x" * (MAX_HELD_BYTES - len(begun))) == b""
    assert events.take(b"y") == begun + b"x" * (MAX_HELD_BYTES - len(begun)) + b"y"
    assert events.take(b"z") == b"z"
    assert events.take(b'"}\n\n') == b'"}\n\n'
    assert events.take(b"data: {") == b""


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
@pytest.mark.parametrize("size", [1, 2, 99])
def test_what_follows_a_long_event_is_whole_again(end: bytes, size: int) -> None:
    events = WholeEvents()
    long = b'data: {"a":"' + b"x" * MAX_HELD_BYTES
    assert events.take(long) == long
    rest = b'xxxx"}' + end + ONE + b'data: {"b":1'
    passed = b"".join(events.take(rest[at : at + size]) for at in range(0, len(rest), size))
    assert passed == rest.removesuffix(b'data: {"b":1')
    assert events.break_off() == (b"", False)


@pytest.mark.parametrize(
    ("rest", "broken", "ended"),
    [
        (b"", b"", (b"", True)),
        (b'data: {"a":1}', b'data: {"a":1}', (b'data: {"a":1}', True)),
        (b"data: [DONE]", b"data: [DONE]", (b"data: [DONE]", True)),
        (b"data: [DO", b"", (b"", False)),
        (b'event: x\r\ndata: {"a', b"", (b"", False)),
        (b'data: {"a": NaN', b"", (b"", False)),
        (b'data: {"a": NaN}', b'data: {"a": NaN}', (b'data: {"a": NaN}', True)),
        (b"data: Hel", b"", (b"data: Hel", True)),
        (b"event: x\nda", b"", (b"event: x\nda", True)),
        (b": wai", b"", (b": wai", True)),
        (b"data:", b"", (b"data:", True)),
    ],
)
def test_what_is_left_at_the_end(rest: bytes, broken: bytes, ended: tuple[bytes, bool]) -> None:
    events = WholeEvents()
    assert events.take(ONE + rest) == ONE
    assert events.break_off() == (broken, broken == b"data: [DONE]")
    assert events.take(rest) == b""
    assert events.finish() == ended
    assert events.finish() == (b"", True)


lines = st.sampled_from(
    [
        *(b'data: {"a":1}', b"data: {", b"data: }", b"data: x", b"event: x", b"", b": c", b"id:"),
        *(b"data: [DONE]", b"\xef\xbb\xbfdata: {}", b"data"),
    ]
)


@given(st.lists(lines), st.sampled_from([b"\n", b"\r\n", b"\r"]), st.integers(1, 9))
def test_nothing_is_lost_or_changed(parts: list[bytes], end: bytes, size: int) -> None:
    stream = b"".join(part + end for part in parts)
    events = WholeEvents()
    pieces = [events.take(stream[at : at + size]) for at in range(0, len(stream), size)]
    rest, is_end = events.finish()
    came = b"".join([*pieces, rest])
    assert stream.startswith(came)
    assert came == stream or not is_end or b"data: [DONE]" in came


class Passed:
    """A sink; it is full after pieces that are longer than `most`."""

    def __init__(self, most: int = 1000) -> None:
        self.pieces: list[bytes] = []
        self._most = most

    def __call__(self, piece: bytes) -> bool:
        assert piece
        self.pieces.append(piece)
        return len(piece) <= self._most


def test_a_sink_gets_what_passes_and_says_when_it_is_full() -> None:
    sink = Passed(most=len(ONE))
    take = WholeEvents().into(sink)
    assert take(ONE)
    assert not take(ONE + ONE)
    assert take(ONE[:5])
    assert take(ONE[5:])
    assert sink.pieces == [ONE, ONE + ONE, ONE]


@given(st.lists(lines), st.sampled_from([b"\n", b"\r\n", b"\r"]), st.integers(1, 40))
def test_a_sink_gets_what_is_returned_otherwise(parts: list[bytes], end: bytes, size: int) -> None:
    stream = b"".join(part + end for part in parts)
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    events, piped, sink = WholeEvents(), WholeEvents(), Passed()
    returned = [each for piece in pieces if (each := events.take(piece))]
    take = piped.into(sink)
    assert all(map(take, pieces))
    assert sink.pieces == returned
    assert piped.last() == events.last()
    assert piped.tail(50) == events.tail(50)
    assert piped.finish() == events.finish()


@pytest.mark.parametrize(
    ("pieces", "last"),
    [
        ([], b""),
        ([ONE, CHUNK], ONE + CHUNK),
        ([ONE, b": wait\n\n", b": wait\n\n"], ONE),
        ([ONE, b": w\n"], ONE),
        ([ONE, b"data: {"], ONE),
        ([ONE, b"data: " + b"x" * MAX_HELD_BYTES], b"data: " + b"x" * MAX_HELD_BYTES),
        ([ONE, b"data: " + b"x" * MAX_HELD_BYTES, b"yyy"], b"yyy"),
        ([b"data: " + b"x" * MAX_HELD_BYTES, b"y\n\n" + ONE], ONE),
    ],
)
def test_what_passed_last_is_known(pieces: list[bytes], last: bytes) -> None:
    events = WholeEvents()
    for piece in pieces:
        events.take(piece)
    assert events.last() == last


LONG = b'data: {"type":"response.completed","a":"' + b"x" * MAX_HELD_BYTES


@pytest.mark.parametrize(
    ("shape", "stream", "is_end"),
    [
        (Shape.CHAT, CHUNK, False),
        (Shape.CHAT, CHUNK + FINISH, True),
        (Shape.CHAT, CHUNK + FINISH + USAGE, True),
        (Shape.CHAT, CHUNK + b"data: [DONE]\n\n", True),
        (Shape.CHAT, CHUNK + b"data: [DONE]", True),
        (Shape.CHAT, CHUNK + b'data: {"error":{"message":"no"}}\n\n', True),
        (Shape.CHAT, CHUNK + b'event: error\ndata: {"message":"no"}\n\n', True),
        (Shape.CHAT, CHUNK + FINISH.replace(b'"index":0', b'"index":1'), False),
        (Shape.CHAT, CHUNK + FINISH.replace(b'"stop"', b'""'), False),
        (Shape.CHAT, FINISH + CHUNK, True),
        (Shape.CHAT, CHUNK + FINISH.rstrip(b"\n"), True),
        (Shape.CHAT, CHUNK.replace(b"\n\n", b"\n") + FINISH.replace(b"\n\n", b"\n"), True),
        (Shape.CHAT, CHUNK.replace(b"\n\n", b"\n"), False),
        # Nothing shows that more must follow.
        (Shape.CHAT, b'data: {"type":"message_stop"}\n\n', True),
        (Shape.CHAT, b"data: Hello\n\n", True),
        (Shape.CHAT, b'data: {"choices":[5]}\n\n', True),
        (Shape.CHAT, LONG + b'"}\n\n', True),
        # No stream of events, whatever its label says.
        (Shape.CHAT, b'{"choices":[]}', True),
        (Shape.RESPONSES, b"<html>\n\n</html>\n", True),
        # No event at all.
        (Shape.RESPONSES, b"id: 1\nretry: 5\n\nevent: x\n\n", False),
        (Shape.CHAT, b"", False),
        (Shape.CHAT, b": wait\n\n", False),
        (Shape.COMPLETIONS, b'data: {"choices":[{"index":0,"text":"a"}]}\n\n', False),
        (Shape.RESPONSES, b'data: {"type":"response.created"}\n\n', False),
        (
            Shape.RESPONSES,
            b'data: {"type":"response.x","a":"\\"type\\":\\"response.completed\\""}\n\n',
            False,
        ),
        (Shape.RESPONSES, b'data: {"response":{},"type":"response.completed"}\n\n', True),
        (Shape.RESPONSES, b"event: response.incomplete\ndata: {}\n\n", True),
        (Shape.RESPONSES, b'data: {"type":"response.failed","response":{}}\n\n', True),
        (Shape.RESPONSES, b'data: {"type":"error","message":"no"}\n\n', True),
        (Shape.RESPONSES, CHUNK + FINISH, True),
        (Shape.RESPONSES, b'data: {"type":"response.x"}\n\n' + CHUNK, False),
        (Shape.RESPONSES, b'data: {"type":"response.x","error":{"message":"no"}}\n\n', True),
        (Shape.RESPONSES, LONG + b'"}\n\n', True),
        (None, CHUNK, True),
        (None, b"", True),
    ],
)
def test_whether_a_stream_may_end_there(shape: Shape | None, stream: bytes, is_end: bool) -> None:
    for size in (len(stream) or 1, 5, 1) if len(stream) < MAX_HELD_BYTES else (1 << 18, 1 << 16):
        events = WholeEvents(shape)
        pieces = [events.take(stream[at : at + size]) for at in range(0, len(stream), size)]
        rest, ended = events.finish()
        assert b"".join([*pieces, rest]) == stream
        assert ended is is_end


def test_after_an_event_that_passed_in_pieces_more_may_be_missing() -> None:
    events = WholeEvents(Shape.CHAT)
    for piece in (LONG, b'"}\n\n', CHUNK):
        events.take(piece)
    assert events.finish() == (b"", False)


BEGINNINGS = [b"event: respo", b"event: x\ndat", b"data:", b"event: x\ndata: ", b": wai", b"event"]


@pytest.mark.parametrize("rest", BEGINNINGS)
@pytest.mark.parametrize(
    ("shape", "stream", "is_end"),
    [
        (Shape.CHAT, CHUNK, False),
        (Shape.CHAT, CHUNK + FINISH, True),
        (Shape.CHAT, b"", False),
        (Shape.RESPONSES, b'data: {"type":"response.created"}\n\n', False),
        (Shape.RESPONSES, b'data: {"type":"response.completed"}\n\n', True),
        (Shape.MESSAGES, b'data: {"type":"message_start"}\n\n', False),
        (None, CHUNK, True),
    ],
)
def test_what_has_no_data_yet_is_not_left_at_the_end_of_an_incomplete_stream(
    shape: Shape | None, stream: bytes, rest: bytes, *, is_end: bool
) -> None:
    events = WholeEvents(shape)
    events.take(stream)
    assert events.take(rest) == b""
    assert events.finish() == (rest if is_end else b"", is_end)


def test_half_an_event_after_the_terminator_is_thrown_away() -> None:
    events = WholeEvents(Shape.CHAT)
    assert events.take(b"data: [DONE]\n\ndata: {") == b"data: [DONE]\n\n"
    assert events.finish() == (b"", True)


@pytest.mark.parametrize(
    ("stream", "is_end"),
    [
        (CHUNK + FINISH, False),
        (CHUNK + FINISH + b"data: [DONE]\n\n", True),
        (CHUNK + FINISH + b"data: [DONE]\n", True),
        (CHUNK + b"data: [DONE]\n\n: bye\n\n", True),
        (b'data: {"type":"response.completed"}\n\n', True),
        (CHUNK + b'data: {"error":"no"}\n\n', True),
        (b"", False),
    ],
)
@pytest.mark.parametrize("shape", [None, Shape.CHAT])
def test_after_its_terminator_nothing_breaks_off(
    shape: Shape | None, stream: bytes, is_end: bool
) -> None:
    for size in (len(stream) or 1, 1):
        events = WholeEvents(shape)
        for at in range(0, len(stream), size):
            events.take(stream[at : at + size])
        assert events.break_off()[1] is is_end
