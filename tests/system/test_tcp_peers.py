"""Clients that leave while nothing is read from them: real sockets, both event loops."""

import asyncio
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import uvloop

from gateway.system import tcp
from gateway.system.tcp import has_left
from tests.upstream.scripted import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO is Linux's")

Loop = Callable[[], asyncio.AbstractEventLoop]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> Iterator[Loop]:
    return request.param  # type: ignore[no-any-return]


class Silent(asyncio.Protocol):
    """Reads nothing from the first moment."""

    def __init__(self, accepted: "asyncio.Future[asyncio.Transport]") -> None:
        self._accepted = accepted

    def connection_made(self, transport: Any) -> None:
        transport.pause_reading()
        self._accepted.set_result(transport)


async def connected(
    test: Callable[[asyncio.Transport, socket.socket], Awaitable[None]],
    family: socket.AddressFamily = socket.AF_INET,
    address: Any = ("127.0.0.1", 0),
) -> None:
    """Run a test with the two ends of a connection."""
    running = asyncio.get_running_loop()
    accepted: asyncio.Future[asyncio.Transport] = running.create_future()
    with socket.socket(family) as listening, socket.socket(family) as client:
        listening.bind(address)
        server = await running.create_server(lambda: Silent(accepted), sock=listening)
        client.connect(listening.getsockname())
        transport = await accepted
        try:
            await test(transport, client)
        finally:
            transport.abort()
            server.close()
            await server.wait_closed()


def run(loop: Loop, scenario: Awaitable[None]) -> None:
    async def awaited() -> None:
        await scenario

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(awaited())


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


LEAVING: dict[str, Callable[[socket.socket], Any]] = {
    "closes": socket.socket.close,
    "ends its side": lambda client: client.shutdown(socket.SHUT_WR),
    "resets": reset,
}


@pytest.mark.parametrize("sent", [b"", b"unread" * 1000], ids=["nothing unread", "unread bytes"])
@pytest.mark.parametrize("leave", LEAVING.values(), ids=LEAVING.keys())
def test_a_client_that_leaves_is_seen_behind_what_it_sent(
    loop: Loop, leave: Callable[[socket.socket], Any], sent: bytes
) -> None:
    async def scenario(transport: asyncio.Transport, client: socket.socket) -> None:
        client.sendall(sent)
        assert not has_left(transport)
        leave(client)
        await until(lambda: has_left(transport))

    run(loop, connected(scenario))


def test_a_transport_that_is_closed_tells_nothing(loop: Loop) -> None:
    async def scenario(transport: asyncio.Transport, client: socket.socket) -> None:
        transport.abort()
        client.setblocking(False)
        assert await asyncio.get_running_loop().sock_recv(client, 1) == b""
        assert not has_left(transport)

    run(loop, connected(scenario))


def test_other_sockets_tell_nothing(tmp_path: Any) -> None:
    async def scenario(transport: asyncio.Transport, client: socket.socket) -> None:
        assert not has_left(transport)
        client.close()
        assert not has_left(transport)

    at = str(tmp_path / "s")
    run(asyncio.new_event_loop, connected(scenario, socket.AF_UNIX, at))


def test_without_a_socket_or_a_system_that_knows_nobody_has_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(transport: asyncio.Transport, client: socket.socket) -> None:
        client.close()
        await until(lambda: has_left(transport))
        monkeypatch.setattr(tcp, "_TCP_INFO", None)
        assert not has_left(transport)

    assert not has_left(asyncio.Transport())
    run(asyncio.new_event_loop, connected(scenario))
