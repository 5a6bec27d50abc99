"""What is sent on a client's socket, and how it ends: in order, by time, cut off."""

import asyncio
from collections.abc import Callable

import pytest
from websockets.frames import Frame, Opcode

from gateway.server.connection.backpressure import Backpressure
from gateway.server.connection.state import State
from gateway.server.websocket import sending
from gateway.server.websocket.sending import (
    CLOSE_SECONDS,
    MESSAGE_SECONDS,
    PING_INTERVAL,
    SILENCE,
)
from gateway.sockets import ABNORMAL_CLOSURE, NO_STATUS
from tests.server.websocket.peer import Echo, Peer, close_in, closing, frame, frames_in, run, turns

TEXT, PING, PONG, CLOSE = Opcode.TEXT, Opcode.PING, Opcode.PONG, Opcode.CLOSE


def served(data: bytes, opcode: Opcode = TEXT, *, fin: bool = True) -> bytes:
    """Return a frame as servers send it."""
    return Frame(opcode, data, fin).serialize(mask=False)


def test_messages_can_be_sent_in_one_write() -> None:
    async def scenario() -> None:
        peer = Peer()
        await peer.open()
        assert peer.session.socket.send_all([b"a", b"b" * 200, b""])
        assert len(peer.wire.transport.written) == 1
        assert [len(content) for _, content in frames_in(peer.wire.take())] == [1, 200, 0]
        peer.wire.leave()

    run(scenario)


def test_frames_of_another_peer_are_sent_as_they_are_in_any_pieces() -> None:
    async def scenario() -> None:
        peer = Peer()
        await peer.open()
        data = served(b"a" * 200, fin=False) + served(b"b", Opcode.CONT) + served(b"", PING)
        for at, byte in enumerate(data):
            assert peer.session.socket.send_frames(bytes([byte]), complete=at + 1 == len(data))
        assert peer.wire.take() == data
        peer.wire.leave()

    run(scenario)


def test_a_slow_client_is_waited_for() -> None:
    async def scenario() -> None:
        peer = Peer()
        await peer.open()
        socket = peer.session.socket
        peer.wire.transport.full_after = b"full"
        assert socket.send(b"fits")
        assert not socket.send(b"full")
        assert not socket.send_frames(served(b"more"), complete=True)
        assert peer.session.drained_again == 0
        peer.wire.protocol.resume_writing()
        assert peer.session.drained_again == 1
        peer.wire.protocol.pause_writing()
        peer.wire.protocol.resume_writing()
        assert peer.session.drained_again == 1
        peer.wire.leave()

    run(scenario)


def test_of_the_answers_to_pings_that_wait_the_last_one_is_sent() -> None:
    async def scenario() -> None:
        peer = Peer()
        await peer.open()
        peer.wire.protocol.pause_writing()
        assert await peer.send(frame(b"1", PING), frame(b"2", PING)) == b""
        peer.wire.protocol.resume_writing()
        assert frames_in(peer.wire.take()) == [(PONG, b"2")]
        peer.wire.leave()

    run(scenario)


def test_an_answer_to_a_ping_is_not_put_into_a_frame() -> None:
    async def scenario() -> None:
        peer = Peer()
        await peer.open()
        data = served(b"x" * 300)
        peer.session.socket.send_frames(data[:100], complete=False)
        assert await peer.send(frame(b"p", PING)) == data[:100]
        peer.session.socket.send_frames(data[100:200], complete=False)
        assert peer.wire.take() == data[100:200]
        peer.session.socket.send_frames(data[200:], complete=True)
        assert peer.wire.take() == data[200:] + served(b"p", PONG)
        peer.wire.leave()

    run(scenario)


def test_each_side_can_close_with_a_code_and_a_reason() -> None:
    async def scenario() -> None:
        peer = Peer()
        await peer.open()
        peer.session.socket.close(1012, "reload")
        assert close_in(peer.wire.take()) == (1012, "reload")
        assert peer.session.socket.send(b"too late")
        peer.session.socket.close(1000)
        assert peer.wire.take() == b""
        await peer.send(closing(1012, "reload"))
        assert peer.wire.state is State.CLOSED
        await peer.wire.settle()
        assert peer.session.ends == [(1012, "reload")]
        assert peer.counts[1] == {("responses", "1012"): 1}

    run(scenario)


def test_a_client_can_close_without_a_code() -> None:
    async def scenario() -> None:
        peer = Peer()
        await peer.open()
        assert await peer.exchange(frame(b"", CLOSE)) == [(CLOSE, b"")]
        await peer.wire.settle()
        assert peer.session.ends == [(NO_STATUS, "")]
        assert peer.counts[1] == {("responses", "1005"): 1}

    run(scenario)


@pytest.mark.parametrize(
    ("code", "reason", "sent"),
    [
        (NO_STATUS, "", b""),
        (ABNORMAL_CLOSURE, "", (1011).to_bytes(2, "big")),
        (1015, "", (1011).to_bytes(2, "big")),
        (1004, "", (1011).to_bytes(2, "big")),
        (0, "", (1011).to_bytes(2, "big")),
        (4999, "own", (4999).to_bytes(2, "big") + b"own"),
        (1000, "é" * 100, (1000).to_bytes(2, "big") + "é".encode() * 61),
    ],
)
def test_what_cannot_be_in_a_close_frame_is_made_to_fit(
    code: int, reason: str, sent: bytes
) -> None:
    async def scenario() -> None:
        peer = Peer()
        await peer.open()
        peer.session.socket.close(code, reason)
        assert frames_in(peer.wire.take()) == [(CLOSE, sent)]
        peer.wire.leave()

    run(scenario)


def test_a_client_that_does_not_close_is_dropped() -> None:
    async def scenario() -> None:
        peer = Peer()
        await peer.open()
        before = asyncio.get_running_loop().time()
        peer.session.socket.close(1000)
        closed = peer.wire.protocol._due - CLOSE_SECONDS
        assert before <= closed <= asyncio.get_running_loop().time()
        assert await peer.send(frame("not a close frame")) != b""
        peer.wire.expire()
        assert peer.wire.transport.was_aborted()
        assert peer.session.ends == [(ABNORMAL_CLOSURE, "")]
        await peer.wire.settle()
        assert peer.counts[1] == {("responses", "1000"): 1}

    run(scenario)


def test_a_client_that_still_reads_has_the_time_to_reach_the_close_frame() -> None:
    async def scenario() -> None:
        peer = Peer()
        await peer.open()
        peer.wire.protocol.pause_writing()
        peer.session.socket.close(1000)
        peer.wire.expire()
        assert not peer.wire.transport.was_aborted()
        peer.wire.protocol.resume_writing()
        peer.wire.expire()
        assert peer.wire.transport.was_aborted()

    run(scenario)


def test_a_socket_within_a_frame_cannot_close_in_order() -> None:
    async def scenario() -> None:
        peer = Peer()
        await peer.open()
        peer.session.socket.send_frames(served(b"x" * 300)[:100], complete=False)
        peer.session.socket.close(1000)
        assert peer.wire.transport.was_aborted()
        await peer.wire.settle()
        assert peer.counts[1] == {("responses", "1006"): 1}

    run(scenario)


@pytest.mark.parametrize(
    ("data", "end", "code"),
    [(closing(1001, "bye"), (1001, "bye"), "1001"), (b"\x81\x00", (ABNORMAL_CLOSURE, ""), "1002")],
    ids=["closes", "breaks the protocol"],
)
def test_a_client_that_ends_while_a_frame_is_sent_gets_no_close_frame(
    data: bytes, end: tuple[int, str], code: str
) -> None:
    async def scenario() -> None:
        peer = Peer()
        await peer.open()
        begun = served(b"x" * 300)[:100]
        peer.session.socket.send_frames(begun, complete=False)
        assert await peer.send(data) == begun
        ((closed, reason),) = peer.session.ends
        assert (closed, reason if code == "1001" else "") == end
        peer.wire.end()
        await peer.wire.settle()
        assert peer.counts[1] == {("responses", code): 1}

    run(scenario)


class Clock:
    """Moves the time of a connection's socket."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._now = asyncio.get_running_loop().time()

    def passes(self, seconds: float = PING_INTERVAL) -> None:
        self._now += seconds
        self._peer.wire.protocol._socket_due(self._now)


def test_a_client_is_pinged_and_given_up_after_a_while_without_an_answer() -> None:
    async def scenario() -> None:
        peer = Peer()
        await peer.open()
        assert peer.wire.protocol._due - asyncio.get_running_loop().time() <= PING_INTERVAL
        clock = Clock(peer)
        for _ in range(int(SILENCE / PING_INTERVAL) - 1):
            clock.passes()
            assert frames_in(peer.wire.take()) == [(PING, b"")]
        clock.passes()
        assert peer.wire.transport.was_aborted()
        await peer.wire.settle()
        assert peer.session.ends == [(ABNORMAL_CLOSURE, "")]
        assert peer.counts[1] == {("responses", "1006"): 1}

    run(scenario)


def test_a_client_that_answers_stays() -> None:
    async def scenario() -> None:
        peer = Peer()
        await peer.open()
        socket, now = peer.session.socket, asyncio.get_running_loop().time()
        await peer.send(frame(b"", PONG))
        assert socket.tick(now + SILENCE - 1, is_reading=True) == PING_INTERVAL
        socket._heard = now + SILENCE
        assert socket.tick(now + SILENCE * 2 - 1, is_reading=True) == PING_INTERVAL
        peer.wire.leave()

    run(scenario)


@pytest.mark.parametrize("why", ["nothing is read", "it is slow"])
def test_a_client_that_cannot_answer_is_not_expected_to(why: str) -> None:
    async def scenario() -> None:
        peer = Peer()
        await peer.open()
        if why == "it is slow":
            peer.wire.protocol.pause_writing()
        else:
            peer.session.socket.pause_reading()
        clock = Clock(peer)
        for _ in range(10):
            clock.passes()
        assert not peer.wire.transport.was_aborted()
        pings = [opcode for opcode, _ in frames_in(peer.wire.take())]
        assert pings == ([] if why == "it is slow" else [PING] * 10)
        peer.wire.leave()

    run(scenario)


BYTEWISE = "a message takes more than 600 seconds"
LONG = frame(b"x" * 300)


@pytest.mark.parametrize("frames", [False, True])
@pytest.mark.parametrize("behind", [b"", LONG])
def test_a_message_that_comes_bytewise_is_given_up(*, frames: bool, behind: bytes) -> None:
    async def scenario() -> None:
        peer = Peer(lambda request: Echo(request, frames=frames))
        await peer.open()
        socket, now = peer.session.socket, asyncio.get_running_loop().time()
        await peer.send(behind + LONG[:20])
        peer.wire.take()
        for at, later in enumerate((1.0, MESSAGE_SECONDS - 1)):
            await peer.send(LONG[20 + at : 21 + at])
            socket._heard = now + later
            assert socket.tick(now + later, is_reading=True) == PING_INTERVAL
        peer.wire.take()
        socket._heard = late = asyncio.get_running_loop().time() + MESSAGE_SECONDS
        assert socket.tick(late, is_reading=True) == CLOSE_SECONDS
        assert close_in(peer.wire.take()) == (1008, BYTEWISE)
        assert socket.tick(late + CLOSE_SECONDS, is_reading=True) is None
        peer.wire.leave()

    run(scenario)


def test_a_message_in_several_frames_is_given_up_too_but_not_inside_a_reply() -> None:
    async def scenario() -> None:
        peer = Peer()
        await peer.open()
        await peer.send(frame(b"x", fin=False), frame(b"", PONG))
        socket, now = peer.session.socket, asyncio.get_running_loop().time()
        socket.send_frames(served(b"x" * 300)[:100], complete=False)
        socket._heard = late = now + MESSAGE_SECONDS + 1
        assert socket.tick(late, is_reading=True) is None
        peer.wire.leave()

    run(scenario)


@pytest.mark.parametrize("frames", [False, True])
def test_the_time_of_a_message_ends_with_it_and_runs_while_it_is_read(*, frames: bool) -> None:
    async def scenario() -> None:
        peer = Peer(lambda request: Echo(request, frames=frames))
        await peer.open()
        socket, now = peer.session.socket, asyncio.get_running_loop().time()
        await peer.send(LONG[:20])
        unread = now + MESSAGE_SECONDS
        for is_reading in (False, True):
            socket._heard = unread
            assert socket.tick(unread, is_reading=is_reading) == PING_INTERVAL
        await peer.send(LONG[20:])
        socket._heard = late = unread + MESSAGE_SECONDS + 1
        assert socket.tick(late, is_reading=True) == PING_INTERVAL
        assert socket.tick(late, is_reading=False) == PING_INTERVAL
        peer.wire.leave()

    run(scenario)


def test_no_ping_is_put_into_a_frame() -> None:
    async def scenario() -> None:
        peer = Peer()
        await peer.open()
        begun = served(b"x" * 300)[:100]
        peer.session.socket.send_frames(begun, complete=False)
        Clock(peer).passes()
        assert peer.wire.take() == begun
        peer.wire.leave()

    run(scenario)


def reset(peer: Peer) -> None:
    peer.wire.leave()


def end_of_stream(peer: Peer) -> None:
    peer.wire.end()


def stuck(peer: Peer) -> None:
    peer.wire.transport.unread = 1
    peer.wire.protocol.pause_writing()
    flow: Backpressure = peer.wire.protocol.flow
    flow.limit(0)
    flow.due = 0
    peer.wire.protocol._expired()


@pytest.mark.parametrize("leaves", [reset, end_of_stream, stuck])
def test_a_client_that_is_gone_is_reported_at_once(leaves: Callable[[Peer], None]) -> None:
    async def scenario() -> None:
        peer = Peer()
        await peer.open()
        leaves(peer)
        assert peer.session.ends == [(ABNORMAL_CLOSURE, "")]
        assert peer.session.socket.send(b"dropped")
        peer.session.socket.close(1000)
        await peer.wire.settle()
        assert (peer.session.freed, peer.session.cancelled) == (1, False)
        assert peer.wire.take() == b""
        assert peer.wire.door.connections == set()

    run(scenario)


class Busy(Echo):
    """Goes on after its socket's end."""

    def closed(self, code: int, reason: str) -> None:
        self.ends.append((code, reason))


@pytest.mark.parametrize("leaves", [reset, end_of_stream])
def test_a_session_that_goes_on_after_its_socket_is_cancelled(
    leaves: Callable[[Peer], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "END_SECONDS", 0)

    async def scenario() -> None:
        peer = Peer(Busy)
        await peer.open()
        leaves(peer)
        await peer.wire.settle()
        assert (peer.session.cancelled, peer.session.freed) == (True, 1)
        assert peer.counts == ({"responses": 0}, {("responses", "1006"): 1})

    run(scenario)


def test_a_session_that_ends_in_time_is_left_alone() -> None:
    async def scenario() -> None:
        peer = Peer(Busy)
        await peer.open()
        peer.wire.leave()
        await turns()
        late = peer.session.socket._late
        assert not late.cancelled()
        peer.session.over.set()
        await peer.wire.settle()
        assert late.cancelled()

    run(scenario)


def test_bytes_are_counted_both_ways() -> None:
    async def scenario() -> None:
        peer = Peer()
        await peer.open(frame("early"))
        sent = frame(b"p", PING) + frame("x" * 200)
        await peer.send(sent, closing())
        traffic = peer.client.observer.sockets.traffic["responses"]
        assert traffic.received == len(frame("early") + sent + closing())
        answered = [served(b"early"), served(b"p", PONG), served(b"x" * 200), served(b"..", CLOSE)]
        assert traffic.sent == len(b"".join(answered))
        await peer.wire.settle()

    run(scenario)


def test_what_waits_for_a_slow_client_is_dropped_at_the_end() -> None:
    async def scenario() -> None:
        peer = Peer()
        await peer.open()
        peer.wire.transport.unread = 1
        peer.wire.protocol.pause_writing()
        assert not peer.session.socket.send(b"slow")
        await peer.send(frame(b"p", PING))
        assert close_in(await peer.send(closing())) == (1000, "")
        assert peer.wire.state is State.CLOSING
        peer.wire.protocol.resume_writing()
        assert peer.wire.take() == b""
        assert peer.session.drained_again == 0
        peer.wire.leave()
        await peer.wire.settle()

    run(scenario)
