"""The order of events that real sockets seldom give; the usual ones are in `test_senders.py`."""

import asyncio
import socket
from typing import Any, cast

import pytest
import uvloop

from gateway.upstream.transport.connection import LARGE_READ, LITTLE, Connection
from tests.loop_clock import LoopClock
from tests.upstream.scripted import until

pytestmark = pytest.mark.anyio


class FakeTransport:
    def __init__(self) -> None:
        self.calls: list[str] = []
        self.socket = socket.socket()
        self.socket.close()
        self.closing = False
        self.unsent = 0

    def write(self, data: bytes) -> None:
        self.calls.append(f"write {data!r}")

    def writelines(self, pieces: tuple[bytes, ...]) -> None:
        if len(pieces) == 1:
            self.write(pieces[0])
        else:
            self.calls.append(f"write {[len(piece) for piece in pieces]}")

    def abort(self) -> None:
        self.closing = True
        self.calls.append("abort")

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def get_extra_info(self, name: str) -> socket.socket:
        assert name == "socket"
        return self.socket

    def pause_reading(self) -> None:
        self.calls.append("pause")

    def resume_reading(self) -> None:
        self.calls.append("resume")


class Notes:
    """An owner and a receiver in one that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def connection_opened(self, connection: Connection) -> None:
        self.told.append("opened")

    def connection_closed(self, connection: Connection) -> None:
        self.told.append("closed")

    def connection_gone(self, connection: Connection) -> None:
        self.told.append("gone")

    def receive(self, data: bytes) -> None:
        self.told.append(data)

    def lost(self, error: Exception | None) -> None:
        self.told.append(error)

    def expired(self) -> None:
        self.told.append("expired")


def connected() -> tuple[Connection, FakeTransport, Notes]:
    notes, transport = Notes(), FakeTransport()
    connection = Connection(notes)
    connection.connection_made(cast("asyncio.BaseTransport", transport))
    return connection, transport, notes


async def test_an_attempt_that_was_given_up_closes_the_socket_it_still_gets() -> None:
    notes, transport = Notes(), FakeTransport()
    connection = Connection(notes)
    connection.abort()
    connection.connection_made(cast("asyncio.BaseTransport", transport))
    assert transport.calls == ["abort"]
    connection.connection_lost(None)
    assert notes.told == ["closed", "opened", "gone"]


async def test_nothing_is_done_to_a_transport_that_is_closed() -> None:
    connection, transport, notes = connected()
    connection.attach(notes)
    connection.pause_reading()
    connection.abort(ConnectionAbortedError())
    connection.write(b"late")
    connection.send(b"late", b"too")
    connection.resume_reading()
    connection.pause_reading()
    connection.set_deadline(0.0)
    connection.abort()
    assert transport.calls == ["pause", "abort", "abort"]
    assert notes.told[:2] == ["opened", "closed"]
    assert isinstance(notes.told[2], ConnectionAbortedError)
    await connection.drain(0.0)


async def test_who_has_ended_it_is_known() -> None:
    ours, _, _ = connected()
    ours.abort()
    ours.connection_lost(None)
    in_order, _, _ = connected()
    in_order.eof_received()
    in_order.connection_lost(None)
    reset, _, _ = connected()
    reset.connection_lost(ConnectionResetError())
    assert [ours.peer_left, in_order.peer_left, reset.peer_left] == [False, True, True]


async def test_reading_is_paused_and_resumed_once() -> None:
    connection, transport, _ = connected()
    connection.resume_reading()
    connection.pause_reading()
    connection.pause_reading()
    connection.detach()
    connection.resume_reading()
    assert transport.calls == ["pause", "resume"]


async def test_after_a_large_read_others_have_their_turn() -> None:
    connection, transport, notes = connected()
    connection.attach(notes)
    connection.data_received(b"a" * (LARGE_READ - 1))
    assert transport.calls == []
    connection.data_received(b"a" * LARGE_READ)
    assert transport.calls == ["pause"]
    await asyncio.sleep(0)
    assert transport.calls == ["pause", "resume"]
    assert notes.told[1:] == [b"a" * (LARGE_READ - 1), b"a" * LARGE_READ]


@pytest.mark.parametrize("resumed_at_once", [False, True])
async def test_a_peer_that_must_wait_does_so_beyond_the_turn(*, resumed_at_once: bool) -> None:
    connection, transport, notes = connected()
    connection.attach(notes)
    connection.data_received(b"a" * LARGE_READ)
    connection.pause_reading()
    if resumed_at_once:
        connection.resume_reading()
    await asyncio.sleep(0)
    assert transport.calls == ["pause", "resume"][: 1 + resumed_at_once]
    connection.resume_reading()
    assert transport.calls == ["pause", "resume"]


async def test_a_peer_that_must_wait_already_needs_no_turn_and_a_closed_one_gets_none() -> None:
    connection, transport, notes = connected()
    connection.attach(notes)
    connection.pause_reading()
    connection.data_received(b"a" * LARGE_READ)
    await asyncio.sleep(0)
    assert transport.calls == ["pause"]
    connection.resume_reading()
    connection.data_received(b"a" * LARGE_READ)
    connection.abort()
    await asyncio.sleep(0)
    assert transport.calls == ["pause", "resume", "pause", "abort"]


async def test_a_connection_with_unsent_bytes_is_not_reusable() -> None:
    connection, transport, _ = connected()
    reusable = [connection.reusable]
    transport.unsent = 1
    reusable.append(connection.reusable)
    assert reusable == [True, False]
    assert not Connection(Notes()).reusable


async def test_a_request_waits_for_others_of_its_turn() -> None:
    connection, transport, notes = connected()
    connection.attach(notes)
    connection.outbox.expected = 2
    connection.send(b"head", b"body")
    assert (transport.calls, connection.reusable) == ([], False)
    await asyncio.sleep(0)
    assert (transport.calls, connection.reusable) == (["write [4, 4]"], True)


@pytest.mark.parametrize("closing", [True, False])
async def test_what_waits_is_not_written_to_a_connection_that_has_ended(*, closing: bool) -> None:
    connection, transport, notes = connected()
    connection.attach(notes)
    connection.outbox.expected = 2
    connection.send(b"head")
    if closing:  # its end is not yet known here
        transport.closing = True
    else:
        connection.connection_lost(ConnectionResetError())
    await asyncio.sleep(0)
    assert transport.calls == []


@pytest.mark.parametrize("reset", [True, False])
async def test_the_peer_has_not_received_what_waits(*, reset: bool) -> None:
    connection, _, notes = connected()
    connection.attach(notes)
    connection.outbox.expected = 2
    connection.send(b"head", b"body")
    if reset:
        connection.connection_lost(ConnectionResetError())
    else:
        connection.eof_received()
    assert connection.unacknowledged == 8


async def test_draining_waits_for_room_and_no_longer_than_its_limit() -> None:
    connection, _, _ = connected()
    await connection.drain(0.0)
    connection.pause_writing()
    with pytest.raises(TimeoutError):
        await connection.drain(0.01)
    draining = asyncio.create_task(connection.drain(10.0))
    await asyncio.sleep(0)
    connection.resume_writing()
    connection.resume_writing()
    await draining
    connection.pause_writing()
    draining = asyncio.create_task(connection.drain(10.0))
    await asyncio.sleep(0)
    connection.abort()
    await draining


async def test_a_deadline_that_moves_is_kept_with_one_timer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.get_running_loop()
    now = 100.0
    timers: list[tuple[float, Any]] = []

    def call_at(when: float, callback: Any) -> asyncio.TimerHandle:
        timers.append((when, callback))
        return asyncio.TimerHandle(when, callback, (), loop)

    monkeypatch.setattr(loop, "time", lambda: now)
    monkeypatch.setattr(loop, "call_at", call_at)
    connection, transport, notes = connected()
    connection.attach(notes)
    connection.set_deadline(110.0)
    connection.set_deadline(120.0)  # later: the running timer will look again
    assert [when for when, _ in timers] == [110.0]
    now = 110.0
    timers[-1][1]()
    assert [when for when, _ in timers] == [110.0, 120.0]
    connection.set_deadline(115.0)  # earlier: a new timer
    assert [when for when, _ in timers] == [110.0, 120.0, 115.0]
    connection.set_deadline(None)
    now = 115.0
    timers[-1][1]()
    assert notes.told == ["opened"]
    connection.set_deadline(116.0)
    now = 116.0
    timers[-1][1]()
    assert notes.told == ["opened", "expired"]
    connection.detach()
    connection.set_deadline(117.0)
    now = 117.0
    timers[-1][1]()
    assert transport.calls == ["abort"]
    assert notes.told == ["opened", "expired", "closed"]


def test_a_read_that_fills_the_event_loops_buffer_is_a_large_one() -> None:
    """libuv reads on at once after those only."""
    sizes: list[int] = []
    sent = 0

    class Reading(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            sizes.append(len(data))

    async def scenario() -> None:
        ours, theirs = socket.socketpair()
        for end, option in ((ours, socket.SO_RCVBUF), (theirs, socket.SO_SNDBUF)):
            end.setsockopt(socket.SOL_SOCKET, option, 4 * LARGE_READ)
        with theirs:
            theirs.setblocking(False)
            nonlocal sent
            sent = theirs.send(b"x" * 2 * LARGE_READ)
            transport, _ = await asyncio.get_running_loop().create_connection(Reading, sock=ours)
            await until(lambda: sum(sizes) >= sent)
            transport.close()

    uvloop.run(scenario())
    assert max(sizes) >= min(sent, LARGE_READ)


async def streaming() -> tuple[Connection, FakeTransport, Notes]:
    connection, transport, notes = connected()
    connection.attach(notes)
    connection.reads_in_rows = True
    return connection, transport, notes


async def test_a_streams_read_is_handed_on_after_all_reads_of_its_turn() -> None:
    (one, _, notes), (other, _, _) = await streaming(), await streaming()
    other.attach(notes)
    other.reads_in_rows = True
    other.data_received(b"first")
    one.data_received(b"second")
    assert notes.told == ["opened"]
    await asyncio.sleep(0)
    assert notes.told == ["opened", b"first", b"second"]


async def test_what_follows_a_streams_read_in_its_turn_is_handed_on_after_it() -> None:
    connection, _, notes = await streaming()
    connection.data_received(b"one")
    connection.data_received(b"two")
    assert notes.told == ["opened", b"one", b"two"]
    connection.data_received(b"three")
    connection.eof_received()
    assert notes.told == ["opened", b"one", b"two", b"three", "closed", None]
    await asyncio.sleep(0)
    assert len(notes.told) == 6


async def test_a_streams_read_comes_before_the_loss_of_its_connection() -> None:
    connection, _, notes = await streaming()
    reset = ConnectionResetError()
    connection.data_received(b"one")
    connection.connection_lost(reset)
    await asyncio.sleep(0)
    assert notes.told == ["opened", b"one", "closed", reset, "gone"]


async def test_a_streams_read_that_is_given_up_is_handed_to_nobody() -> None:
    connection, transport, notes = await streaming()
    connection.data_received(b"one")
    connection.detach()
    connection.abort()
    await asyncio.sleep(0)
    assert notes.told == ["opened", "closed"]
    assert transport.calls == ["abort"]


async def test_a_read_that_is_not_little_is_not_kept_for_a_row() -> None:
    connection, transport, notes = await streaming()
    for size in (LITTLE, LARGE_READ):
        connection.data_received(b"x" * size)
        assert len(notes.told[-1]) == size
    assert transport.calls == ["pause"]


async def test_a_streams_read_that_waits_when_the_deadline_passes_is_no_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = LoopClock(monkeypatch)
    connection, _, notes = await streaming()

    class Moving(Notes):
        def receive(self, data: bytes) -> None:
            notes.receive(data)
            connection.deadline = clock.now + 10.0

    connection.receiver = Moving()
    connection.set_deadline(clock.now + 10.0)
    clock.now += 9.0
    connection.data_received(b"one")
    clock.advance(1.0)
    assert notes.told == ["opened", b"one"]
    clock.advance(9.0)
    assert connection.receiver.told == []
    clock.advance(1.0)
    assert connection.receiver.told == ["expired"]
