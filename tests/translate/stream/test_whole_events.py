"""What of a stream can pass: all that somebody can use, and never half an event."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.translate.stream.whole_events import MAX_HELD_BYTES, WholeEvents

ONE = b'data: {"a":1}\n\n'


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
    assert events.break_off() == broken
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
    assert came == stream if is_end else stream.startswith(came)
