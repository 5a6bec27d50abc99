"""One flight on a connection that the test plays; over real sockets: `test_senders.py`."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest

from gateway.config.settings import TimeoutSettings
from gateway.errors import TruncatedStream, UpstreamTimeout
from gateway.upstream.transport.arriving_reply import UNREAD_LIMIT
from gateway.upstream.transport.connection import Connection
from gateway.upstream.transport.flight import Flight
from gateway.upstream.transport.reply_parser import ClosedUnanswered
from gateway.upstream.transport.terms import Terms
from tests.upstream.conftest import GET, call, read
from tests.upstream.scripted import chunked, with_length
from tests.upstream.transport.test_connection import FakeTransport, Notes

pytestmark = pytest.mark.anyio


class Stage:
    """A flight, its connection, and what became of both."""

    def __init__(self, **timeouts: float) -> None:
        self.transport = FakeTransport()
        self.connection = Connection(Notes())
        self.connection.connection_made(cast("asyncio.BaseTransport", self.transport))
        self.parked: list[Connection] = []
        self.released = 0
        settings = TimeoutSettings(**timeouts)
        self.flight = Flight(Terms("local", settings, self.parked.append, self.release), "GET")

    def release(self) -> None:
        self.released += 1

    async def deliver(self, *received: bytes) -> None:
        """Deliver a request and let these bytes come back."""
        delivering = asyncio.create_task(self.flight.deliver(self.connection, GET, b"head"))
        await asyncio.sleep(0)
        for data in received:
            self.connection.data_received(data)
        await delivering


async def test_the_connection_is_parked_and_released_when_the_reply_is_here() -> None:
    stage = Stage()
    await stage.deliver(with_length(b"body"))
    assert (stage.parked, stage.released) == ([stage.connection], 1)
    assert stage.transport.calls == ["write b'head'"]
    assert await read(stage.flight) == b"body"
    await stage.flight.aclose()
    assert (stage.parked, stage.released) == ([stage.connection], 1)


@pytest.mark.parametrize(
    ("size", "written"),
    [(16_384, f"write {b'head' + b'x' * 16_384!r}"), (16_385, "write [4, 16385]")],
)
async def test_a_large_body_is_written_with_its_head_without_a_copy(
    size: int, written: str
) -> None:
    stage = Stage()
    request = call(b"x" * size)
    delivering = asyncio.create_task(stage.flight.deliver(stage.connection, request, b"head"))
    await asyncio.sleep(0)
    stage.connection.data_received(with_length(b"body"))
    await delivering
    assert stage.transport.calls == [written]


async def test_a_connection_that_was_closed_before_its_first_request_is_unanswered() -> None:
    stage = Stage()
    stage.connection.abort()
    with pytest.raises(ClosedUnanswered):
        await stage.flight.deliver(stage.connection, GET, b"head")
    assert (stage.parked, stage.released) == ([], 0)


async def test_a_failed_delivery_releases_nothing_because_its_caller_does() -> None:
    stage = Stage(first_byte=0.01)
    with pytest.raises(UpstreamTimeout):
        await stage.deliver()
    assert (stage.parked, stage.released, stage.transport.closing) == ([], 0, True)


async def test_a_cancelled_delivery_closes_the_connection() -> None:
    stage = Stage()
    delivering = asyncio.create_task(stage.flight.deliver(stage.connection, GET, b"head"))
    await asyncio.sleep(0)
    stage.connection.data_received(with_length(b"x")[:-1])
    delivering.cancel()
    await asyncio.wait([delivering])
    assert (stage.parked, stage.released, stage.transport.closing) == ([], 0, True)


async def test_reading_pauses_while_too_much_is_unread() -> None:
    stage = Stage()
    big = chunked(b"x" * (UNREAD_LIMIT + 1), b"end")
    await stage.deliver(big[:-13])
    assert stage.transport.calls[-1] == "pause"
    chunks = stage.flight.chunks()
    assert len(await anext(chunks)) == UNREAD_LIMIT + 1
    assert stage.transport.calls[-1] == "resume"
    stage.connection.data_received(big[-13:])
    assert await anext(chunks) == b"end"
    with pytest.raises(StopAsyncIteration):
        await anext(chunks)
    assert stage.released == 1


async def test_what_arrived_before_the_end_is_delivered_before_the_error() -> None:
    stage = Stage()
    await stage.deliver(with_length(b"whole")[:-1])
    stage.connection.eof_received()
    chunks = stage.flight.chunks()
    assert await anext(chunks) == b"whol"
    with pytest.raises(TruncatedStream):
        await anext(chunks)
    assert stage.released == 1


async def test_a_broken_head_and_body_in_one_read_deliver_the_head() -> None:
    stage = Stage()
    await stage.deliver(chunked(b"good")[:-5] + b"not a chunk")
    assert stage.flight.status == 200
    chunks = stage.flight.chunks()
    assert await anext(chunks) == b"good"
    with pytest.raises(TruncatedStream, match="cannot be read further"):
        await anext(chunks)


async def test_an_upload_is_stopped_when_its_connection_is_lost() -> None:
    stopped = asyncio.Event()

    async def upload() -> AsyncIterator[bytes]:
        try:
            yield b"begun"
            await asyncio.Event().wait()
        finally:
            stopped.set()

    stage = Stage()
    request = call(upload())
    delivering = asyncio.create_task(stage.flight.deliver(stage.connection, request, b"head"))
    for _ in range(3):
        await asyncio.sleep(0)
    stage.connection.connection_lost(ConnectionResetError())
    with pytest.raises(ClosedUnanswered):
        await delivering
    assert stopped.is_set()
    assert stage.transport.calls == ["write b'head'", "write b'5\\r\\nbegun\\r\\n'"]


async def test_an_early_reply_cut_short_while_uploading_is_still_an_error() -> None:
    async def upload() -> AsyncIterator[bytes]:
        yield b"begun"
        await asyncio.Event().wait()

    stage = Stage()
    request = call(upload())
    delivering = asyncio.create_task(stage.flight.deliver(stage.connection, request, b"head"))
    await asyncio.sleep(0)
    stage.connection.data_received(with_length(b"no", "413 Content Too Large")[:-1])
    await delivering
    stage.connection.eof_received()
    with pytest.raises(TruncatedStream):
        await read(stage.flight)
    assert (stage.parked, stage.released) == ([], 1)


async def test_a_reply_within_the_write_needs_no_waiting() -> None:
    stage = Stage()

    def answer(data: bytes) -> None:
        stage.connection.data_received(with_length(b"at once"))

    stage.transport.write = answer  # type: ignore[method-assign]
    await stage.flight.deliver(stage.connection, GET, b"head")
    assert stage.flight.arrived() == b"at once"
    assert stage.released == 1


async def test_a_connection_lost_within_the_write_of_a_streamed_request_is_unanswered() -> None:
    async def upload() -> AsyncIterator[bytes]:
        yield b"begun"

    stage = Stage()

    def lose(data: bytes) -> None:
        stage.connection.connection_lost(ConnectionResetError())

    stage.transport.write = lose  # type: ignore[method-assign]
    with pytest.raises(ClosedUnanswered):
        await stage.flight.deliver(stage.connection, call(upload()), b"head")
    assert (stage.parked, stage.released) == ([], 0)


class Begun(Stage):
    """A flight whose request was sent, and who is told of its reply."""

    def __init__(self, **timeouts: float) -> None:
        super().__init__(**timeouts)
        self.told = asyncio.Event()
        self.count = 0
        self.flight.begin(self.connection, b"head", b"body", self.notify)

    def notify(self) -> None:
        self.count += 1
        self.told.set()


async def test_who_begins_is_told_once_when_the_head_is_there() -> None:
    stage = Begun()
    assert stage.transport.calls == ["write b'headbody'"]
    reply = with_length(b"body")
    stage.connection.data_received(reply[:10])
    await asyncio.sleep(0)
    assert stage.count == 0
    stage.connection.data_received(reply[10:-1])
    assert stage.count == 0  # after all reads of the turn
    await stage.told.wait()
    stage.connection.data_received(reply[-1:])
    await asyncio.sleep(0)
    assert stage.count == 1
    assert stage.flight.ended
    stage.flight.take_over()
    assert (stage.parked, stage.released) == ([stage.connection], 1)


async def test_a_begun_request_is_waited_for_as_any_other() -> None:
    stage = Begun()
    waiting = asyncio.create_task(stage.flight.delivered())
    await asyncio.sleep(0)
    stage.connection.data_received(with_length(b"body"))
    assert await waiting is stage.flight
    assert (stage.count, stage.released) == (0, 1)
    assert await read(stage.flight) == b"body"


async def test_who_begins_is_told_of_an_end_without_a_reply() -> None:
    stage = Begun()
    stage.connection.eof_received()
    await stage.told.wait()
    with pytest.raises(ClosedUnanswered):
        await stage.flight.delivered()
    assert (stage.parked, stage.released) == ([], 0)


async def test_who_begins_is_told_when_the_time_for_a_reply_is_over() -> None:
    stage = Begun(first_byte=0.01)
    await stage.told.wait()
    with pytest.raises(UpstreamTimeout, match="first_byte"):
        await stage.flight.delivered()
    assert (stage.count, stage.transport.closing) == (1, True)


async def test_a_begun_request_that_is_waited_for_has_the_same_time() -> None:
    stage = Begun(first_byte=0.01)
    with pytest.raises(UpstreamTimeout, match="first_byte"):
        await stage.flight.delivered()
    assert stage.count == 0


async def test_a_begun_request_that_is_cancelled_closes_the_connection() -> None:
    stage = Begun()
    waiting = asyncio.create_task(stage.flight.delivered())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert (stage.parked, stage.released, stage.transport.closing) == ([], 0, True)


async def test_a_request_that_cannot_be_written_gives_its_connection_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: bytes) -> None:
        raise MemoryError

    stage = Stage()
    monkeypatch.setattr(Connection, "send", fails)
    with pytest.raises(MemoryError):
        stage.flight.begin(stage.connection, b"head", b"body")
    assert stage.transport.closing


async def test_who_begins_on_a_connection_that_has_ended_is_told_of_it() -> None:
    stage = Stage()
    stage.connection.abort()
    told = asyncio.Event()
    stage.flight.begin(stage.connection, b"head", b"body", told.set)
    assert not told.is_set()
    await told.wait()
    with pytest.raises(ClosedUnanswered):
        await stage.flight.delivered()


async def test_an_upload_on_a_connection_that_has_ended_is_unanswered() -> None:
    async def upload() -> AsyncIterator[bytes]:
        yield b"a"

    stage = Stage()
    stage.connection.abort()
    with pytest.raises(ClosedUnanswered):
        await stage.flight.deliver(stage.connection, call(upload()), b"head")
    assert (stage.parked, stage.released) == ([], 0)
