"""Tests for the values of events, in which no error is hidden."""

import pytest

from gateway.errors import UpstreamError
from gateway.exchange.reply.event_values import values_of, without_cut_off
from gateway.shapes import Json
from gateway.translate.stream.event_reader import EventReader
from gateway.translate.stream.sse import ServerSentEvent


def values(data: bytes, name: str = "") -> list[object]:
    return values_of(ServerSentEvent(data, name), EventReader())


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (b'{"choices":[]}', "", [{"choices": []}]),
        (b"12:30", "keepalive", []),
        (b'{"message":"no"}', "error", [{"error": {"message": "no"}}]),
        (b'[{"error":{"message":"no"}}]', "", [{"error": {"message": "no"}}]),
        (b"error: no", "", [{"error": {"message": "no"}}]),
        (b'{"error":{"message":"no"}}', "error", [{"error": {"message": "no"}}]),
    ],
)
def test_the_values_of_an_event(data: bytes, name: str, expected: list[Json]) -> None:
    assert values(data, name) == expected


def test_what_is_neither_json_nor_an_error() -> None:
    with pytest.raises(UpstreamError):
        values(b"text")


def test_an_event_that_broke_off_is_left_out() -> None:
    whole = ServerSentEvent(b'{"a":1}')
    assert without_cut_off([whole, ServerSentEvent(b'{"a":')]) == [whole]
