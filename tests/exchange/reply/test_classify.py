"""Replies that are answers, and those that only look like it."""

import asyncio
import gzip
from typing import Literal

import msgspec
import pytest

from gateway.errors import TruncatedStream, UpstreamError, UpstreamTimeout
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.reply.classify import ErrorReply, answer_or_error, uncompressed_error
from gateway.exchange.reply.reading import MAX_ERROR_BYTES, Allowance
from gateway.replies import BufferedReply
from gateway.shapes import RawHeaders, UpstreamReply
from tests.fakes import EVENT_STREAM, JSON, ArrivedReply, FakeReply

Passing = Literal["events", "untouched"]
ERROR = b'{"error":{"message":"no"}}'
EVENT = b"data: " + ERROR + b"\n\n"
LONG = b'{"error":{"message":"no","trace":"%b","input":[{"content":"Hi"}]}}' % (b"x" * 9000)
HTML = ((b"content-type", b"text/html"),)
SPEECH = ((b"content-type", b"audio/mpeg"),)


def classified(reply: FakeReply, use: Passing = "untouched") -> UpstreamReply | ErrorReply:
    return asyncio.run(answer_or_error(reply, use, 60))


def whole(reply: FakeReply, allowance: Allowance | None = None) -> BufferedReply | ErrorReply:
    return asyncio.run(answer_or_error(reply, "whole", call=3, allowance=allowance))


def of_length(headers: RawHeaders, size: int) -> RawHeaders:
    return (*headers, (b"content-length", b"%d" % size))


def test_an_error_that_breaks_off_is_still_that_error() -> None:
    reply = FakeReply(500, JSON, (b'{"err',), TruncatedStream("cut"))
    assert classified(reply) == ErrorReply(0, 500, JSON, b"", partial=True)


@pytest.mark.parametrize("before", [b"", b": ping\n\n", b"event: error\n"])
@pytest.mark.parametrize("coded", [False, True])
def test_an_error_of_an_errors_status_may_be_an_event(before: bytes, *, coded: bool) -> None:
    body = before + EVENT + b"data: [DONE]\n\n"
    headers = (*EVENT_STREAM, (b"content-encoding", b"gzip")) if coded else EVENT_STREAM
    body = gzip.compress(body) if coded else body
    error = classified(FakeReply(400, headers, (body,)))
    assert isinstance(error, ErrorReply)
    assert msgspec.json.decode(error.body) == msgspec.json.decode(ERROR)
    assert error.as_came == ClientReply(400, headers, body)


@pytest.mark.parametrize(
    "said",
    [
        {"detail": "Not Found"},
        {"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]},
        {"message": "no such model", "code": 404},
        {"object": "error", "message": "no"},
    ],
)
@pytest.mark.parametrize("before", [b"", b": ping\n\ndata: null\n\n"])
def test_its_error_may_have_any_form(before: bytes, said: object) -> None:
    data = msgspec.json.encode(said)
    body = b"%bdata: %b\n\ndata: [DONE]\n\n" % (before, data)
    error = classified(FakeReply(422, EVENT_STREAM, (body,)))
    assert isinstance(error, ErrorReply)
    assert msgspec.json.decode(error.body) == said
    assert error.as_came == ClientReply(422, EVENT_STREAM, body)


@pytest.mark.parametrize("body", [b"data: {}\n\n", b"data: [DONE]\n\n", b"data", ERROR])
def test_other_bodies_of_an_errors_status_stay(body: bytes) -> None:
    assert classified(FakeReply(400, EVENT_STREAM, (body,))) == ErrorReply(
        0, 400, EVENT_STREAM, body
    )


@pytest.mark.parametrize("use", ["events", "untouched"])
def test_a_small_answer_that_is_not_json_is_left_unread(use: Passing) -> None:
    reply = FakeReply(200, of_length(SPEECH, 2), (b"ok",))
    assert classified(reply, use) is reply
    assert reply.delivered == 0


def test_an_error_too_large_to_be_a_refusal_is_left_unread_where_it_is_passed_on() -> None:
    headers = of_length(JSON, MAX_ERROR_BYTES + 1)
    body = b"x" * (MAX_ERROR_BYTES + 1)
    reply = FakeReply(500, headers, (body,))
    assert classified(reply) is reply
    assert reply.delivered == 0
    for error in (classified(reply, "events"), whole(FakeReply(500, headers, (body,)))):
        assert isinstance(error, ErrorReply)
        assert (error.status, error.partial) == (500, True)


def test_a_whole_answer_is_read_as_far_as_the_allowance_goes() -> None:
    allowance = Allowance(6)
    assert whole(FakeReply(200, JSON, (b"ab", b"cd")), allowance) == BufferedReply(
        200, JSON, b"abcd"
    )
    with pytest.raises(UpstreamError, match="larger than 6 bytes"):
        whole(FakeReply(200, JSON, (b"abc",)), allowance)


@pytest.mark.parametrize("kind", [FakeReply, ArrivedReply])
@pytest.mark.parametrize(
    "headers",
    [JSON, ((b"content-type", b"application/problem+json"),), HTML, ()],
)
@pytest.mark.parametrize("body", [ERROR, LONG, LONG.replace(b"x", b""), b" \n" + LONG])
@pytest.mark.parametrize("announced", [False, True])
def test_an_error_in_a_success_is_an_error(
    kind: type[FakeReply], headers: RawHeaders, body: bytes, *, announced: bool
) -> None:
    headers = of_length(headers, len(body)) if announced else headers
    pieces = [body[:1], body[1:9], body[9:3000], body[3000:]]
    expected = ErrorReply(0, 200, headers, body)
    assert classified(kind(200, headers, pieces)) == expected
    assert classified(kind(200, headers, pieces), "events") == expected
    error = whole(kind(200, headers, pieces))
    assert isinstance(error, ErrorReply)
    assert (error.call, error.body) == (3, body)


@pytest.mark.parametrize("use", ["events", "untouched"])
@pytest.mark.parametrize("announced", [False, True])
@pytest.mark.parametrize(
    "body",
    [
        b'{"error":null,"choices":[],"text":"%b"}' % (b"x" * 9000),
        b'{"error":{"code":0},"choices":[],"text":"%b"}' % (b"x" * 9000),
        b'{"choices":[],"text":"%b"}' % (b"x" * 9000),
        b'{"error":{"message":"%b"}}' % (b"x" * MAX_ERROR_BYTES),
        b'{"error":{"message":"%b","content":' % (b"x" * 9000),
        b'{"error":{"message":"no","content":"cut off',
        b"<html>" + b'"error"' * 9,
    ],
)
def test_other_bodies_are_answers(body: bytes, use: Passing, *, announced: bool) -> None:
    headers = of_length(HTML, len(body)) if announced else HTML
    pieces = [body[at : at + 500] for at in range(0, len(body), 500)]

    async def scenario() -> None:
        reply = await answer_or_error(FakeReply(200, headers, pieces), use, 60)
        assert not isinstance(reply, ErrorReply)
        assert b"".join([chunk async for chunk in reply.chunks()]) == body

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", [FakeReply, ArrivedReply])
@pytest.mark.parametrize("headers", [EVENT_STREAM, JSON, HTML])
def test_an_untouched_stream_that_begins_with_an_error_is_one_and_can_be_passed_on(
    kind: type[FakeReply], headers: RawHeaders
) -> None:
    error = classified(kind(200, headers, (EVENT, b"data: [DONE]\n\n")))
    assert isinstance(error, ErrorReply)
    assert msgspec.json.decode(error.body) == msgspec.json.decode(ERROR)
    assert error.stream is not None

    async def read(stream: UpstreamReply) -> bytes:
        return b"".join([chunk async for chunk in stream.chunks()])

    assert asyncio.run(read(error.stream)).startswith(EVENT)


@pytest.mark.parametrize("headers", [EVENT_STREAM, JSON, ()])
@pytest.mark.parametrize("pieces", [(), (b"",), (b": hello\n\n", b":\r\n\r\n: more")])
@pytest.mark.parametrize("error", [TruncatedStream("cut"), UpstreamTimeout("silent")])
def test_a_reply_that_breaks_off_before_it_says_anything_is_not_passed_on(
    headers: RawHeaders, pieces: tuple[bytes, ...], error: UpstreamError
) -> None:
    reply = FakeReply(200, headers, pieces, error)
    with pytest.raises(type(error)) as raised:
        classified(reply)
    assert raised.value is error
    assert reply.closed


@pytest.mark.parametrize("begun", [b"data: {", b": hello\n\nevent: ping\n", b"\n\nretry: 5\n"])
def test_a_stream_that_breaks_off_in_its_first_event_is_passed_on(begun: bytes) -> None:
    reply = FakeReply(200, EVENT_STREAM, (begun,), TruncatedStream("cut"))
    assert classified(reply) is reply
    silent = FakeReply(200, EVENT_STREAM, (b": hello\n\n",), TruncatedStream("cut"))
    assert asyncio.run(answer_or_error(silent, "untouched", 0)) is silent


@pytest.mark.parametrize("headers", [EVENT_STREAM, JSON])
def test_streams_whose_events_are_translated_are_not_looked_into(headers: RawHeaders) -> None:
    reply = FakeReply(200, headers, (EVENT,))
    answer = classified(reply, "events")
    if headers is EVENT_STREAM:
        assert answer is reply
    else:
        assert not isinstance(answer, ErrorReply)


def test_a_stream_that_begins_as_an_answer_is_passed_on_at_once() -> None:
    chunk = b'data: {"choices":[]}\n\n'
    arriving = FakeReply(200, EVENT_STREAM, (chunk, EVENT))

    async def once_it_has_begun() -> UpstreamReply | ErrorReply:
        assert await arriving.more(60)
        return await answer_or_error(arriving, "untouched", 60)

    assert asyncio.run(once_it_has_begun()) is arriving
    assert classified(ArrivedReply(200, EVENT_STREAM, (chunk,))) == BufferedReply(
        200, EVENT_STREAM, chunk
    )


@pytest.mark.parametrize(
    ("body", "text"), [(gzip.compress(b"No."), b"No."), (b"\x1f\x8b\x08 no", b"cannot be used")]
)
def test_a_compressed_error_is_read_and_kept_as_it_came(body: bytes, text: bytes) -> None:
    came = BufferedReply(429, (*JSON, (b"content-encoding", b"gzip")), body)
    error = uncompressed_error(came, 2, partial=True)
    assert text in error.body
    assert (error.call, error.status, error.partial) == (2, 429, True)
    assert b"content-encoding" not in dict(error.headers)
    assert error.as_came == ClientReply(429, came.headers, body)
