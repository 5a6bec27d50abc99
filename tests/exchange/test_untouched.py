"""Bodies that are passed on as they come, and what is added to those that break off."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec
import pytest

from gateway.errors import TruncatedStream
from gateway.exchange.untouched import passed_on
from gateway.shapes import Shape
from gateway.translate.sse import SSEDecoder
from tests.fakes import EVENT_STREAM, FakeReply

BROKEN = TruncatedStream("it broke off")
EVENT = b'event: response.x\r\ndata: {"type":"response.x","sequence_number":4}\r\n\r\n'
PLAIN = b'data: {"choices":[]}\n\n'


class PouredReply(FakeReply):
    """A reply that can be poured too."""

    last = b""

    async def pour(self, take: Callable[[bytes], bool]) -> None:
        async for piece in self.chunks():
            self.last = piece
            take(piece)

    def resume(self) -> None:
        """Go on."""


async def read(reply: FakeReply, client: Shape | None) -> bytes:
    body = passed_on(reply, client)
    received: list[bytes] = []

    def take(piece: bytes) -> bool:
        received.append(piece)
        return True

    assert body.failure is None
    if body.source is not None:
        await body.source.pour(take)
    else:
        received += [piece async for piece in body]
    await body.aclose()
    assert body.failure is reply.error
    return b"".join(received)


@pytest.mark.parametrize("poured", [False, True])
@pytest.mark.parametrize("bytewise", [False, True])
@pytest.mark.parametrize(
    ("client", "event"), [(Shape.RESPONSES, EVENT), (Shape.CHAT, PLAIN), (None, PLAIN)]
)
def test_the_error_is_an_event_of_its_own_wherever_the_stream_breaks(
    client: Shape | None, event: bytes, *, bytewise: bool, poured: bool
) -> None:
    make = PouredReply if poured else FakeReply
    for length in range(2 * len(event) + 1):
        sent = (event * 2)[:length]
        pieces: Sequence[bytes] = [bytes([byte]) for byte in sent] if bytewise else [sent]
        reply = make(200, EVENT_STREAM, pieces if sent else (), BROKEN)
        received = asyncio.run(read(reply, client))
        assert received.startswith(sent)
        decoder = SSEDecoder()
        last = (*decoder.feed(received), *decoder.finish())[-1]
        told = msgspec.json.decode(last.data)
        assert told["error"]["message"] == "it broke off"
        assert b"[DONE]" not in received
        if client is Shape.RESPONSES:
            assert last.event == told["type"] == "error"
            known = not bytewise and b'number":4' in sent
            assert told["sequence_number"] == (5 if known else 0)
        else:
            assert set(told) == {"error"}
        if length % len(event) == 0 and not bytewise:
            # Between two events: without a blank line, which openai-go takes for an event.
            assert received.removeprefix(sent).startswith((b"data", b"event"))


def test_a_body_that_comes_whole_is_not_added_to() -> None:
    for make in (FakeReply, PouredReply):
        assert asyncio.run(read(make(200, EVENT_STREAM, (PLAIN,)), Shape.CHAT)) == PLAIN
