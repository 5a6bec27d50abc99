"""A body that is looked at before it is read: by the flight itself, without waking anybody else."""

import asyncio

import pytest

from gateway.errors import TruncatedStream, UpstreamTimeout
from gateway.upstream.transport.arriving_reply import UNREAD_LIMIT
from tests.upstream.conftest import read
from tests.upstream.scripted import chunked, with_length
from tests.upstream.transport.test_flight import Stage

pytestmark = pytest.mark.anyio

RAW = chunked(b"the ", b"whole", b" body")
HEAD = RAW.index(b"\r\n\r\n") + 4
BODY = b"the whole body"


async def test_what_is_looked_at_stays_to_be_taken() -> None:
    stage = Stage()
    await stage.deliver(RAW)
    flight = stage.flight
    assert (flight.peek(), flight.peek(), flight.ended) == (BODY, BODY, True)
    assert await flight.more(60) is False
    assert flight.arrived() == BODY
    assert flight.peek() == b""


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize("bytewise", [False, True])
async def test_what_comes_after_a_look_is_not_lost(*, bytewise: bool, piped: bool) -> None:
    for cut in range(HEAD, len(RAW)):
        stage = Stage()
        await stage.deliver(RAW[:cut])
        flight = stage.flight
        looked = flight.peek()
        assert BODY.startswith(looked)
        assert flight.ended is False
        rest = RAW[cut:]
        for piece in [rest[i : i + 1] for i in range(len(rest))] if bytewise else [rest]:
            waiting = asyncio.create_task(flight.more(60))
            await asyncio.sleep(0)
            stage.connection.data_received(piece)
            assert await waiting is True
            looked = flight.peek()
            assert BODY.startswith(looked)
        assert (looked, flight.ended) == (BODY, True)
        pieces: list[bytes] = []
        if piped:
            await flight.pipe(lambda piece, to=pieces: to.append(piece) or True)  # type: ignore[misc]
        else:
            pieces.append(await read(flight))
        assert pieces == [BODY]
        assert (stage.parked, stage.released) == ([stage.connection], 1)


async def test_time_that_is_over_breaks_nothing() -> None:
    stage = Stage(stream_idle=30.0)
    await stage.deliver(RAW[:HEAD])
    assert await stage.flight.more(0.01) is True
    assert await stage.flight.more(0) is False
    stage.connection.data_received(RAW[HEAD:])
    assert await read(stage.flight) == BODY


async def test_an_upstream_that_is_silent_for_too_long_has_failed() -> None:
    stage = Stage(stream_idle=0.01)
    await stage.deliver(RAW[: HEAD + 9])
    assert await stage.flight.more(60) is True
    assert await stage.flight.more(60) is False
    assert stage.flight.peek() == b"the "
    chunks = stage.flight.chunks()
    assert await anext(chunks) == b"the "
    with pytest.raises(UpstreamTimeout):
        await anext(chunks)


async def test_a_body_that_breaks_off_has_not_ended() -> None:
    stage = Stage()
    await stage.deliver(with_length(b"whole")[:-1])
    stage.connection.eof_received()
    assert (stage.flight.peek(), stage.flight.ended) == (b"whol", False)
    assert await stage.flight.more(60) is False
    with pytest.raises(TruncatedStream):
        await read(stage.flight)


async def test_who_stops_waiting_leaves_the_body_as_it_was() -> None:
    stage = Stage()
    await stage.deliver(RAW[:HEAD])
    waiting = asyncio.create_task(stage.flight.more(60))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    stage.connection.data_received(RAW[HEAD:])
    assert await read(stage.flight) == BODY


async def test_reading_goes_on_where_a_look_has_let_too_much_come() -> None:
    stage = Stage()
    big = chunked(b"x" * (UNREAD_LIMIT + 1), b"end")
    await stage.deliver(big[:-13])
    assert stage.transport.calls[-1] == "pause"
    assert len(stage.flight.peek()) == UNREAD_LIMIT + 1
    piping = asyncio.create_task(stage.flight.pipe(lambda _: True))
    await asyncio.sleep(0)
    assert stage.transport.calls[-1] == "resume"
    stage.connection.data_received(big[-13:])
    await piping
