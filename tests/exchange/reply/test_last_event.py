"""A stream that is read whole is over with its last event, whether or not its connection is."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.config.settings import ModelRule
from gateway.errors import GatewayError, TruncatedStream
from gateway.exchange.reply.last_event import LastEvent
from gateway.shapes import Shape
from tests.exchange.reply.test_whole_body import PAIRS, REQUESTS, text_of
from tests.exchange.scene import Exchanged, Scene
from tests.fakes import EVENT_STREAM, FakeReply
from tests.faults.payloads import TEXT, dumped, events, whole

ERROR = b'data: {"error":{"message":"Slow down","type":"x","code":429}}\n\n'


class OpenReply(FakeReply):
    """A reply whose connection stays open behind its last piece."""

    async def _read(self) -> AsyncIterator[bytes]:
        async for piece in super()._read():
            yield piece
        await asyncio.get_running_loop().create_future()


@pytest.mark.parametrize("home", Shape)
def test_the_last_event_is_known_in_every_shape_and_in_any_pieces(home: Shape) -> None:
    good = events(home)
    *before, last = good
    for pieces in ([*before, last], [b"".join(before), last]):
        looked = LastEvent()
        assert [looked.is_in(piece) for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert LastEvent().is_in(b"".join(good))
    looked = LastEvent()
    found = [looked.is_in(bytes([byte])) for byte in b"".join(good).rstrip(b"\n") + b"\n\n"]
    assert found.index(True) == len(found) - 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"da",
        dumped(whole(Shape.CHAT)),
        b"{}\n\ndata: [DONE]\n\n",
        b'data: {"choices":[{"delta":{"content":"[DONE]"}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"\\"message_stop\\""}}]}\n\n',
        b'data: {"type":["message_stop"]}\n\n',
        b'data: "message_stop"\n\n',
        b'data: {"type":"message_stop\n\n',
        b"data: " + b" " * 40_000_000 + b"\n\ndata: [DONE]\n\n",
    ],
)
def test_nothing_else_is_the_last_event(body: bytes) -> None:
    looked = LastEvent()
    assert not looked.is_in(body)
    assert not looked.is_in(b"")


def test_an_error_is_the_last_event() -> None:
    for error in (ERROR, b"event: error\ndata: no luck\n\n", b"error: no luck\n\n"):
        looked = LastEvent()
        assert not looked.is_in(events(Shape.CHAT)[0])
        assert looked.is_in(error)


@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_an_unasked_stream_is_answered_though_its_connection_stays_open(
    client: Shape, home: Shape
) -> None:
    broken_off = TruncatedStream("The connection broke off.")
    for reply in (
        OpenReply(200, EVENT_STREAM, events(home)),
        FakeReply(200, EVENT_STREAM, [*events(home), b": more\n\n"], broken_off),
    ):
        assert text_of(client, asked(client, home, reply)) == TEXT
        assert reply.closed
    failed = OpenReply(200, EVENT_STREAM, [*events(home, until="text"), ERROR])
    with pytest.raises(GatewayError, match="Slow down"):
        asked(client, home, failed)
    assert failed.closed


def asked(client: Shape, home: Shape, reply: FakeReply) -> Exchanged:
    rule = ModelRule("alias", "served", endpoints=(home,))
    return Scene(lambda _: reply, rules=(rule,)).generate(client, REQUESTS[client])
