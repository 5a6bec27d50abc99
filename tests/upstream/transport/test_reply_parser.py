import gc
import weakref
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import GatewayError, Reason, TruncatedStream, UpstreamError
from gateway.shapes import RawHeaders
from gateway.upstream.transport.reply_parser import HEAD_LIMIT, ClosedUnanswered, ReplyParser
from gateway.upstream.transport.single_chunk import events_in
from tests.upstream.scripted import chunked, with_length
from tests.upstream.transport.test_single_chunk import HEAD as CHUNKED_HEAD
from tests.upstream.transport.test_single_chunk import chunk

Outcome = tuple[int, RawHeaders, bytes, bool, bool]


def parse(*parts: bytes, head_only: bool = False, end: bool = False) -> Outcome:
    parser = ReplyParser("local", head_only=head_only)
    body = b""
    for part in parts:
        parser.feed(part)
        body += parser.take()
    if end:
        parser.eof()
    return parser.status, parser.headers, body, parser.complete, parser.keep_alive


REPLIES = [
    with_length(b""),
    with_length(b"some body", "404 Not Found", "X-A: 1", "X-a: 2"),
    chunked(b"one", b"two", b"x" * 1000),
    b"HTTP/1.1 100 Continue\r\n\r\n" + chunked(b"after"),
    chunked(b"with")[:-2] + b"Trailer-Field: 1\r\nOther: 2\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n",
]


@given(st.sampled_from(REPLIES), st.lists(st.integers(0, 1200), max_size=8))
def test_any_cutting_of_a_reply_gives_the_same(raw: bytes, cuts: list[int]) -> None:
    edges = sorted({0, len(raw), *(min(cut, len(raw)) for cut in cuts)})
    parts = [raw[start:end] for start, end in pairwise(edges)]
    assert parse(*parts) == parse(raw)
    assert parse(raw)[3:] == (True, True)


@pytest.mark.parametrize("raw", REPLIES)
def test_byte_by_byte_gives_the_same(raw: bytes) -> None:
    assert parse(*(raw[at : at + 1] for at in range(len(raw)))) == parse(raw)


@pytest.mark.parametrize("raw", REPLIES)
def test_a_reply_that_ends_early_is_an_error_that_says_where(raw: bytes) -> None:
    body_starts = raw.rindex(b"\r\n\r\n") + 4 if b"chunked" not in raw else None
    for cut in range(len(raw)):
        parser = ReplyParser("local")
        for byte in raw[:cut]:
            parser.feed(bytes([byte]))
        with pytest.raises(UpstreamError, match="Upstream 'local' closed") as caught:
            parser.eof()
        assert isinstance(caught.value, ClosedUnanswered) == (cut == 0)
        assert isinstance(caught.value, TruncatedStream) == parser.head_complete
        assert not parser.keep_alive
        assert body_starts is None or parser.head_complete == (cut >= body_starts)


@given(st.binary(max_size=300), st.booleans())
def test_bytes_at_random_give_nothing_but_an_upstream_error(junk: bytes, headed: bool) -> None:
    try:
        parse(b"HTTP/1.1 200 OK\r\n" + junk if headed else junk, end=True)
    except UpstreamError:
        pass
    except GatewayError as error:
        raise AssertionError from error


@pytest.mark.parametrize("head_only", [True, False])
def test_a_server_that_speaks_tls_is_recognised_by_its_alert(*, head_only: bool) -> None:
    parser = ReplyParser("local", head_only=head_only)
    with pytest.raises(UpstreamError, match="base_url may have to begin with https://") as caught:
        parser.feed(b"\x15\x03\x01\x00\x02\x02\x46")
    assert caught.value.reason is Reason.BAD_HTTP
    assert not parser.keep_alive


def test_a_body_can_last_until_the_end_of_the_connection() -> None:
    outcome = parse(b"HTTP/1.1 200 OK\r\n\r\nall of it", end=True)
    assert outcome == (200, (), b"all of it", True, False)


def test_the_end_after_a_whole_reply_changes_nothing_but_the_reuse() -> None:
    assert parse(with_length(b"x"), end=True)[2:] == (b"x", True, False)


@pytest.mark.parametrize(
    "raw",
    [
        with_length(b"x", "200 OK", "Connection: close"),
        b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
        with_length(b"x") + b"\0",
        with_length(b"x") + b"HTTP/1.1 200 OK\r\n",
        with_length(b"x") + with_length(b"another"),
        chunked(b"x") + with_length(b"another"),
        chunked(b"x") + b"\0",
        b"HTTP/1.1 100 Continue\r\n\r\n" + with_length(b"x") + with_length(b"another"),
        with_length(b"x", "200 OK", "Connection: close") + with_length(b"another"),
    ],
)
def test_such_replies_end_the_use_of_their_connection(raw: bytes) -> None:
    assert parse(raw)[2:] == (b"x", True, False)


def test_bytes_after_a_reply_in_a_read_of_their_own_end_the_use_of_the_connection() -> None:
    assert parse(with_length(b"x"), b"y")[2:] == (b"x", True, False)


def test_a_reply_to_head_announces_a_body_and_has_none() -> None:
    assert parse(with_length(b"")[:-5] + b"9\r\n\r\n", head_only=True)[2:] == (b"", True, True)
    assert parse(chunked()[:-5], head_only=True)[2:] == (b"", True, True)
    assert parse(with_length(b"sent anyway"), head_only=True)[2:] == (b"", True, False)
    assert parse(chunked(b"sent anyway"), head_only=True)[2:4] == (b"", True)


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            "switched",
        ),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "switched"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "transfer coding"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n", "transfer coding"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: " + b"0" * 20 + b"\r\n\r\n", "more than 19 digits"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"x" * HEAD_LIMIT + b"\r\n\r\n", "its head is longer"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"x" * HEAD_LIMIT, "its head is longer"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 3000, "its head is longer"),
        (b"hello", r"not HTTP/1\.1"),
    ],
)
def test_a_head_that_cannot_be_used_is_an_upstream_error(raw: bytes, complaint: str) -> None:
    with pytest.raises(UpstreamError, match=complaint) as caught:
        parse(raw)
    assert type(caught.value) is UpstreamError


def test_an_endless_row_of_small_interim_replies_is_too_long_a_head() -> None:
    parser = ReplyParser("local")
    interim = b"HTTP/1.1 102 Processing\r\n\r\n"
    for _ in range(HEAD_LIMIT // len(interim)):
        parser.feed(interim)
    with pytest.raises(UpstreamError, match="its head is longer"):
        parser.feed(interim)


@pytest.mark.parametrize(
    ("tail", "complaint"),
    [
        (b"zz\r\n", "not HTTP"),
        (b"0\r\n" + b"A: 123456\r\n" * 8000 + b"\r\n", "around its body is longer"),
        (b"0\r\nA: " + b"x" * HEAD_LIMIT, "around its body is longer"),
        (b"1;" + b"x" * 2 * HEAD_LIMIT, "around its body is longer"),
    ],
)
def test_a_body_that_cannot_be_read_on_is_truncated(tail: bytes, complaint: str) -> None:
    parser = ReplyParser("local")
    parser.feed(chunked(b"good")[:-5])
    with pytest.raises(TruncatedStream, match=complaint):
        parser.feed(tail)
    assert parser.take() == b"good"
    parser.feed(b"more")
    assert not parser.complete


def test_small_chunks_in_great_number_are_not_overhead() -> None:
    parser = ReplyParser("local")
    parser.feed(chunked()[:-5])
    for _ in range(HEAD_LIMIT // 4):
        parser.feed(b"1\r\nx\r\n")
        assert parser.take() == b"x"


def test_what_waits_is_counted_until_it_is_taken_or_forgotten() -> None:
    parser = ReplyParser("local")
    parser.feed(chunked(b"four")[:-5] + b"2\r\nab\r\n")
    assert parser.buffered == 6
    assert parser.take() == b"fourab"
    assert (parser.buffered, parser.take()) == (0, b"")
    parser.feed(b"1\r\nx\r\n")
    parser.forget()
    assert (parser.buffered, parser.take()) == (0, b"")


def test_a_parser_that_is_done_needs_no_garbage_collector() -> None:
    class Watched(ReplyParser):
        __slots__ = ("__weakref__",)

    parser = Watched("local")
    parser.feed(with_length(b"x"))
    gone = weakref.ref(parser)
    gc.disable()
    try:
        del parser
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("line", [b"HTTP/2.0 200 OK", b"HTTP/0.9 200 OK", b"HTTP/1.1 099 No"])
@pytest.mark.parametrize("step", [1, 1000])
def test_a_status_line_of_another_protocol_is_refused(line: bytes, step: int) -> None:
    parser = ReplyParser("local")
    data = line + b"\r\ncontent-length: 0\r\n\r\n"

    def feed() -> None:
        for start in range(0, len(data), step):
            parser.feed(data[start : start + step])

    with pytest.raises(UpstreamError, match="status line"):
        feed()


EVENT = b"data: 1\n\n"


@pytest.mark.parametrize(
    ("reads", "known"),
    [
        ([CHUNKED_HEAD], False),
        ([CHUNKED_HEAD, chunk(EVENT)], True),
        ([CHUNKED_HEAD + chunk(EVENT)], False),
        ([CHUNKED_HEAD + chunk(EVENT), chunk(EVENT)], True),
        ([CHUNKED_HEAD, chunk(EVENT), chunk(EVENT) + chunk(EVENT)], False),
        ([CHUNKED_HEAD, chunk(EVENT), chunk(EVENT)[:-1]], False),
        ([CHUNKED_HEAD, b"1f\r\n", chunk(EVENT)], False),  # the content of a chunk looks like one
        ([CHUNKED_HEAD, b"e\r\n" + chunk(EVENT) + b"\r\n" + chunk(EVENT)], False),
        ([CHUNKED_HEAD, b"0", chunk(EVENT)], True),  # the size is 09
        ([CHUNKED_HEAD, b"1", chunk(EVENT)[:-2]], False),  # the size is 19
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", chunk(EVENT)], False),
        ([b"HTTP/1.1 200 OK\r\n\r\n", chunk(EVENT)], False),
        ([CHUNKED_HEAD, chunk(EVENT), b"0\r\n\r\n"], False),
    ],
)
def test_it_is_known_whether_the_parser_is_between_two_chunks(
    reads: list[bytes], known: bool
) -> None:
    parser = ReplyParser("local")
    for each in reads:
        parser.feed(each)
    assert parser.between_chunks is known


@given(
    st.lists(
        st.sampled_from([chunk(EVENT), chunk(b"x"), chunk(EVENT) * 2, b"1a\r\n", EVENT]), max_size=6
    ),
    st.lists(st.integers(0, 80), max_size=6),
)
def test_what_is_known_of_the_next_read_is_what_the_parser_finds(
    chunks: list[bytes], cuts: list[int]
) -> None:
    raw = b"".join(chunks)
    edges = sorted({0, len(raw), *(min(cut, len(raw)) for cut in cuts)})
    parser = ReplyParser("local")
    parser.feed(CHUNKED_HEAD)
    for start, end in pairwise(edges):
        found = events_in(raw[start:end]) if parser.between_chunks else b""
        try:
            parser.feed(raw[start:end])
        except UpstreamError:
            assert not found
            return
        taken = parser.take()
        assert not found or (found == taken and parser.between_chunks)
