"""Heads that are read without llhttp: few kinds, and the same as llhttp reads them."""

import pytest

from gateway.upstream.transport import common_head as module
from gateway.upstream.transport.common_head import read_common_head
from gateway.upstream.transport.reply_parser import ReplyParser

LENGTH = b"Content-Length: 4"


def head(*lines: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return b"\r\n".join((status, *lines)) + b"\r\n\r\n"


def by_llhttp(data: bytes) -> ReplyParser:
    """Return what is read of a reply that comes in two pieces."""
    parser = ReplyParser("local")
    parser.feed(data[:1])
    parser.feed(data[1:])
    return parser


@pytest.mark.parametrize(
    "data",
    [
        head(LENGTH),
        head(LENGTH, status=b"HTTP/1.1 200 "),
        head(b"X-Request-ID: a b", LENGTH, b"x-list: 1", b"X-LIST: 2:  3"),
        head(
            LENGTH, b"Date: now", b"Server: uvicorn", b"Set-Cookie: a=b", b"Keep-Alive: timeout=5"
        ),
        head(LENGTH, b"Connection: Keep-Alive", status=b"HTTP/1.1 429 Too Many Requests"),
        head(b"content-length: 0000004", b"x-long: " + b"x" * 1000),
    ],
)
def test_common_heads_are_read_as_llhttp_reads_them(data: bytes) -> None:
    read, again = read_common_head(data + b"body"), read_common_head(data + b"body")
    assert read == again
    assert read is not None
    other = by_llhttp(data + b"body")
    assert (other.complete, other.keep_alive) == (True, True)
    assert read == (other.status, other.headers, 4, len(data))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        head(LENGTH)[:-1],
        head(),
        head(b"Transfer-Encoding: chunked"),
        head(LENGTH, b"Transfer-Encoding: chunked"),
        head(LENGTH, LENGTH),
        head(b"Content-Length: +4"),
        head(b"Content-Length: " + b"4" * 16),
        head(LENGTH, b"Connection: close"),
        head(LENGTH, b"Connection: X-Here"),
        head(LENGTH, b"Upgrade: h2c"),
        head(LENGTH, status=b"HTTP/1.0 200 OK"),
        head(LENGTH, status=b"HTTP/1.1 200"),
        head(LENGTH, status=b"HTTP/1.1 100 Continue"),
        head(LENGTH, status=b"HTTP/1.1 204 No Content"),
        head(LENGTH, status=b"HTTP/1.1 304 Not Modified"),
        head(LENGTH, b"X-A:1"),
        head(LENGTH, b"X-A: "),
        head(LENGTH, b"X-A:  1"),
        head(LENGTH, b"X-A: 1 "),
        head(LENGTH, b"X-A: 1\n folded"),
        head(LENGTH, b"X-A: \xe9"),
        head(LENGTH, b"X-A: \x00"),
        head(LENGTH, b"X A: 1"),
        head(LENGTH, b"no field"),
        head(LENGTH, *(b"x-%d: " % number + b"x" * 250 for number in range(80))),
    ],
)
def test_everything_else_is_left_to_llhttp(data: bytes) -> None:
    assert read_common_head(data) is None


def test_lines_are_remembered_but_neither_secrets_nor_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known: dict[bytes, tuple[bytes, bytes]] = {}
    monkeypatch.setattr(module, "_fields", known)
    monkeypatch.setattr(module, "_MOST_LINES", 2)
    long = b"x-long: " + b"x" * 300
    assert read_common_head(head(LENGTH, b"Set-Cookie: secret", long)) is not None
    assert list(known) == [LENGTH]
    for number in range(3):
        assert read_common_head(head(LENGTH, b"x: %d" % number)) is not None
        assert len(known) <= 2
