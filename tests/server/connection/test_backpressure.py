"""What a client has not read: who waits for it, and when it has had time enough."""

import asyncio
import socket
import ssl
import sys
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import cast

import pytest
import uvloop

from gateway.server.connection import backpressure
from gateway.server.connection.backpressure import CHECKS, Backpressure
from gateway.server.tls import server_context
from tests.certificates import make_pair
from tests.server.wire import FakeTransport
from tests.waiting import PATIENCE


def flow(unread: int = 0) -> tuple[Backpressure, FakeTransport]:
    transport = FakeTransport()
    transport.unread = unread
    return Backpressure(transport, 30), transport


def test_a_client_that_reads_is_never_stuck() -> None:
    followed, _ = flow()
    assert (followed.paused, followed.due) == (False, inf)
    assert not followed.is_stuck(1e9)


def test_a_client_is_stuck_when_it_has_read_nothing_in_its_time() -> None:
    followed, transport = flow(1000)
    followed.pause(100)
    assert (followed.paused, followed.due) == (True, 100 + 30 / CHECKS)
    assert not followed.is_stuck(103.7)
    transport.unread = 999  # it goes into the system's buffers, at first
    assert not followed.is_stuck(103.75)
    assert followed.due == 107.5
    for now in (107.5, 115, 129, 133.7):
        assert not followed.is_stuck(now)
    assert followed.is_stuck(followed.due)
    assert followed.due < 142


def test_a_client_that_has_read_what_more_was_written_since_is_stuck() -> None:
    followed, transport = flow(1000)
    followed.watch(0)
    transport.unread = 1001
    assert followed.is_stuck(30)


def test_of_the_last_bytes_any_change_is_progress_for_tls_hides_some() -> None:
    followed, transport = flow(1000)
    followed.watch_end(0)
    transport.unread = 1001
    assert not followed.is_stuck(30)
    transport.unread = 0
    assert not followed.is_stuck(59)
    assert followed.is_stuck(89)


@pytest.mark.parametrize("unread", [0, 1])
def test_all_is_read_when_nothing_is_left(unread: int) -> None:
    followed, _ = flow(unread)
    assert followed.is_all_read == (not unread)


def test_what_the_kernel_has_counts_too_for_there_a_slow_readers_progress_shows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Connected(FakeTransport):
        def get_extra_info(self, name: str, default: object = None) -> object:
            return connected if name == "socket" else default

    in_kernel = 500
    monkeypatch.setattr(backpressure, "unacknowledged_bytes", lambda _: in_kernel)
    with socket.socket() as connected:
        transport = Connected()
        transport.unread = 1000
        followed = Backpressure(transport, 30)
        followed.watch(0)
        in_kernel = 499
        assert not followed.is_stuck(30)
        assert followed.is_stuck(60)


def test_a_client_that_goes_on_reading_has_all_its_time_again() -> None:
    followed, _ = flow(1000)
    followed.pause(0)
    followed.resume()
    assert (followed.paused, followed.due) == (False, inf)
    followed.pause(100)
    assert followed.due == 100 + 30 / CHECKS


@pytest.mark.parametrize("end", [Backpressure.resume, Backpressure.release])
def test_all_who_wait_go_on_together(end: object) -> None:
    async def scenario() -> None:
        followed, _ = flow()
        await followed.drain()  # at once
        followed.pause(0)
        waiting = [asyncio.create_task(followed.drain()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        await asyncio.sleep(0)
        assert [task.done() for task in waiting] == [False, True, False]
        assert callable(end)
        end(followed)
        await asyncio.wait_for(asyncio.gather(waiting[0], waiting[2]), PATIENCE)
        assert waiting[1].cancelled()
        end(followed)

    asyncio.run(scenario())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has it")
@pytest.mark.parametrize("new_loop", [asyncio.SelectorEventLoop, uvloop.new_event_loop])
@pytest.mark.parametrize("tls", [False, True])
def test_the_kernel_misses_a_client_that_vanishes_though_it_has_all_that_was_written(
    tmp_path: Path, new_loop: Callable[[], asyncio.AbstractEventLoop], tls: bool
) -> None:
    pair = make_pair(tmp_path)
    trust = ssl.create_default_context(cafile=str(pair.certificate)) if tls else None

    def limits(transport: asyncio.BaseTransport) -> int:
        connected = transport.get_extra_info("socket")
        limit: int = connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        return limit

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        followed = Backpressure(cast("asyncio.Transport", writer.transport), 60)
        found.append(limits(writer.transport))
        followed.limit(300)
        found.append(limits(writer.transport))
        writer.close()

    async def scenario() -> None:
        context = server_context(pair.settings) if tls else None
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        async with server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
            assert await reader.read() == b""
            writer.close()

    found: list[int] = []
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(asyncio.wait_for(scenario(), PATIENCE))
    assert found == [120_000, 300_000]
