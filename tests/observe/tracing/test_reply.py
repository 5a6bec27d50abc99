"""A reply with a span is the reply, and its span ends with it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.errors import TruncatedStream
from gateway.observe.outcomes import Outcome
from gateway.observe.tracing.reply import TracedReply
from gateway.observe.tracing.spans import CallSpan
from gateway.replies import BufferedReply, ChunkedReply
from gateway.shapes import RawHeaders
from tests.observe.tracing.ended import call

EVENTS: RawHeaders = ((b"content-type", b"text/event-stream"),)


class Pieces(ChunkedReply):
    """A body in pieces; after the last one it fails, if it is to."""

    def __init__(self, *pieces: bytes, fails: bool = False) -> None:
        super().__init__()
        self.status = 200
        self.headers = EVENTS
        self.closed = False
        self._pieces = pieces
        self._fails = fails

    async def _read(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece
        if self._fails:
            raise TruncatedStream("It ended.")

    async def _close(self) -> None:
        self.closed = True


def whole(status: int = 200) -> tuple[TracedReply, CallSpan]:
    span = call()
    return TracedReply(BufferedReply(status, (), b"{}"), span), span


def test_a_whole_body() -> None:
    reply, span = whole()
    assert (reply.status, reply.headers, reply.ended, reply.peek()) == (200, (), True, b"{}")
    assert span.first
    assert not span.ended
    assert reply.arrived() == b"{}"
    assert (span.status, span.error, span.beginning, span.is_stream) == (200, "", b"{}", False)
    assert span.ended


@pytest.mark.parametrize("status", [400, 404, 503])
def test_an_error_status(status: int) -> None:
    _, span = whole(status)
    assert (span.status, span.error) == (status, str(status))


def test_reading_chunks_notes_the_first_and_the_end() -> None:
    async def read() -> None:
        span = call()
        reply = TracedReply(Pieces(b"a", b"b"), span)
        begun = (span.first, span.is_stream, reply.arrived())
        assert begun == (0, True, None)
        assert await reply.more(1)
        assert span.first > 0
        assert span.ended == 0
        assert [chunk async for chunk in reply.chunks()] == [b"a", b"b"]
        assert span.ended > 0
        assert span.beginning == b"ab"
        assert not await reply.more(1)

    asyncio.run(read())


def test_piping_notes_the_first_and_the_end() -> None:
    async def read() -> None:
        span = call()
        reply = TracedReply(Pieces(b"a", b"b"), span)
        taken: list[bytes] = []

        def sink(piece: bytes) -> bool:
            taken.append(piece)
            asyncio.get_running_loop().call_soon(reply.resume_reading)
            return False

        await reply.pipe(sink)
        assert taken == [b"a", b"b"]
        assert span.ended
        assert span.beginning == b"ab"

    asyncio.run(read())


async def drained(reply: TracedReply) -> None:
    async for _ in reply.chunks():
        pass


@pytest.mark.parametrize("piped", [True, False])
@pytest.mark.parametrize("before", [b'{"a": 1, "mo', b': hello\n\ndata: {"mo'])
def test_a_model_is_found_that_comes_in_pieces(before: bytes, piped: bool) -> None:
    async def read() -> None:
        span = call()
        reply = TracedReply(Pieces(before, b'del": "gpt-x"}', b"\n\n"), span)
        await (reply.pipe(lambda _: True) if piped else drained(reply))
        assert span.closed(0, Outcome.SUCCESS).answered_by == "gpt-x"

    asyncio.run(read())


@pytest.mark.parametrize("piped", [True, False])
def test_a_body_that_breaks_off(piped: bool) -> None:
    async def read() -> None:
        span = call()
        reply = TracedReply(Pieces(b"a", fails=True), span)
        with pytest.raises(TruncatedStream):
            await (reply.pipe(lambda _: True) if piped else drained(reply))
        assert span.error == "truncated"
        assert span.ended

    asyncio.run(read())


def test_a_body_that_is_given_up_ends_with_its_request() -> None:
    async def read() -> None:
        span = call()
        pieces = Pieces(b"a")
        reply = TracedReply(pieces, span)
        await reply.more(1)
        await reply.aclose()
        assert pieces.closed
        assert not span.ended

    asyncio.run(read())
