"""What would be passed on as it came loses its compression, in bounded pieces."""

import asyncio
import gzip
import zlib
from collections.abc import Callable

import pytest

from gateway.errors import GatewayError, TruncatedStream, UpstreamError
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.reply.body import ReplyBody
from gateway.exchange.reply.untouched import passed_on
from gateway.exchange.reply.without_compression import without_compression
from tests.fakes import FakeReply

CODINGS: dict[bytes, Callable[[bytes], bytes]] = {b"gzip": gzip.compress, b"deflate": zlib.compress}
USAGE = b'{"usage":{"input_tokens":3,"output_tokens":5,"total_tokens":8}}'


def head(coding: bytes) -> list[tuple[bytes, bytes]]:
    return [
        *((b"content-type", b"application/json"), (b"content-length", b"9")),
        *((b"content-encoding", coding), (b"x-a", b"b")),
    ]


def streamed(coding: bytes, *pieces: bytes, error: GatewayError | None = None) -> ClientReply:
    return passed_on(FakeReply(200, tuple(head(coding)), pieces, error))


def read(body: bytes | ReplyBody, *, is_slow: bool = False) -> list[bytes]:
    """Return the pieces of a body; a client that `is_slow` resumes after each of them."""
    assert isinstance(body, ReplyBody)
    pieces: list[bytes] = []

    def sink(piece: bytes) -> bool:
        pieces.append(piece)
        if is_slow:
            asyncio.get_running_loop().call_soon(body.resume)
        return not is_slow

    async def run() -> None:
        try:
            await body.pipe(sink)
        finally:
            await body.aclose()

    asyncio.run(run())
    return pieces


def test_a_reply_without_compression_is_itself() -> None:
    for reply in (ClientReply(200, head(b"identity"), b"{}"), streamed(b"identity", b"{}")):
        assert without_compression(reply) is reply


@pytest.mark.parametrize("is_slow", [False, True])
@pytest.mark.parametrize("coding", CODINGS)
def test_a_body_is_uncompressed_however_it_comes(coding: bytes, *, is_slow: bool) -> None:
    packed = CODINGS[coding](USAGE)
    cut = [packed[at : at + 7] for at in range(0, len(packed), 7)]
    for came in (ClientReply(200, head(coding), packed), streamed(coding, *cut)):
        reply = without_compression(came)
        assert reply.headers == [(b"content-type", b"application/json"), (b"x-a", b"b")]
        assert b"".join(read(reply.body, is_slow=is_slow)) == USAGE
        assert isinstance(reply.body, ReplyBody)
        assert (reply.body.tokens, reply.body.failure) == ((3, 5), None)


def test_what_only_claims_to_be_compressed_is_as_it_is() -> None:
    for coding in (b"gzip", b"br"):
        reply = without_compression(ClientReply(200, head(coding), b"{}"))
        assert read(reply.body) == [b"{}"]


def test_what_comes_out_comes_in_bounded_pieces_and_waits_for_the_client() -> None:
    bomb = gzip.compress(bytes(10_000_000))
    for came in (ClientReply(200, head(b"gzip"), bomb), streamed(b"gzip", bomb)):
        pieces = read(without_compression(came).body, is_slow=True)
        assert sum(map(len, pieces)) == 10_000_000
        assert max(map(len, pieces)) <= 64 * 1024


def test_what_cannot_be_read_is_an_error() -> None:
    packed = gzip.compress(USAGE)
    for body, kind, said in (
        (packed[:-9], TruncatedStream, "before all of its compressed body"),
        (packed[:10] + b"\xff" * 9, UpstreamError, "its compressed body cannot be read"),
    ):
        for came in (ClientReply(200, head(b"gzip"), body), streamed(b"gzip", body)):
            with pytest.raises(kind, match=said):
                read(without_compression(came).body)
    with pytest.raises(UpstreamError, match="compressed as 'br'"):
        read(without_compression(ClientReply(200, head(b"br"), b"\x1b\x36\x00\x00\x00\x00")).body)


def test_what_breaks_off_does() -> None:
    came = streamed(b"gzip", gzip.compress(USAGE)[:9], error=TruncatedStream("Gone."))
    with pytest.raises(TruncatedStream, match="Gone"):
        read(without_compression(came).body)


@pytest.mark.parametrize(
    ("coding", "body", "text"),
    [
        (b"gzip", gzip.compress(b'{"error":"No."}'), b'{"error":"No."}'),
        (b"br", b"\x1b\x36\x00\x00\x00\x00", b"compressed as 'br'"),
    ],
)
def test_errors_keep_their_status(coding: bytes, body: bytes, text: bytes) -> None:
    reply = without_compression(ClientReply(429, head(coding), body))
    assert isinstance(reply.body, bytes)
    assert text in reply.body
    assert (reply.status, b"content-encoding" in dict(reply.headers)) == (429, False)
