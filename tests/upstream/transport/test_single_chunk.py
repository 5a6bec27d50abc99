"""Reads that are one chunk, found without the parser; the parser is the judge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UpstreamError
from gateway.upstream.transport.reply_parser import ReplyParser
from gateway.upstream.transport.single_chunk import events_in

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(content: bytes, line: bytes = b"%x") -> bytes:
    return line % len(content) + b"\r\n" + content + b"\r\n"


def parsed(read: bytes) -> bytes | None:
    """Return what the parser finds in a read between two chunks; None: it is no whole chunk."""
    parser = ReplyParser("local")
    parser.feed(HEAD)
    try:
        parser.feed(read)
        content = parser.take()
        parser.feed(chunk(b"next"))
    except UpstreamError:
        return None
    return content if parser.take() == b"next" and not parser.complete else None


@pytest.mark.parametrize("size", [*range(3, 40), 253, 254, 255, 256, 257, 258, 4000])
@pytest.mark.parametrize("line", [b"%x", b"%X"])
def test_a_chunk_that_ends_with_a_blank_line_is_found(size: int, line: bytes) -> None:
    content = b"x" * (size - 2) + b"\n\n"
    read = chunk(content, line)
    assert events_in(read) == content == parsed(read)


@pytest.mark.parametrize(
    "read",
    [
        b"",
        b"\n\n\r\n",
        chunk(b"no blank line\n"),
        chunk(b"data: 1\n\n")[:-1],
        chunk(b"data: 1\n\n")[1:],
        chunk(b"data: 1\n\n") + chunk(b"data: 2\n\n"),
        chunk(b"data: 1\n\n") + b"0\r\n\r\n",
        b"0" + chunk(b"data: 1\n\n"),
        b"+" + chunk(b"data: 1\n\n"),
        chunk(b"data: 1\n\n", b"%x;a=b"),
        chunk(b"data: 1\n\n", b"%x "),
        chunk(b"data: 1\n\n", b"0x%x"),
        b"6\r\n" + b"x" * 12 + b"\n\n\r\n",  # 21 bytes: no chunk has so many
        b"100\r\n" + b"x" * 253 + b"\n\n\r\n",  # 262: neither
        b"\n\n\r\n" * 5,
        chunk(b"x" * 5000 + b"\n\n"),
    ],
)
def test_anything_else_is_the_parsers(read: bytes) -> None:
    assert events_in(read) == b""


@given(st.binary(max_size=40), st.sampled_from([b"", b"\n\n", b"\r\n", b"\n\n\r\n"]))
def test_what_is_found_is_what_the_parser_finds(beginning: bytes, end: bytes) -> None:
    for read in (beginning + end, chunk(beginning + end)):
        found = events_in(read)
        assert not found or found == parsed(read)
