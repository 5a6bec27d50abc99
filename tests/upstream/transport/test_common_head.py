"""Heads that are read without llhttp: few kinds, and the same as llhttp reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UpstreamError
from gateway.shapes import ReplyHeaders
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
        head(LENGTH, b"Content-Length: "),
        head(b"CONTENT-LENGTH: 4"),
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


NAMES = ["Content-Type", "X-Request-Id", "Date", "Server", "Vary", "X-Length", "Keep-Alive"]
VALUES = ["a", "a b", "5", "length: 5", "Content-Length: 5", "keep-alive", "\xe9", " a", ""]
names = st.sampled_from([*NAMES, "Connection", "Transfer-Encoding", "Set-Cookie"])
lengths = st.builds(
    "{}: {}".format,
    st.sampled_from(["Content-Length", "content-length", "CONTENT-LENGTH", "Content-length"]),
    st.sampled_from(["4", "04", "4 ", "", "-4"]),
)
lines = st.one_of(st.builds("{}: {}".format, names, st.sampled_from(VALUES)), lengths)
phrases = st.sampled_from(["OK", "", "Length: 4", "No length: "])


@given(
    status=st.sampled_from([200, 204, 304, 429, 101]),
    phrase=phrases,
    before=st.lists(lines, max_size=4),
    length=st.just("content-length: 4") | lines,
    after=st.lists(lines, max_size=4),
)
def test_what_is_read_of_any_head_is_what_llhttp_reads(
    status: int, phrase: str, before: list[str], length: str, after: list[str]
) -> None:
    data = "\r\n".join([f"HTTP/1.1 {status} {phrase}", *before, length, *after]).encode("latin-1")
    data += b"\r\n\r\nbody"
    reads = [read_common_head(data) for _ in range(3)]
    assert reads[0] == reads[1] == reads[2]
    if reads[0] is not None:
        other = by_llhttp(data)
        assert (other.complete, other.keep_alive) == (True, True)
        assert reads[0] == (other.status, other.headers, 4, len(data) - 4)


def test_the_first_digits_are_not_taken_for_the_length() -> None:
    for data in (
        head(b"Content-Length: ", status=b"HTTP/1.1 200 Length: 5"),
        head(b"X-Length: 5", b"Content-Length: "),
        head(b"X-Length: 5", LENGTH),
    ):
        assert [read_common_head(data) for _ in range(3)] == [None] * 3
    with pytest.raises(UpstreamError):
        by_llhttp(head(b"Content-Length: ", status=b"HTTP/1.1 200 Length: 5"))


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be known."""
    monkeypatch.setattr(module, "_heads", {})
    monkeypatch.setattr(module, "_seen", set())


@pytest.mark.usefixtures("fresh")
def test_a_head_that_comes_again_is_known_whatever_its_length() -> None:
    def read(digits: bytes) -> object:
        data = head(b"X-A: 1", b"Content-Length: " + digits, b"X-Request-Id: 2", b"Date: now")
        common = read_common_head(data)
        assert common is not None
        status, headers, length, start = common
        assert (status, length, start) == (200, int(digits), len(data))
        assert tuple(headers) == (
            (b"x-a", b"1"),
            (b"content-length", digits),
            (b"x-request-id", b"2"),
        )
        if not isinstance(headers, ReplyHeaders):
            return None
        assert (headers.digits, headers.length) == (digits, length)
        return headers.repeated

    assert [read(b"1"), read(b"22")] == [None, None]
    known = read(b"0333")
    assert known is not None
    assert read(b"0") is known


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(
    "line",
    [b"Set-Cookie: secret", b"SET-COOKIE2: secret", b"x: " + b"x" * 5000],
    ids=["secret", "loud", "long"],
)
def test_heads_with_secrets_and_long_ones_are_not_kept(line: bytes) -> None:
    for _ in range(4):
        assert read_common_head(head(LENGTH, line)) is not None
    assert module._heads == {}


@pytest.mark.usefixtures("fresh")
def test_few_heads_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_HEADS", 2)
    monkeypatch.setattr(module, "_MOST_SEEN", 3)
    for number in range(8):
        for _ in range(2):
            assert read_common_head(head(LENGTH, b"x: %d" % number)) is not None
        assert 1 <= len(module._heads) <= 2
        assert 1 <= len(module._seen) <= 3


def test_lines_are_remembered_but_neither_secrets_nor_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known: dict[bytes, tuple[bytes, bytes]] = {}
    monkeypatch.setattr(module, "_fields", known)
    monkeypatch.setattr(module, "_MOST_LINES", 2)
    long = b"x-long: " + b"x" * 300
    assert read_common_head(head(LENGTH, b"Set-Cookie: secret", long)) is not None
    assert list(known) == [b"Content-Length: "]
    for number in range(3):
        assert read_common_head(head(LENGTH, b"x: %d" % number)) is not None
        assert len(known) <= 2
