"""What arrives on a client's socket: messages, frames, bytes that come early or too fast."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from gateway.config.settings import ServerSettings
from gateway.request import Request
from gateway.server.connection.state import State
from gateway.server.websocket import client_socket
from gateway.sockets import ABNORMAL_CLOSURE
from tests.server.websocket.peer import (
    ACCEPT,
    Echo,
    Peer,
    close_in,
    closing,
    frame,
    frames_in,
    handshake,
    run,
    turns,
)

TEXT, BINARY, CONTINUED = Opcode.TEXT, Opcode.BINARY, Opcode.CONT
PING, PONG, CLOSE = Opcode.PING, Opcode.PONG, Opcode.CLOSE


def passing(*, pings: bool) -> Callable[[Request], Echo]:
    return lambda request: Echo(request, frames=True, pings=pings)


def test_a_message_comes_and_goes() -> None:
    async def scenario() -> None:
        peer = Peer()
        reply = await peer.open()
        assert reply.startswith(b"HTTP/1.1 101 ")
        assert f"sec-websocket-accept: {ACCEPT}\r\n".encode() in reply
        assert b"sec-websocket-extensions" not in reply
        opened = peer.wire.state
        assert opened is State.SOCKET
        assert await peer.exchange(frame("Grüße")) == [(TEXT, "Grüße".encode())]
        assert close_in(await peer.send(closing(1000, "bye"))) == (1000, "bye")
        assert peer.wire.state is State.CLOSED
        await peer.wire.settle()
        session = peer.session
        assert (session.ends, session.freed, session.cancelled) == ([(1000, "bye")], 1, False)
        assert peer.counts == ({"responses": 0}, {("responses", "1000"): 1})
        assert peer.client.observer.seen == []
        assert peer.wire.door.connections == set()

    run(scenario)


def test_bytes_right_after_the_handshake_are_taken() -> None:
    async def scenario() -> None:
        peer = Peer()
        received = await peer.open(frame("early"), frame("later")[:4])
        head, _, rest = received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        assert frames_in(rest) == [(TEXT, b"early")]
        peer.wire.leave()

    run(scenario)


@pytest.mark.parametrize("seed", range(20))
def test_messages_are_the_same_however_their_bytes_are_cut(seed: int) -> None:
    drawn = random.Random(seed)  # noqa: S311 - any cuts will do
    sent, expected = b"", []
    for _ in range(12):
        text = "é" * drawn.choice([0, 1, 60, 63, 200, 5000])
        parts = drawn.randrange(1, 4)
        content = text.encode()
        cuts = sorted(drawn.randrange(len(content) + 1) for _ in range(parts - 1))
        for at, (start, end) in enumerate(zip([0, *cuts], [*cuts, len(content)], strict=True)):
            opcode = CONTINUED if at else TEXT
            sent += frame(content[start:end], opcode, fin=at == parts - 1)
            if drawn.random() < 0.3:
                sent += frame(b"p", PING)
        expected.append(content)

    async def scenario() -> None:
        peer = Peer()
        await peer.open()
        rest = sent
        while rest:
            cut = drawn.choice([1, 2, 7, 300, 20000])
            await peer.send(rest[:cut])
            rest = rest[cut:]
        assert peer.session.messages == expected
        peer.wire.leave()

    run(scenario)


REFUSED = {
    "a binary message": (frame(b"x", BINARY), 1003),
    "a binary message in pieces": (frame(b"", BINARY, fin=False) + frame(b"", CONTINUED), 1003),
    "invalid UTF-8": (frame(b"\xc3("), 1007),
    "a surrogate": (frame(b"\xed\xa0\x80"), 1007),
    "UTF-8 that ends too early": (frame(b"\xc3"), 1007),
    "UTF-8 split badly": (frame(b"\xc3", fin=False) + frame(b"(", CONTINUED), 1007),
    "an unmasked frame": (Frame(TEXT, b"x").serialize(mask=False), 1002),
    "a reserved opcode": (b"\x83\x80\x00\x00\x00\x00", 1002),
    "a reserved control opcode": (b"\x8b\x80\x00\x00\x00\x00", 1002),
    "a long ping": (b"\x89\xfe\x00\x7e\x00\x00\x00\x00" + b"x" * 126, 1002),
    "a fragmented ping": (b"\x09" + frame(b"x", PING)[1:], 1002),
    "a continuation of nothing": (frame(b"x", CONTINUED), 1002),
    "a message within another": (frame(b"x", fin=False) + frame(b"y"), 1002),
    "a close frame of one byte": (frame(b"x", CLOSE), 1002),
    "a close code that is never sent": (closing(1005), 1002),
    "a close code of nobody": (closing(999), 1002),
    "a close reason that is not UTF-8": (frame(b"\x03\xe8\xff", CLOSE), 1007),
}
RESERVED = [bytes([0x81 | bit]) + frame("x")[1:] for bit in (0x40, 0x20, 0x10)]
REFUSED |= {f"reserved bit {at}": (data, 1002) for at, data in enumerate(RESERVED)}


@pytest.mark.parametrize(("data", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_breaks_the_protocol_closes_the_socket(data: bytes, code: int) -> None:
    async def scenario() -> None:
        peer = Peer()
        await peer.open()
        received = await peer.send(frame("before") + data + frame("behind"))
        assert close_in(received)[0] == code
        assert peer.session.messages == [b"before"]
        assert [end for end, _ in peer.session.ends] == [ABNORMAL_CLOSURE]
        assert peer.wire.state is State.HALF_CLOSED
        assert peer.wire.transport.ended
        assert await peer.send(frame("ignored")) == b""
        peer.wire.end()
        await peer.wire.settle()
        assert peer.counts[1] == {("responses", str(code)): 1}

    run(scenario)


@pytest.mark.parametrize(
    "data",
    [
        frame(b"x" * 1001),
        frame(b"x" * 600, fin=False) + frame(b"x" * 401, CONTINUED),
        frame(b"x" * 70000)[:14],
    ],
    ids=["in one frame", "in two", "by its head"],
)
def test_a_message_beyond_the_limit_of_bodies_is_refused(data: bytes) -> None:
    async def scenario() -> None:
        peer = Peer(server=ServerSettings(max_body_bytes=1000))
        await peer.open()
        assert await peer.exchange(frame(b"x" * 1000)) == [(TEXT, b"x" * 1000)]
        assert close_in(await peer.send(data))[0] == 1009
        peer.wire.leave()

    run(scenario)


def test_tiny_fragments_are_bounded_by_the_size_of_their_message() -> None:
    async def scenario() -> None:
        peer = Peer(server=ServerSettings(max_body_bytes=1000))
        await peer.open()
        tiny = frame(b"x", CONTINUED, fin=False)
        received = await peer.send(frame(b"x", fin=False) + tiny * 999 + tiny)
        assert close_in(received)[0] == 1009
        peer.wire.leave()

    run(scenario)


def test_pings_are_answered_between_the_frames_of_a_message() -> None:
    async def scenario() -> None:
        peer = Peer()
        await peer.open()
        begun = await peer.exchange(frame("a", fin=False), frame(b"p" * 125, PING))
        assert begun == [(PONG, b"p" * 125)]
        assert await peer.exchange(frame(b"unasked", PONG)) == []
        assert await peer.exchange(frame("b", CONTINUED)) == [(TEXT, b"ab")]
        peer.wire.leave()

    run(scenario)


def test_reading_pauses_for_a_user_and_goes_on_where_it_was() -> None:
    class Slow(Echo):
        def received(self, message: bytes) -> None:
            super().received(message)
            assert self.socket is not None
            self.socket.pause_reading()

    async def scenario() -> None:
        peer = Peer(Slow)
        await peer.open()
        long = "x" * client_socket.SLICE
        await peer.send(frame("one") + frame(long))
        assert peer.session.messages == [b"one"]
        assert not peer.wire.transport.is_reading()
        await peer.send(frame("three"))
        peer.session.socket.resume_reading()
        await turns()
        assert peer.session.messages[:2] == [b"one", long.encode()]
        peer.session.socket.resume_reading()
        await turns()
        assert peer.session.messages[2:] == [b"three"]
        peer.session.socket.resume_reading()
        assert peer.wire.transport.is_reading()
        peer.wire.leave()

    run(scenario)


def test_tiny_frames_leave_other_connections_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_socket, "TURN_SECONDS", 0)

    async def scenario() -> None:
        peer = Peer()
        await peer.open()
        number = 2000
        peer.wire.protocol.data_received(frame("x") * number)
        first = len(peer.session.messages)
        assert 0 < first < number
        assert not peer.wire.transport.is_reading()
        while len(peer.session.messages) < number:
            await turns(1)
        await turns()
        assert peer.wire.transport.is_reading()
        peer.wire.leave()

    run(scenario)


class Late(Echo):
    """Takes what arrives only when it is told."""

    async def run(self, socket: object) -> None:
        self.socket = socket  # type: ignore[assignment]
        await self.over.wait()


def test_what_arrives_before_a_user_is_kept_up_to_a_limit() -> None:
    async def scenario() -> None:
        peer = Peer(Late)
        await peer.open(frame("one"))
        await peer.send(frame("two"))
        assert peer.session.messages == []
        assert peer.wire.transport.is_reading()
        await peer.send(frame("x" * client_socket.MAX_EARLY))
        assert not peer.wire.transport.is_reading()
        peer.session.socket.attach(peer.session)
        await turns()
        assert [*map(len, peer.session.messages)] == [3, 3, client_socket.MAX_EARLY]
        assert peer.wire.transport.is_reading()
        peer.wire.leave()

    run(scenario)


def test_a_client_that_is_gone_before_a_user_is_reported_to_it() -> None:
    async def scenario() -> None:
        peer = Peer(Late)
        await peer.open()
        peer.wire.leave()
        peer.session.socket.attach(peer.session)
        assert peer.session.ends == []
        await peer.wire.settle()
        assert peer.session.ends == [(ABNORMAL_CLOSURE, "")]

    run(scenario)


def test_a_session_that_never_takes_anything_can_close() -> None:
    async def scenario() -> None:
        peer = Peer(Late)
        await peer.open(frame("never taken"))
        peer.session.over.set()
        await peer.wire.settle()
        assert close_in(peer.wire.take()) == (1000, "")
        await peer.send(closing())
        assert peer.wire.state is State.CLOSED
        assert peer.counts[1] == {("responses", "1000"): 1}

    run(scenario)


def test_nothing_is_handed_over_once_the_user_has_closed() -> None:
    class Once(Echo):
        def received(self, message: bytes) -> None:
            super().received(message)
            assert self.socket is not None
            self.socket.close(1000)

    async def scenario() -> None:
        peer = Peer(Once)
        await peer.open()
        await peer.send(frame("one") + frame("two"), frame("three") + closing())
        assert peer.session.messages == [b"one"]
        assert peer.session.ends == [(1000, "")]

    run(scenario)


def test_frames_are_handed_over_as_they_come() -> None:
    async def scenario() -> None:
        peer = Peer(passing(pings=True))
        await peer.open()
        sent = frame("one", fin=False) + frame(b"p", PING) + frame("two", CONTINUED)
        binary = frame(b"\xff" * 300, BINARY)
        assert await peer.send(sent, binary[:100], binary[100:]) == b""
        assert b"".join(peer.session.pieces) == sent + binary
        assert peer.session.complete == [True, False, True]
        assert close_in(await peer.send(frame("last") + closing(4000, "own"))) == (4000, "own")
        assert peer.session.pieces[-1] == frames_end(peer)
        assert peer.session.ends == [(4000, "own")]
        await peer.wire.settle()
        assert peer.counts[1] == {("responses", "other"): 1}

    def frames_end(peer: Peer) -> bytes:
        piece: bytes = peer.session.pieces[-1]
        assert len(piece) == len(frame("last"))
        return piece

    run(scenario)


def test_pings_are_answered_beside_frames_that_are_handed_over() -> None:
    async def scenario() -> None:
        peer = Peer(passing(pings=False))
        await peer.open()
        text = frame("text")
        assert await peer.exchange(frame(b"p", PING) + text) == [(PONG, b"p")]
        assert peer.session.pieces == [text]
        peer.wire.leave()

    run(scenario)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (Frame(TEXT, b"x").serialize(mask=False), 1002),
        (RESERVED[0], 1002),
        (frame(b"x" * 1001), 1009),
        (closing(1006), 1002),
    ],
    ids=["unmasked", "reserved bit", "too large", "unsendable code"],
)
def test_frames_that_break_the_protocol_are_not_handed_over(data: bytes, code: int) -> None:
    async def scenario() -> None:
        peer = Peer(passing(pings=True), ServerSettings(max_body_bytes=1000))
        await peer.open()
        assert close_in(await peer.send(data))[0] == code
        assert peer.session.pieces == []
        assert peer.session.ends[0][0] == ABNORMAL_CLOSURE
        peer.wire.leave()

    run(scenario)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (Frame(TEXT, b"x").serialize(mask=False), 1002),
        (RESERVED[0], 1002),
        (frame(b"x" * 1001), 1009),
        (closing(1006), 1002),
        (closing(4000) + RESERVED[0], 4000),
    ],
    ids=["unmasked", "reserved bit", "too large", "unsendable code", "after a close"],
)
def test_what_came_whole_before_a_bad_frame_is_handed_over(data: bytes, code: int) -> None:
    async def scenario() -> None:
        peer = Peer(passing(pings=False), ServerSettings(max_body_bytes=1000))
        await peer.open()
        sent = frame("one", fin=False) + frame("two", CONTINUED), frame("three")
        got = frames_in(await peer.send(sent[0] + frame(b"p", PING) + sent[1] + data))
        assert b"".join(peer.session.pieces) == b"".join(sent)
        assert got[0] == (PONG, b"p")
        assert (got[-1][0], got[-1][1][:2]) == (CLOSE, code.to_bytes(2, "big"))
        peer.wire.leave()

    run(scenario)


@pytest.mark.parametrize("data", [RESERVED[0], frame(b"x", BINARY), frame(b"x" * 1001)])
def test_messages_before_a_bad_one_are_handed_over(data: bytes) -> None:
    async def scenario() -> None:
        peer = Peer(server=ServerSettings(max_body_bytes=1000))
        await peer.open()
        await peer.send(frame("one") + frame("two") + data + frame("three"))
        assert peer.session.messages == [b"one", b"two"]
        assert peer.session.ends[0][0] == ABNORMAL_CLOSURE
        peer.wire.leave()

    run(scenario)


def test_frames_wait_for_a_user_that_pauses() -> None:
    async def scenario() -> None:
        peer = Peer(passing(pings=True))
        await peer.open()
        peer.session.socket.pause_reading()
        text = frame("text")
        await peer.send(text[:3], text[3:])
        assert peer.session.pieces == []
        peer.session.socket.resume_reading()
        await turns()
        assert peer.session.pieces == [text]
        peer.session.socket.close(1000)
        await peer.send(frame("too late") + closing())
        assert peer.session.pieces == [text]

    run(scenario)


def test_a_handshake_in_pieces_is_one() -> None:
    async def scenario() -> None:
        peer = Peer()
        received = await peer.send(*(bytes([byte]) for byte in handshake()))
        assert received.startswith(b"HTTP/1.1 101 ")
        peer.wire.leave()

    run(scenario)


def test_a_client_that_is_gone_just_after_a_user_came_is_reported_once() -> None:
    async def scenario() -> None:
        peer = Peer(Late)
        await peer.open(frame("never taken"))
        peer.session.socket.attach(peer.session)
        peer.wire.leave()
        await peer.wire.settle()
        assert peer.session.ends == [(ABNORMAL_CLOSURE, "")]
        assert peer.session.messages == []

    run(scenario)


PARTS = st.one_of(
    st.binary(max_size=40),
    st.builds(frame, st.text(max_size=200), st.sampled_from([TEXT, CONTINUED, BINARY])),
    # Control frames have at most 125 bytes: others cannot be made.
    st.builds(frame, st.binary(max_size=125), st.sampled_from(Opcode)),
)


@settings(max_examples=60, deadline=None)
@given(parts=st.lists(PARTS, max_size=8), cut=st.integers(1, 200), frames=st.booleans())
def test_whatever_a_client_sends_is_taken_or_ends_its_socket(
    parts: list[bytes], cut: int, *, frames: bool
) -> None:
    async def scenario() -> None:
        peer = Peer(passing(pings=True) if frames else Echo)
        await peer.open()
        sent = b"".join(parts)
        received = await peer.send(*(sent[at : at + cut] for at in range(0, len(sent), cut)))
        frames_in(received)
        is_open = peer.wire.state is State.SOCKET
        assert is_open or len(peer.session.ends) == 1
        peer.wire.leave()
        await peer.wire.settle()
        assert len(peer.session.ends) == 1
        assert peer.counts[0] == {"responses": 0}
        assert peer.wire.door.connections == set()

    run(scenario)
