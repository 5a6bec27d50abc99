"""WebSockets over real sockets: RFC 6455's vectors, large and slow ones, and their ends."""

import asyncio
import gc
import os
import ssl
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvloop
from websockets.asyncio.client import connect as open_async
from websockets.exceptions import ConnectionClosed
from websockets.frames import Opcode
from websockets.sync.client import connect as open_socket

from gateway.config.settings import ServerSettings
from gateway.request import Request
from gateway.server.websocket import sending
from gateway.sockets import ABNORMAL_CLOSURE, Leaving, Socket
from tests.certificates import make_pair
from tests.clients.resolution.standing_clock import StandingClock
from tests.door.doors import MEGABYTE, connect
from tests.door.sockets import Echoing, Frames, echoing
from tests.server.websocket.peer import Echo, closing, frame
from tests.server.websocket.test_client_socket import REFUSED
from tests.waiting import PATIENCE, wait_until

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.SelectorEventLoop,
    "uvloop": uvloop.new_event_loop,
}
KEY = {"Authorization": "Bearer sk-test"}


@pytest.fixture(scope="module", params=[*LOOPS.values()], ids=[*LOOPS])
def running(request: pytest.FixtureRequest) -> Iterator[Echoing]:
    with echoing(ServerSettings(max_body_bytes=8 * MEGABYTE), new_loop=request.param) as gateway:
        yield gateway


@pytest.fixture
def client(running: Echoing) -> Iterator[Frames]:
    with connect(running.base_url) as connection:
        yield Frames(connection)


def test_a_client_of_the_package_exchanges_messages_of_any_size(running: Echoing) -> None:
    with open_socket(running.address, additional_headers=KEY, max_size=None) as socket:
        assert socket.response is not None
        assert socket.response.headers["x-request-id"]
        assert socket.protocol.extensions == []
        for text in ("", "Grüße", "x" * 200, "y" * 70_000, "ü" * (3 * MEGABYTE)):
            socket.send(text)
            assert socket.recv() == text
        socket.send(["in ", "three ", "parts"])
        assert socket.recv() == "in three parts"
        assert socket.ping().wait(PATIENCE)
    assert socket.close_code == 1000


@pytest.mark.parametrize("new_loop", LOOPS.values(), ids=LOOPS.keys())
def test_sockets_work_over_tls(
    new_loop: Callable[[], asyncio.AbstractEventLoop], tmp_path: Path
) -> None:
    pair = make_pair(tmp_path)
    trust = ssl.create_default_context(cafile=str(pair.certificate))
    server = ServerSettings(tls=pair.settings)
    with echoing(server, new_loop=new_loop) as running:
        with open_socket(running.address, ssl=trust, max_size=None) as socket:
            for text in ("Hi", "x" * MEGABYTE):
                socket.send(text)
                assert socket.recv() == text
            socket.send(b"binary")
            with pytest.raises(ConnectionClosed):
                socket.recv()
            assert socket.close_code == 1003
        wait_until(lambda: running.requests.observer.sockets.open["responses"] == 0)


@pytest.mark.parametrize("cut", [1, 1000], ids=["byte by byte", "at once"])
@pytest.mark.parametrize(("data", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_breaks_the_protocol_gets_a_close_frame(
    running: Echoing, client: Frames, data: bytes, code: int, cut: int
) -> None:
    assert client.open() == 101
    client.send(frame("before"))
    assert client.next() == (Opcode.TEXT, b"before")
    for at in range(0, len(data), cut):
        client.send(data[at : at + cut])
    assert client.close_code() == code
    assert client.client.ended()
    assert running.sessions.opened[-1].messages == [b"before"]


def test_bytes_right_after_the_handshake_are_frames(client: Frames) -> None:
    assert client.open(frame("one"), frame("two", fin=False), frame(b"p", Opcode.PING)) == 101
    client.send(frame("parts", Opcode.CONT))
    got = [client.next() for _ in range(3)]
    assert [each for each in got if each[0] == Opcode.TEXT] == [
        (Opcode.TEXT, b"one"),
        (Opcode.TEXT, b"twoparts"),
    ]
    assert (Opcode.PONG, b"p") in got


def test_each_side_answers_the_others_close_frame(running: Echoing, client: Frames) -> None:
    assert client.open(closing(3000, "own")) == 101
    assert client.next() == (Opcode.CLOSE, (3000).to_bytes(2, "big") + b"own")
    assert client.client.ended()
    with connect(running.base_url) as connection:
        other = Frames(connection)
        assert other.open() == 101
        wait_until(lambda: running.sessions.opened[-1].socket is not None)
        running.call(lambda: running.sessions.opened[-1].drain(Leaving.STOPPING))
        assert other.close_code() == 1012
        other.send(closing(1012))
        assert connection.ended()
        wait_until(lambda: running.sessions.opened[-1].freed == 1)
        assert running.sessions.opened[-1].ends == [(1012, "")]


def test_a_client_that_still_sends_learns_that_its_message_is_too_long(running: Echoing) -> None:
    with open_socket(running.address) as socket:
        with suppress(ConnectionClosed):
            socket.send("x" * (12 * MEGABYTE))
        with pytest.raises(ConnectionClosed):
            socket.recv()
        assert socket.close_code == 1009


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
def test_a_client_that_leaves_is_missed_at_once(running: Echoing, *, reset: bool) -> None:
    with connect(running.base_url) as connection:
        assert Frames(connection).open() == 101
        if reset:
            connection.reset_at_the_end()
    wait_until(lambda: running.sessions.opened[-1].freed == 1)
    assert running.sessions.opened[-1].ends == [(ABNORMAL_CLOSURE, "")]


def test_a_client_that_is_gone_without_a_word_is_given_up(
    running: Echoing, client: Frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PING_INTERVAL", 0.05)
    monkeypatch.setattr(sending, "SILENCE", 0.2)
    assert client.open() == 101
    assert client.next() == (Opcode.PING, b"")
    wait_until(lambda: bool(running.sessions.opened[-1].ends))
    assert running.sessions.opened[-1].ends == [(ABNORMAL_CLOSURE, "")]


def test_a_client_that_answers_pings_stays() -> None:
    clock = StandingClock()
    with (
        echoing(new_loop=clock.new_loop) as running,
        open_socket(running.address, ping_interval=None) as socket,
    ):
        clock.stand()

        def has_been_heard(since: float) -> bool:
            heard: float = running.sessions.opened[-1].socket._heard
            return heard > since

        for _ in range(int(2 * sending.SILENCE / sending.PING_INTERVAL)):
            before = clock()
            clock.advance(sending.PING_INTERVAL)
            wait_until(partial(has_been_heard, before))
        socket.send("still here")
        assert socket.recv() == "still here"
        clock.go_on()


class Flood(Echo):
    """Sends as long as the client reads."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.sent = 0
        self.most = 0

    async def run(self, socket: Socket) -> None:
        self.socket = socket
        socket.attach(self)
        self.drained()
        await self.over.wait()

    def drained(self) -> None:
        assert self.socket is not None
        while not self.over.is_set() and self.sent < 64 * MEGABYTE:
            self.sent += 64 * 1024
            more = self.socket.send(b"x" * (64 * 1024))
            transport: Any = self.socket._carrier.transport  # type: ignore[attr-defined]
            self.most = max(self.most, transport.get_write_buffer_size())
            if not more:
                return


def test_a_client_that_does_not_read_is_cut_off_and_fills_no_memory() -> None:
    with echoing(ServerSettings(send_timeout=0.4), Flood) as running:
        with connect(running.base_url, receive_buffer=4096) as connection:
            assert Frames(connection).open() == 101
            wait_until(lambda: bool(running.sessions.opened[-1].ends))
        session = running.sessions.opened[-1]
        assert session.ends == [(ABNORMAL_CLOSURE, "")]
        assert session.most < MEGABYTE
        assert session.sent < 64 * MEGABYTE


def test_a_client_that_reads_again_gets_everything() -> None:
    with echoing(opening=Flood) as running, open_socket(running.address, max_size=None) as socket:
        received = 0
        while received < 64 * MEGABYTE:
            received += len(socket.recv())
        assert running.sessions.opened[-1].most < MEGABYTE


def test_draining_lets_sockets_end_in_order() -> None:
    with echoing() as own, open_socket(own.address) as socket:
        wait_until(lambda: own.sessions.opened[-1].socket is not None)
        own.end()
        with pytest.raises(ConnectionClosed):
            socket.recv()
        assert socket.close_code == 1012
        assert own.ended.wait(PATIENCE)
        assert own.sessions.opened[-1].drains


class Busy(Echo):
    """Has something begun that does not end."""

    def drain(self, leaving: Leaving) -> None:
        self.drains.append(leaving)


def test_the_grace_period_cuts_off_what_goes_on() -> None:
    with echoing(opening=Busy, grace=0.2) as own, open_socket(own.address) as socket:
        wait_until(lambda: own.sessions.opened[-1].socket is not None)
        own.end()
        with pytest.raises(ConnectionClosed):
            socket.recv()
        assert (socket.close_code, socket.close_reason) == (1012, Leaving.STOPPING.value)
        assert own.ended.wait(PATIENCE)
        session = own.sessions.opened[-1]
        assert (session.cancelled, session.freed) == (True, 1)


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux' list of descriptors")
def test_of_a_thousand_sockets_nothing_is_left() -> None:
    rounds, at_once = 5, 200

    async def one(address: str, number: int) -> None:
        socket = await open_async(address)
        await socket.send(f"{number}")
        assert await socket.recv() == f"{number}"
        if number % 3:
            await socket.close()
        else:
            socket.transport.abort()

    async def all_of_them(address: str) -> None:
        for _ in range(rounds):
            await asyncio.gather(*(one(address, number) for number in range(at_once)))

    with echoing() as running:
        before = descriptors(), running.call(lambda: len(asyncio.all_tasks(running.loop)))
        asyncio.run(all_of_them(running.address))
        opened = running.sessions.opened
        assert len(opened) == rounds * at_once
        wait_until(lambda: all(session.freed for session in opened))
        wait_until(lambda: descriptors() <= before[0])
        wait_until(lambda: running.call(lambda: len(asyncio.all_tasks(running.loop))) == before[1])
        counts = running.requests.observer.sockets
        assert counts.open == {"responses": 0}
        assert counts.closed == {
            ("responses", "1000"): rounds * 133,
            ("responses", "1006"): rounds * 67,
        }
        sockets = [weakref.ref(session.socket) for session in opened]
        opened.clear()
        gc.collect()
        assert [each for each in sockets if each() is not None] == []
