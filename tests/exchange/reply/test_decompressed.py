"""Replies that came compressed, without being asked for, for every client."""

import asyncio
import gzip
import zlib
from collections.abc import Callable

import pytest

from gateway.errors import TruncatedStream, UpstreamError
from gateway.exchange.reply.decompressed import readable, uncompressed
from gateway.exchange.reply.reading import read_whole
from gateway.replies import BufferedReply
from gateway.shapes import RawHeaders, Shape, UpstreamCall
from tests.exchange.reply.test_whole_body import PAIRS, ask, one_by_one, text_of
from tests.exchange.scene import Scene, chat_completion
from tests.exchange.test_reported_errors import MOVED
from tests.fakes import ArrivedReply, FakeReply, json_reply
from tests.faults.payloads import TEXT, dumped, events, whole

CODINGS: dict[bytes, Callable[[bytes], bytes]] = {b"gzip": gzip.compress, b"deflate": zlib.compress}
BROTLI = b"\x1b\x36\x00"


def head(coding: bytes, kind: bytes = b"application/json") -> RawHeaders:
    return ((b"content-type", kind), (b"content-encoding", coding))


@pytest.mark.parametrize("make", [FakeReply, ArrivedReply])
@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_a_compressed_reply_is_translated(
    client: Shape, home: Shape, coding: bytes, make: type[FakeReply]
) -> None:
    packed = CODINGS[coding](dumped(whole(home)))
    for pieces in ([packed], [packed[:9], packed[9:]]):
        result = ask(client, home, make(200, head(coding), pieces), stream=False)
        assert text_of(client, result) == TEXT
        assert b"content-encoding" not in dict(result.reply.headers)


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_a_stream_is_read_as_it_comes(client: Shape, home: Shape, coding: bytes) -> None:
    packed = CODINGS[coding](b"".join(events(home)))
    pieces = [packed[at : at + 20] for at in range(0, len(packed), 20)]
    for kind in (b"text/event-stream", b"application/json"):
        reply = FakeReply(200, head(coding, kind), pieces)
        assert text_of(client, ask(client, home, reply, stream=True)) == TEXT


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("client", "home"), MOVED)
def test_what_is_cut_off_is_an_error(client: Shape, home: Shape, *, stream: bool) -> None:
    packed = gzip.compress(dumped(whole(home)))
    for make in (FakeReply, ArrivedReply):
        with pytest.raises(TruncatedStream, match="before all of its compressed body"):
            ask(client, home, make(200, head(b"gzip"), [packed[:-9]]), stream=stream)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("client", "home"), MOVED)
def test_what_cannot_be_read_is_called_compressed(
    client: Shape, home: Shape, *, stream: bool
) -> None:
    for make in (FakeReply, ArrivedReply):
        with pytest.raises(UpstreamError, match="compressed as 'br'"):
            ask(client, home, make(200, head(b"br"), [BROTLI]), stream=stream)
    fine = FakeReply(200, head(b"br"), [dumped(whole(home))])
    assert text_of(client, ask(client, home, fine, stream=stream)) == TEXT


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("client", "home"), MOVED)
def test_an_error_says_what_it_says(client: Shape, home: Shape, *, stream: bool) -> None:
    packed = gzip.compress(dumped({"error": {"message": "slow down"}}))
    for status, headers in ((429, head(b"gzip")), (200, head(b"gzip"))):
        for make in (FakeReply, ArrivedReply):
            with pytest.raises(UpstreamError) as raised:
                ask(client, home, make(status, headers, [packed]), stream=stream)
            assert raised.value.message == "slow down"
    with pytest.raises(UpstreamError, match="compressed as 'br'") as raised:
        ask(client, home, FakeReply(429, head(b"br"), [BROTLI]), stream=stream)
    assert raised.value.status == 429


def test_a_refusal_is_understood() -> None:
    message = "This is a chat model and not supported in the v1/completions endpoint."
    refusal = {"error": {"message": message, "type": "invalid_request_error", "param": "model"}}

    def answer(call: UpstreamCall) -> FakeReply:
        if call.path == "/chat/completions":
            return json_reply(chat_completion("Hi"))
        return FakeReply(404, head(b"gzip"), [gzip.compress(dumped(refusal))])

    result = Scene(answer).generate(Shape.COMPLETIONS, {"model": "unheard-of", "prompt": "Hello"})
    assert result.json["choices"][0]["text"] == "Hi"


def test_at_its_own_endpoint_the_bytes_stay_as_they_are() -> None:
    packed = gzip.compress(dumped({"error": {"message": "slow down"}}))
    for status in (429, 200):
        reply = FakeReply(status, head(b"gzip"), [packed])
        result = Scene(one_by_one([reply])).generate(
            Shape.CHAT, {"model": "gpt-4o", "messages": []}
        )
        assert (result.reply.status, result.body) == (status, packed)
        assert (b"content-encoding", b"gzip") in result.reply.headers


@pytest.mark.parametrize("stream", [False, True])
def test_choices_that_are_left_out_of_it_are_asked_for(*, stream: bool) -> None:
    body = b"".join(events(Shape.CHAT)) if stream else dumped(whole(Shape.CHAT))
    kind = b"text/event-stream" if stream else b"application/json"
    scene = Scene(lambda _: FakeReply(200, head(b"gzip", kind), [gzip.compress(body)]))
    asked = {"model": "gpt-4o", "prompt": "Hello", "n": 2, "stream": stream}
    result = scene.generate(Shape.COMPLETIONS, asked)
    shown = result.events[:-1] if stream else [result.json]
    assert {choice["index"] for event in shown for choice in event["choices"]} == {0, 1}


def test_a_reply_that_is_not_compressed_is_itself() -> None:
    plain = BufferedReply(200, head(b"identity"), b"{}")
    assert readable(plain) is plain
    assert uncompressed(plain, 1) is plain


def test_a_body_too_short_to_be_compressed_is_what_it_is() -> None:
    for reply in (BufferedReply(200, head(b"gzip"), b"[]"), BufferedReply(200, head(b"br"), b"")):
        assert asyncio.run(read_whole(readable(reply))) == reply.body
        assert uncompressed(reply, 9).body == reply.body


def test_how_much_comes_out_is_bounded() -> None:
    bomb = BufferedReply(200, head(b"gzip"), gzip.compress(bytes(10_000_000)))
    with pytest.raises(UpstreamError, match="larger than 1000000 bytes"):
        uncompressed(bomb, 1_000_000)
