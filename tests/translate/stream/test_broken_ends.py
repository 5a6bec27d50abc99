"""What reports an error at the end of a stream that broke off."""

import msgspec
import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Shape
from gateway.translate.stream.broken_ends import broken_off
from gateway.translate.stream.sse import SSEDecoder, encode_events


def test_an_error_in_a_messages_stream_is_anthropics() -> None:
    (written,) = SSEDecoder().feed(broken_off(Shape.MESSAGES, UpstreamError("no"), b""))
    assert written.event == "error"
    said = {"type": "error", "error": {"type": "api_error", "message": "no"}}
    assert msgspec.json.decode(written.data) == said


@pytest.mark.parametrize(
    ("tail", "end"),
    [
        (b"", b""),
        (b"data: 1\n\n", b""),
        (b"data: 1\r\n\r\n", b""),
        (b"data: 1\r\r", b""),
        (b"data: 1\n\ndata: 2", b"\n\n"),
        (b"data: 1\n\ndata: 2\n", b"\n"),
        (b"data: 1\n\nevent: response.x\n", b""),
        (b"data: 1\n\nevent: respo", b"\n"),
        (b"data: 1\n\n: comment\n", b""),
        (b"data: 1\n\ndata:", b"\n"),
        (b"x\n", b"\n"),
        (b"data: 1\n\ndata: 2\r", b"\n\n"),
        (b"data: 1\r\n\r", b"\n"),
        (b'll"}', b"\n\n"),
    ],
)
def test_an_event_is_ended_that_a_stream_broke_off_in(tail: bytes, end: bytes) -> None:
    error = UpstreamError("no")
    assert broken_off(Shape.CHAT, error, tail) == end + encode_events(
        Shape.CHAT, [error.envelope()]
    )


@pytest.mark.parametrize(
    ("tail", "has_name"),
    [
        (b"", True),
        (b"event: message_start\ndata: {}\n\n", True),
        (b"data: {}\n\n", False),
        (b'data: {"x":"\\nevent: y"}\n\n', False),
    ],
)
def test_the_error_has_a_name_where_events_have_names(tail: bytes, *, has_name: bool) -> None:
    (written,) = SSEDecoder().feed(broken_off(None, UpstreamError("no"), tail))
    assert written.event == ("error" if has_name else "")
    event = msgspec.json.decode(written.data)
    assert event["error"]["message"] == "no"
    assert event.get("type") == ("error" if has_name else None)


@pytest.mark.parametrize(
    ("tail", "number"),
    [
        (b"", 0),
        (b'data: {"sequence_number":41}\n\n', 42),
        (b'data: {"sequence_number" : 4}\n\ndata: {"sequence_number": 5, "x":', 6),
        (b'data: {"sequence_number":' + b"9" * 5000, 10**15),
    ],
)
def test_the_error_is_numbered_like_the_next_event(tail: bytes, number: int) -> None:
    written = broken_off(Shape.RESPONSES, UpstreamError("no", param="p"), tail)
    event = msgspec.json.decode(written.partition(b"event: error\ndata: ")[2])
    assert event["sequence_number"] == number
    assert {**event, **event["error"]} == {**event, "type": "server_error"}
