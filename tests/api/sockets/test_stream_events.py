"""What is read of events: their type, and whether they are errors."""

import pytest

from gateway.api.sockets.stream_events import as_text, read_event, whole_events
from gateway.errors import UpstreamError


@pytest.mark.parametrize(
    ("data", "is_error", "has_error"),
    [
        (b'{"type":"error"}', True, True),
        (b'{"error":{"message":"Oh."}}', True, True),
        (b'{"type":"response.failed","response":{}}', False, True),
        (b'{"type":"response.completed","error":{}}', False, False),
        (b'{"error":null}', False, False),
        (b"{}", False, False),
    ],
)
def test_errors_are_known(data: bytes, *, is_error: bool, has_error: bool) -> None:
    read, event = read_event(data)
    assert (read, event.is_error, event.has_error) == (data, is_error, has_error)


def test_what_is_no_event_is_refused() -> None:
    for data in (b"x", b"[]", b'{"type":1}'):
        with pytest.raises(UpstreamError):
            read_event(data)


@pytest.mark.parametrize("response", [b"{}", b'{"status":"completed"}'])
def test_the_end_has_its_documented_type(response: bytes) -> None:
    read, event = read_event(b'{"type":"response.done","response":%b}' % response)
    assert event.type == "response.completed"
    assert b"response.done" not in read


def test_events_in_the_usual_form_are_found_without_a_decoder() -> None:
    usual = b'event: a\ndata: {"b":1}\n\nevent: c\ndata: {"d":2}\n\n'
    assert whole_events(usual) == [(b"a", b'{"b":1}'), (b"c", b'{"d":2}')]
    for other in (usual[:-1], usual.replace(b"\n", b"\r\n"), b"data: {}\n\n"):
        assert whole_events(other) is None
    assert whole_events(b'event: a\nid: 1\ndata: {"b":1}\n\n') is None
    assert whole_events(b"event: a\ndata: [1}\n\n") is None


def test_frames_are_utf8() -> None:
    assert [as_text(data) for data in (b"a", "é".encode(), b"\xff")] == [
        b"a",
        "é".encode(),
        "\ufffd".encode(),
    ]


def test_an_end_whose_numbers_are_mended_has_its_type_too() -> None:
    read, event = read_event(b'{"type":"response.done","response":{"usage":{"cost":1e999}}}')
    assert event.type == "response.completed"
    assert b"1e999" not in read
