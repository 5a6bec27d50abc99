"""The loop of a process connects to names that are resolved when the test says so."""

import asyncio
import socket
import ssl
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from cryptography import x509

from gateway.server.tls import server_context
from gateway.system.event_loop import loop_factory
from tests.certificates import make_pair
from tests.waiting import PATIENCE, wait_until


class System:
    """Resolves names: `upstream.test` at once, `silent.test` at the end, others not at all."""

    def __init__(self) -> None:
        self.addresses = ["127.0.0.1"]
        self.answer = threading.Event()
        self.asked: list[str] = []

    def getaddrinfo(self, host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        self.asked.append(host)
        if host == "silent.test":
            assert self.answer.wait(PATIENCE)
        if host != "upstream.test":
            raise socket.gaierror(socket.EAI_AGAIN, "later")
        families = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(families[":" in a], socket.SOCK_STREAM, 6, "", (a, port)) for a in self.addresses]


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    system = System()
    monkeypatch.setattr(socket, "getaddrinfo", system.getaddrinfo)
    yield system
    system.answer.set()


def run(scenario: Callable[[int], Awaitable[None]], tls: ssl.SSLContext | None = None) -> None:
    """Run a scenario beside a server, of which it gets the port."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    async def staged() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
        async with server:
            await scenario(server.sockets[0].getsockname()[1])

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(asyncio.wait_for(staged(), PATIENCE))


async def greeted(host: str, port: int, **more: Any) -> bytes:
    reader, writer = await asyncio.open_connection(host, port, **more)
    try:
        return await reader.read()
    finally:
        writer.close()


@pytest.mark.parametrize("silent", [1, 40])
def test_a_name_that_is_not_resolved_holds_up_no_other_nor_the_end(
    system: System, silent: int
) -> None:
    async def scenario(port: int) -> None:
        waiting = [asyncio.create_task(greeted("silent.test", 1)) for _ in range(silent)]
        assert await greeted("upstream.test", port) == b"hello"
        stream = await anyio.connect_tcp("upstream.test", port)  # as httpcore2 does
        assert await stream.receive() == b"hello"
        await stream.aclose()
        await asyncio.to_thread(wait_until, lambda: "silent.test" in system.asked)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)

    run(scenario)
    assert system.asked.count("silent.test") == 1
    assert not system.answer.is_set()


@pytest.mark.parametrize("server_hostname", [None, "upstream.test"])
def test_a_certificate_is_that_of_the_name(
    system: System, tmp_path: Path, server_hostname: str | None
) -> None:
    pair = make_pair(tmp_path, names=[x509.DNSName("upstream.test")])
    trusting = ssl.create_default_context(cafile=pair.certificate)

    async def scenario(port: int) -> None:
        more = {"ssl": trusting, "server_hostname": server_hostname}
        assert await greeted("upstream.test", port, **more) == b"hello"
        with pytest.raises(ssl.SSLCertVerificationError):
            await greeted("127.0.0.1", port, ssl=trusting)

    run(scenario, server_context(pair.settings))


def test_the_addresses_of_a_name_are_tried_in_order(system: System) -> None:
    async def scenario(port: int) -> None:
        system.addresses = ["127.0.0.2", "127.0.0.1"]
        assert await greeted("upstream.test", port) == b"hello"
        system.addresses = ["127.0.0.2", "127.0.0.3"]
        with pytest.raises(ConnectionRefusedError):
            await greeted("upstream.test", port)
        system.addresses = []
        with pytest.raises(OSError, match="has no address"):
            await greeted("upstream.test", port)

    run(scenario)


def test_what_a_name_resolves_to_is_what_was_asked_for(system: System) -> None:
    system.addresses = ["127.0.0.1", "::1"]

    async def scenario(_: int) -> None:
        resolve = asyncio.get_running_loop().getaddrinfo
        kind = socket.SOCK_STREAM
        for host in ("upstream.test", b"upstream.test"):
            found = await resolve(host, 80, type=kind, family=socket.AF_INET6)
            assert [info[4][0] for info in found] == ["::1"]
        assert len(await resolve("upstream.test", "80", type=kind)) == 2
        with pytest.raises(socket.gaierror):
            await resolve("other.test", 80, type=kind)
        asked = len(system.asked)
        assert (await resolve("127.0.0.1", 80, type=kind))[0][4] == ("127.0.0.1", 80)
        assert await resolve(None, 80, type=kind, flags=socket.AI_PASSIVE)
        with pytest.raises(socket.gaierror):
            await resolve("", None, type=kind)
        assert len(system.asked) == asked

    run(scenario)


def test_a_platform_without_uvloop_has_asyncios_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert loop_factory() is None
    monkeypatch.undo()
    factory = loop_factory()
    assert factory is not None
    loop = factory()
    assert any(each.__module__.startswith("uvloop") for each in type(loop).__mro__)
    assert isinstance(loop, asyncio.AbstractEventLoop)
    loop.close()
