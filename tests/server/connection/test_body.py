"""Bodies in any pieces: the same payload that llhttp reads, and nothing of what follows."""

from collections.abc import Sequence

import httptools
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.server.connection.body import (
    MAX_ASIDE,
    MAX_CHUNK_LINE,
    MAX_LINES,
    Chunked,
    FixedLength,
    Framing,
)

NEXT = b"GET /v1/models HTTP/1.1\r\nHost: h\r\n\r\n"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"

cuts = st.lists(st.integers(1, 60), max_size=8)


class _Reading:
    """What llhttp reads after a head; `payload` is that of the first message."""

    def __init__(self, sent: bytes) -> None:
        self.payload = b""
        self.complete = False
        self.refused = False
        parser = httptools.HttpRequestParser(self)
        parser.feed_data(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            parser.feed_data(sent)
        except httptools.HttpParserError:
            self.refused = not self.complete

    def on_body(self, data: bytes) -> None:
        if not self.complete:
            self.payload += data

    def on_message_complete(self) -> None:
        self.complete = True


def cut(sent: bytes, sizes: Sequence[int]) -> list[bytes]:
    pieces = []
    for size in sizes:
        pieces.append(sent[:size])
        sent = sent[size:]
    return [piece for piece in [*pieces, sent] if piece]


def fed(framing: Framing, pieces: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Feed pieces until the body is complete; return its payload and what follows it."""
    payload = b""
    for position, piece in enumerate(pieces):
        payload += framing.feed(piece)
        while framing.postponed:
            payload += framing.feed(framing.postponed)
        if framing.complete:
            return payload, framing.rest + b"".join(pieces[position + 1 :])
        assert framing.rest == b""
    return payload, b""


def refused(sent: bytes, sizes: Sequence[int] = ()) -> bool:
    try:
        fed(Chunked(), cut(sent, sizes))
    except InvalidRequest:
        return True
    return False


# --- a length ---------------------------------------------------------------------------------


@given(body=st.binary(max_size=100), rest=st.binary(max_size=50), sizes=cuts)
def test_a_length_is_taken_and_no_more(body: bytes, rest: bytes, sizes: list[int]) -> None:
    framing = FixedLength(len(body))
    assert framing.complete is (body == b"")
    pieces = cut(body + rest, sizes) or [b""]
    assert fed(framing, pieces) == (body, rest)
    assert framing.complete


@given(body=st.binary(min_size=1, max_size=100), sizes=cuts)
def test_a_body_that_lacks_a_byte_is_not_complete(body: bytes, sizes: list[int]) -> None:
    framing = FixedLength(len(body))
    assert fed(framing, cut(body[:-1], sizes)) == (body[:-1], b"")
    assert not framing.complete


# --- chunks -----------------------------------------------------------------------------------

sizes_written = st.sampled_from(["%x", "%X", "%05x", "%015x"])
extensions = st.sampled_from([b"", b";a", b";a=b", b";a=b;c", b';a="b c"', b';a="\\"";b=1'])
trailers = st.lists(
    st.sampled_from([b"A: b", b"A:", b"X-Sum:\t1 ", b"a!#$%&'*+-.^_`|~9: \xff", b"Expires: 0"]),
    max_size=3,
)


@st.composite
def chunked(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Return a payload, and it in chunks of any sizes."""
    payload = draw(st.lists(st.binary(min_size=1, max_size=40), max_size=4))
    lines = []
    for piece in payload:
        size = (draw(sizes_written) % len(piece)).encode()
        lines += [size + draw(extensions), piece]
    lines += [draw(st.sampled_from([b"0", b"00"])) + draw(extensions), *draw(trailers), b""]
    return b"".join(payload), b"".join(line + b"\r\n" for line in lines)


@given(body=chunked(), rest=st.sampled_from([b"", b"\r\n", NEXT, b"\x00"]), sizes=cuts)
def test_chunks_in_any_cuts_are_what_llhttp_reads(
    body: tuple[bytes, bytes], rest: bytes, sizes: list[int]
) -> None:
    payload, sent = body
    reading = _Reading(sent)
    assert (reading.payload, reading.complete) == (payload, True)
    framing = Chunked()
    assert fed(framing, cut(sent + rest, sizes)) == (payload, rest)
    assert framing.complete


@given(body=chunked(), sizes=cuts, missing=st.integers(1, 200))
def test_chunks_without_their_end_are_not_complete(
    body: tuple[bytes, bytes], sizes: list[int], missing: int
) -> None:
    _, sent = body
    sent = sent[: max(0, len(sent) - missing)]
    framing = Chunked()
    payload, rest = fed(framing, cut(sent, sizes))
    assert (framing.complete, rest) == (False, b"")
    assert payload == _Reading(sent).payload


fragments = st.lists(
    st.sampled_from(
        [
            *(b"0", b"1", b"5", b"a", b"-1", b"0x5", b"\r\n", b"\r\n", b"\r\n", b"\r", b"\n"),
            *(b"hello", b"x", b" ", b"\t", b";", b";a=b", b"A: b", b"A", b":", b"\x00", b"\xff"),
        ]
    ),
    max_size=14,
).map(b"".join)


@given(sent=fragments, sizes=cuts)
@example(HELLO.replace(b"5", b"5 "), [])
@example(HELLO.replace(b"\r\n", b"\n", 1), [])
@example(HELLO.replace(b"hello", b"hello!"), [])
@example(HELLO.replace(b"0\r\n", b"0\n"), [])
def test_what_llhttp_refuses_is_refused(sent: bytes, sizes: list[int]) -> None:
    """But for the contents of extensions, which llhttp takes apart and which mean nothing here."""
    reading = _Reading(sent)
    if reading.refused:
        assert refused(sent, sizes) or b";" in sent or not _is_whole(sent)
    else:
        framing = Chunked()
        payload, _ = fed(framing, cut(sent, sizes))
        assert (payload, framing.complete) == (reading.payload, reading.complete)


def _is_whole(sent: bytes) -> bool:
    """Whether the last line is here: it is judged as a whole, by llhttp byte by byte."""
    framing = Chunked()
    fed(framing, [sent])
    return framing.complete or not framing._line


@pytest.mark.parametrize(
    "sent",
    [
        *(b"5\nhello\r\n0\r\n\r\n", b"5\r\nhello\n0\r\n\r\n", b"0\n\r\n", b"0\r\n\n"),
        *(b"5\r\r\nhello\r\n", b"5\r\nhello!\r\n", b"5\r\nhello6\r\n", b"\r\n", b" 5\r\n"),
        *(b"+5\r\n", b"-5\r\n", b"0x5\r\n", b"5_0\r\n", b"5 5\r\n", b"5 \r\n", b"5\t\r\n"),
        *(b"5 a\r\n", b"5;a\rb\r\n", b"5;\x00\r\n", b"5;\x7f\r\n", b"\xb5\r\n", b"\r\nhello"),
        *(
            b"0\r\nA\r\n",
            b"0\r\n: b\r\n",
            b"0\r\nA : b\r\n",
            b"0\r\n A: b\r\n",
            b"0\r\nA: \r\x01\r\n",
        ),
        *(b"0\r\nA: b\r\n c\r\n", b"0\r\nA: \x00\r\n", b"0\r\nA: b\n\r\n", b"0\r\n\xe4: b\r\n"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(sent: bytes) -> None:
    with pytest.raises(InvalidRequest, match="chunked request body is malformed") as caught:
        fed(Chunked(), [sent])
    assert (caught.value.status, caught.value.code) == (400, "invalid_http")
    assert refused(sent, [1] * len(sent))


@pytest.mark.parametrize("digits", [16, 17, 40])
def test_a_size_has_fifteen_digits_at_most(digits: int) -> None:
    """Stricter than llhttp, which takes any number of zeros: no client writes them."""
    assert refused(b"5".rjust(digits, b"0") + b"\r\n")
    assert refused(b"f" * digits + b"\r\n")
    assert not refused(b"f" * 15 + b"\r\n")


@pytest.mark.parametrize(
    "field",
    [b"Content-Length: 5", b"Transfer-Encoding: gzip", b"Connection: close", b"Upgrade: h2c"],
)
def test_a_trailer_that_would_frame_a_message_frames_nothing(field: bytes) -> None:
    sent = b"5\r\nhello\r\n0\r\n" + field + b"\r\n\r\n"
    assert fed(Chunked(), [sent + NEXT]) == (b"hello", NEXT)


@pytest.mark.parametrize(
    "extension", [b" ;a=b", b";", b"; a = b", b";a b", b";\xff", b';"', b";\t"]
)
def test_an_extension_is_not_taken_apart(extension: bytes) -> None:
    """More lenient than llhttp: what an extension says changes nothing about where a chunk ends."""
    sent = b"5" + extension + b"\r\nhello\r\n0" + extension + b"\r\n\r\n"
    assert fed(Chunked(), [sent + NEXT]) == (b"hello", NEXT)


# --- limits -----------------------------------------------------------------------------------


def piecewise(sent: bytes) -> list[list[bytes]]:
    """Return what is sent, whole and in pieces."""
    return [[sent], cut(sent, [1000] * (len(sent) // 1000))]


@pytest.mark.parametrize("begin", [b"5;", b"0\r\nA: "], ids=["extension", "trailer"])
def test_a_line_has_a_limit_with_and_without_its_end(begin: bytes) -> None:
    line = begin.rpartition(b"\n")[2]
    longest = begin + b"x" * (MAX_CHUNK_LINE - len(line) - 2) + b"\r\n"
    for pieces in piecewise(longest):
        fed(Chunked(), pieces)
    for longer in (longest.replace(b"x\r\n", b"xx\r\n"), longest.replace(b"\r\n", b"") + b"x" * 9):
        for pieces in piecewise(longer):
            with pytest.raises(InvalidRequest, match=r"longer than 4096 bytes|begin with its size"):
                fed(Chunked(), pieces)


def test_all_extensions_and_trailers_together_have_a_limit() -> None:
    extension, trailer = b";" + b"x" * 1023, b"A: " + b"x" * 1021 + b"\r\n"
    count = MAX_ASIDE // 1024
    chunk = b"1" + extension + b"\r\nx\r\n"
    for sent, more in (
        (chunk * count, b"1;\r\nx\r\n"),
        (b"0\r\n" + trailer * count, b"A:\r\n"),
        (b"0" + extension + b"\r\n" + trailer * (count - 1), b"A:\r\n"),
    ):
        fed(Chunked(), [sent])
        with pytest.raises(InvalidRequest, match="extensions and trailers are longer"):
            fed(Chunked(), [sent + more])


def test_a_body_of_tiny_chunks_has_no_limit_of_its_own() -> None:
    payload, rest = fed(Chunked(), [b"1\r\nx\r\n" * 50_000 + b"0\r\n\r\n"])
    assert (payload, rest) == (b"x" * 50_000, b"")


def test_tiny_chunks_are_taken_a_part_at_a_time() -> None:
    framing = Chunked()
    data = b"1\r\nx\r\n" * 1000 + b"0\r\n\r\nnext"
    assert framing.feed(data) == b"x" * (MAX_LINES // 2)
    assert framing.postponed == data[MAX_LINES * 3 :]
    assert not framing.complete
