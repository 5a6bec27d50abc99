"""Connections are taken as they come, many in a turn, and none is forgotten."""

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.server import accept as accepting
from gateway.server.accept import ACCEPT_BATCH, Acceptor
from gateway.server.eviction import Evictor
from gateway.server.processes.shares import Share, Shares
from gateway.server.serving import bind
from gateway.server.tls import server_context
from tests.certificates import make_pair
from tests.upstream.scripted import until


class Made(asyncio.Protocol):
    """A protocol that counts its kind."""

    def __init__(self, made: list["Made"], connected: set[asyncio.Protocol]) -> None:
        self._made = made
        self._connected = connected
        self.transport: Any = None
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._made.append(self)
        self._connected.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(None)


class Clock:
    """An event loop with a time of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: Iterator[float]) -> None:
        self._loop = loop
        self._seconds = seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def time(self) -> float:
        return next(self._seconds)


class Stage:
    def __init__(
        self,
        listening: socket.socket,
        tls: ssl.SSLContext | None = None,
        share: Share | None = None,
        idle: Collection[Any] = (),
    ) -> None:
        self.made: list[Made] = []
        self.connected: set[asyncio.Protocol] = set()
        self.address = listening.getsockname()
        self.acceptor = Acceptor(
            *(listening, lambda: Made(self.made, self.connected), 128, lambda: tls, share),
            connected=self.connected,
            evictor=Evictor(idle),
        )
        self.clients: list[socket.socket] = []

    def connect(self, count: int = 1) -> None:
        """Connect clients, without a turn of the loop."""
        for _ in range(count):
            self.clients.append(socket.create_connection(self.address))


def bound(kind: type[socket.socket]) -> socket.socket:
    """Return a socket whose `accept` has a way of its own, at a free port."""
    listening = kind(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    return listening


@asynccontextmanager
async def accepting_from(
    listening: socket.socket,
    tls: ssl.SSLContext | None = None,
    share: Share | None = None,
    idle: Collection[Any] = (),
) -> AsyncIterator[Stage]:
    with closing(listening):
        stage = Stage(listening, tls, share, idle)
        try:
            yield stage
        finally:
            stage.acceptor.close()
            await stage.acceptor.wait_closed()
            for client in stage.clients:
                client.close()
            for protocol in stage.made:
                await protocol.lost


def test_many_connections_are_taken_in_few_turns() -> None:
    async def scenario() -> None:
        async with accepting_from(bind("127.0.0.1", 0)) as stage:
            stage.connect(2 * ACCEPT_BATCH)
            for _ in range(8):
                await asyncio.sleep(0)
            assert len(stage.made) == 2 * ACCEPT_BATCH
            for protocol in stage.made:
                accepted = protocol.transport.get_extra_info("socket")
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)

    asyncio.run(scenario())


def test_without_descriptors_it_waits_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(accepting, "PAUSE", 0.01)

    class Failing(socket.socket):
        failures = 2

        def accept(self) -> tuple[socket.socket, Any]:
            if self.failures:
                self.failures -= 1
                raise OSError(errno.EMFILE, "Too many open files")
            return super().accept()

    async def scenario() -> None:
        async with accepting_from(bound(Failing)) as stage:
            stage.connect()
            await until(lambda: len(stage.made) == 1)
        assert caplog.messages == ["cannot accept connections: Too many open files"]

    asyncio.run(scenario())


def test_where_idle_connections_can_be_closed_it_goes_on_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    evicted: list[int] = []

    class Idle:
        idle_since = 0.0

        def evict(self) -> bool:
            evicted.append(1)
            return True

    class Failing(socket.socket):
        def accept(self) -> tuple[socket.socket, Any]:
            if not evicted:
                raise OSError(errno.EMFILE, "Too many open files")
            return super().accept()

    async def scenario() -> None:
        async with accepting_from(bound(Failing), idle=[Idle()]) as stage:
            stage.connect()
            await until(lambda: len(stage.made) == 1)

    asyncio.run(scenario())
    assert evicted == [1]
    assert [line for line in caplog.messages if "cannot accept" in line] == []


def test_a_lack_of_descriptors_that_lasts_is_logged_once_a_minute(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(accepting, "PAUSE", 0.0)
    seconds = iter([100.0, 101.0, 159.9, 160.0, 161.0, 500.0])

    class Failing(socket.socket):
        failures = 6

        def accept(self) -> tuple[socket.socket, Any]:
            if self.failures:
                self.failures -= 1
                raise OSError(errno.ENFILE, "Too many open files in system")
            return super().accept()

    async def scenario() -> None:
        async with accepting_from(bound(Failing)) as stage:
            stage.acceptor._loop = cast("Any", Clock(asyncio.get_running_loop(), seconds))
            stage.connect()
            await until(lambda: len(stage.made) == 1)

    asyncio.run(scenario())
    line = "cannot accept connections: Too many open files in system"
    omitted = [f"{line} ({count} more since the last such line)" for count in (2, 1)]
    assert caplog.messages == [line, *omitted]


def test_it_can_be_closed_while_it_waits() -> None:
    class Failing(socket.socket):
        def accept(self) -> tuple[socket.socket, Any]:
            raise OSError(errno.EMFILE, "Too many open files")

    async def scenario() -> None:
        async with accepting_from(bound(Failing)) as stage:
            stage.connect()
            await until(lambda: stage.acceptor._pause is not None)
        assert stage.acceptor._pause is None
        assert stage.made == []

    asyncio.run(scenario())


def test_a_connection_that_comes_with_the_end_is_not_lost() -> None:
    async def scenario() -> None:
        async with accepting_from(bind("127.0.0.1", 0)) as stage:
            stage.connect()
            await until(lambda: bool(stage.acceptor._connecting))
            stage.acceptor.close()
            await stage.acceptor.wait_closed()
            assert not stage.made[0].lost.done()

    asyncio.run(scenario())


def test_a_client_that_has_gone_already_is_not_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async def gone(*_: Any, **__: Any) -> None:
            raise OSError(errno.ENOTCONN, "gone")

        monkeypatch.setattr(asyncio.get_running_loop(), "connect_accepted_socket", gone)
        async with accepting_from(bind("127.0.0.1", 0)) as stage:
            stage.connect()
            await until(lambda: bool(stage.acceptor._connecting))
            await stage.acceptor.wait_closed()
            assert stage.made == []
            assert stage.clients[0].recv(1) == b""

    asyncio.run(scenario())


def test_a_connection_that_was_aborted_in_the_queue_is_passed_over() -> None:
    class Aborting(socket.socket):
        aborted = True

        def accept(self) -> tuple[socket.socket, Any]:
            if self.aborted:
                self.aborted = False
                raise ConnectionAbortedError
            return super().accept()

    async def scenario() -> None:
        async with accepting_from(bound(Aborting)) as stage:
            stage.connect()
            await until(lambda: len(stage.made) == 1)

    asyncio.run(scenario())


def test_connections_of_a_unix_socket_are_taken_as_well(tmp_path: Path) -> None:
    async def scenario() -> None:
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(str(tmp_path / "gateway.sock"))
        async with accepting_from(listening) as stage:
            client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            client.connect(stage.address)
            stage.clients.append(client)
            await until(lambda: len(stage.made) == 1)

    asyncio.run(scenario())


def test_a_handshake_that_never_ends_does_not_hold_up_the_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(accepting, "LAST_HANDSHAKES", 0.01)
    context = server_context(make_pair(tmp_path).settings)

    async def scenario() -> None:
        async with accepting_from(bind("127.0.0.1", 0), context) as stage:
            stage.connect()
            await until(lambda: bool(stage.acceptor._connecting))
            stage.acceptor.close()
            await stage.acceptor.wait_closed()
            assert not stage.acceptor._connecting
            assert stage.made == []
            stage.clients[0].setblocking(False)
            assert await asyncio.get_running_loop().sock_recv(stage.clients[0], 1) == b""

    asyncio.run(scenario())


def test_a_client_that_speaks_no_tls_is_closed(tmp_path: Path) -> None:
    context = server_context(make_pair(tmp_path).settings)

    async def scenario() -> None:
        async with accepting_from(bind("127.0.0.1", 0), context) as stage:
            stage.connect()
            stage.clients[0].sendall(b"GET / HTTP/1.1\r\n\r\n")
            await until(lambda: not stage.acceptor._connecting)
            assert stage.made == []

    asyncio.run(scenario())


def test_workers_that_accept_from_one_socket_share_the_clients() -> None:
    async def scenario() -> None:
        shares, listening = Shares(2), bind("127.0.0.1", 0)
        async with (
            accepting_from(listening.dup(), share=shares.of(0)) as one,
            accepting_from(listening, share=shares.of(1)) as other,
        ):
            one.connect(32)
            await until(lambda: len(one.made) + len(other.made) == 32)
            for client in one.clients:
                client.close()
        assert min(len(one.made), len(other.made)) >= 8

    asyncio.run(scenario())


def test_clients_are_left_to_others_only_for_a_moment() -> None:
    async def scenario() -> None:
        shares = Shares(2)
        shares.of(1).join()  # and never accepts
        async with accepting_from(bind("127.0.0.1", 0), share=shares.of(0)) as stage:
            stage.connect(2 * ACCEPT_BATCH)
            await until(lambda: stage.acceptor._pause is not None)
            assert len(stage.made) < 4
            await until(lambda: len(stage.made) == 2 * ACCEPT_BATCH)

    asyncio.run(scenario())


def test_it_can_be_closed_while_others_may_accept() -> None:
    async def scenario() -> None:
        shares = Shares(2)
        other = shares.of(1)
        other.join()
        other.hold(9)
        async with accepting_from(bind("127.0.0.1", 0), share=shares.of(0)) as stage:
            assert other.is_exceeded()
            other.hold(0)
            stage.connect(5)
            await until(lambda: stage.acceptor._pause is not None)
        other.hold(9)
        assert not other.is_exceeded()

    asyncio.run(scenario())
