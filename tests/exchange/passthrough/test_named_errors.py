"""A late error in an alias's stream names it; nothing else of the stream is changed."""

import asyncio
from collections.abc import Sequence

import pytest

from gateway.config.settings import ModelRule
from gateway.errors import TruncatedStream
from gateway.exchange.bodies.apart import Apart
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.passthrough.forward import Forwarder
from gateway.request import Request
from gateway.shapes import RawHeaders
from tests.exchange.scene import ALICE, Scene
from tests.fakes import EVENT_STREAM, FakeReply

PATH = "/images/generations"
RULES = (ModelRule("mine", model="dall-9"),)
PICTURE = b'event: image_generation.partial_image\ndata: {"model":"dall-9","b64_json":"x"}\n\n'
ERROR = b'event: error\ndata: {"error":{"message":"dall-9 is busy, not dall-9-hd","code":"x"}}\n\n'
NAMED = ERROR.replace(b"dall-9 is", b"mine is")


async def passed(came: FakeReply, model: str = "mine") -> ClientReply:
    scene = Scene(lambda _: came, rules=RULES)
    forwarder = Forwarder(scene.settings, scene.resolver, scene.network.send, Apart())
    body = b'{"model": "%b", "stream": true}' % model.encode()
    return await forwarder.run(Request("POST", PATH, b"", ALICE, body), Decision())


def received(came: FakeReply, model: str = "mine") -> bytes:
    async def run() -> bytes:
        reply = await passed(came, model)
        assert not isinstance(reply.body, bytes)
        try:
            return b"".join([piece async for piece in reply.body])
        finally:
            await reply.body.aclose()

    return asyncio.run(run())


def pieces(data: bytes, size: int) -> Sequence[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("line", [b"\n", b"\r\n"])
def test_a_late_error_names_the_alias(size: int, line: bytes) -> None:
    data = (PICTURE + ERROR + PICTURE).replace(b"\n", line)
    came = FakeReply(200, EVENT_STREAM, pieces(data, size))
    assert received(came) == (PICTURE + NAMED + PICTURE).replace(b"\n", line)
    assert came.closed


def test_what_is_no_aliass_or_cannot_be_changed_stays() -> None:
    data = PICTURE + ERROR
    length: RawHeaders = ((b"content-length", b"%d" % len(data)),)
    coded: RawHeaders = ((b"content-encoding", b"br"),)
    kind: RawHeaders = ((b"content-type", b"application/octet-stream"),)
    assert received(FakeReply(200, EVENT_STREAM, (data,)), "dall-9") == data
    for fields in ((*EVENT_STREAM, *length), (*EVENT_STREAM, *coded), kind):
        assert received(FakeReply(200, fields, (data,))) == data


def test_a_stream_that_breaks_off_ends_as_any_other() -> None:
    async def run() -> None:
        came = FakeReply(200, EVENT_STREAM, (PICTURE,), error=TruncatedStream("It broke off."))
        body = (await passed(came)).body
        assert not isinstance(body, bytes)
        sent: list[bytes] = []

        def sink(piece: bytes) -> bool:
            sent.append(piece)
            body.resume()
            return True

        await body.pipe(sink)
        assert b"It broke off." in b"".join(sent)
        assert body.failure is not None
        assert not body.is_complete
        assert body.tokens is None
        assert body.cut_off(TruncatedStream("again")) is not None
        await body.aclose()
        assert came.closed

    asyncio.run(run())
