"""Bodies that are read to their ends, up to a limit, and what JSON is in them."""

import asyncio

import pytest

from gateway.errors import TruncatedStream, UpstreamError
from gateway.exchange.reply.reading import (
    content_length,
    decode_object,
    header,
    identified,
    is_compressed,
    is_event_stream,
    read_whole,
)
from tests.fakes import EVENT_STREAM, JSON, ArrivedReply, FakeReply


def test_a_body_that_is_here_is_read_up_to_its_limit() -> None:
    assert asyncio.run(read_whole(ArrivedReply(pieces=(b"abcd",)), 4)) == b"abcd"
    with pytest.raises(UpstreamError, match="larger than 4 bytes"):
        asyncio.run(read_whole(ArrivedReply(pieces=(b"abcde",)), 4))


def test_a_body_is_read_up_to_its_limit_and_closed_either_way() -> None:
    good, bad = FakeReply(pieces=(b"ab", b"cd")), FakeReply(pieces=(b"ab", b"cde"))
    assert asyncio.run(read_whole(good, 4)) == b"abcd"
    with pytest.raises(UpstreamError, match="larger than 4 bytes"):
        asyncio.run(read_whole(bad, 4))
    assert good.closed
    assert bad.closed


def test_nothing_is_needed_behind_the_last_piece() -> None:
    seen: list[bytes] = []

    def is_last(piece: bytes) -> bool:
        seen.append(piece)
        return piece == b"cd"

    for pieces, body in (((b"ab", b"cd", b"ef"), b"abcd"), ((b"ab",), b"ab")):
        reply = FakeReply(pieces=pieces)
        assert asyncio.run(read_whole(reply, 4, is_last=is_last)) == body
        assert reply.delivered == len(pieces)
        assert reply.closed
    assert seen == [b"ab", b"cd", b"ab"]
    failing = FakeReply(pieces=(b"ab",), error=TruncatedStream("broken off"))
    with pytest.raises(TruncatedStream):
        asyncio.run(read_whole(failing, is_last=is_last))


def test_a_header_is_found_by_its_name() -> None:
    assert header(EVENT_STREAM, b"content-type") == b"text/event-stream"
    assert header((), b"content-type") == b""
    assert is_event_stream(EVENT_STREAM)
    assert not is_event_stream(JSON)


@pytest.mark.parametrize(
    ("coding", "compressed"), [(b"gzip", True), (b"Zstd", True), (b"Identity", False), (b"", False)]
)
def test_a_body_is_compressed_unless_its_coding_is_none(coding: bytes, compressed: bool) -> None:
    assert is_compressed((*JSON, (b"content-encoding", coding))) is compressed
    assert not is_compressed(JSON)


@pytest.mark.parametrize(("value", "length"), [(b"12", 12), (b"0", 0), (b"1, 1", None)])
def test_a_length_that_is_not_a_number_is_none(value: bytes, length: int | None) -> None:
    assert content_length(((b"content-length", value),)) == length
    assert content_length(()) is None


@pytest.mark.parametrize("data", [b"", b"<html>", b"\xff", b"[" * 100_000])
def test_what_an_upstream_sends_instead_of_json_is_its_error(data: bytes) -> None:
    with pytest.raises(UpstreamError, match="not JSON"):
        decode_object(data)


@pytest.mark.parametrize("data", [b"[]", b"1", b"null", b'"text"'])
def test_what_an_upstream_sends_instead_of_an_object_is_its_error(data: bytes) -> None:
    with pytest.raises(UpstreamError, match="not an object"):
        decode_object(data)


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"", UpstreamError, "is empty"),
        (b" \r\n", UpstreamError, "is empty"),
        (b"\n<!doctype html><html>", UpstreamError, "a web page instead of JSON"),
        (b'{"choices":[', TruncatedStream, "ended before it was complete"),
        (b"no service", UpstreamError, "is not JSON"),
        (b"[1]", UpstreamError, "is not an object"),
    ],
)
def test_a_whole_reply_that_is_none_is_called_what_it_is(
    body: bytes, kind: type[UpstreamError], words: str
) -> None:
    with pytest.raises(UpstreamError, match=words) as raised:
        decode_object(body, whole=True)
    assert type(raised.value) is kind
    with pytest.raises(UpstreamError, match=r"not JSON|not an object"):
        decode_object(body)


def test_an_error_gets_the_replys_id_unless_it_has_fields_of_its_own() -> None:
    headers = ((b"x-a", b"1"), (b"x-request-id", b"up-1"))
    own = UpstreamError("Later.", headers=(("retry-after", "1"),))
    unnamed, named = UpstreamError("No."), UpstreamError("No.")
    for error, fields in ((own, headers), (unnamed, headers[:1]), (named, headers)):
        identified(error, fields)
    assert (own.headers, unnamed.headers) == ((("retry-after", "1"),), ())
    assert named.headers == (("x-request-id", "up-1"),)
