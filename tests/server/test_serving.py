"""Real sockets: starting, limits of a request's head, draining on a signal, cutting off."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.api.application import Gateway
from gateway.server import door
from gateway.server.connection import lifetime, reception
from gateway.server.serving import Listener, bind, serve
from gateway.shapes import UpstreamCall
from tests.api.client import Client
from tests.fakes import Answer
from tests.server.connection.test_http1 import CHAT, STREAMED_CHAT, Held, answer
from tests.waiting import PATIENCE

App = Callable[[Any, Any, Any], Awaitable[None]] | Gateway


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


class Running:
    """A server under test, and raw connections to it."""

    def __init__(self, *apps: App, grace: float = 5, by_signal: bool = False) -> None:
        self.stop = asyncio.Event()
        self.drained = asyncio.Event()
        self.ports: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(
            serve(
                [Listener(app, "127.0.0.1", 0) for app in apps],
                grace_period=lambda: grace,
                on_drain=self.drained.set,
                on_started=self.ports.set_result,
                stop=None if by_signal else self.stop,
            )
        )

    async def connect(self, which: int = 0) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", (await self.ports)[which])

    async def exchange(self, data: bytes, which: int = 0) -> bytes:
        reader, writer = await self.connect(which)
        writer.write(data)
        received = await reader.read()
        writer.close()
        await writer.wait_closed()
        return received

    async def end(self) -> None:
        self.stop.set()
        await self.task


GET = b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"


def test_several_applications_are_served_each_at_its_own_port() -> None:
    async def scenario() -> None:
        async def other(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        running = Running(hello, other)
        assert b"hello" in await running.exchange(GET)
        assert (await running.exchange(GET, 1)).startswith(b"HTTP/1.1 204")
        assert b"server:" not in await running.exchange(GET)
        await running.end()
        assert running.drained.is_set()

    asyncio.run(scenario())


def test_a_port_that_is_taken_is_an_os_error() -> None:
    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]

        async def scenario() -> None:
            await serve(
                [Listener(hello, "127.0.0.1", port)],
                grace_period=lambda: 1,
                on_drain=lambda: None,
            )

        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}: .* in use"):
            asyncio.run(scenario())


def test_small_replies_are_not_held_back_for_an_acknowledgement() -> None:
    async def scenario() -> None:
        delays: asyncio.Queue[int] = asyncio.Queue()

        class Accepted(asyncio.Protocol):
            def connection_made(self, transport: Any) -> None:
                accepted = transport.get_extra_info("socket")
                delays.put_nowait(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

        bound = bind("127.0.0.1", 0)
        server = await asyncio.get_running_loop().create_server(Accepted, sock=bound)
        _, writer = await asyncio.open_connection(*bound.getsockname())
        assert await delays.get() == 1
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()

    asyncio.run(scenario())


def test_an_ipv6_address_can_be_bound() -> None:
    with bind("::1", 0) as bound:
        assert bound.family is socket.AF_INET6


def test_a_signal_lets_running_replies_finish_and_takes_no_new_connections() -> None:
    async def scenario() -> None:
        release, started = asyncio.Event(), asyncio.Event()

        async def slow(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"first ", "more_body": True})
            started.set()
            await release.wait()
            await send({"type": "http.response.body", "body": b"last"})

        running = Running(slow, by_signal=True)
        reply = asyncio.create_task(running.exchange(GET))
        await started.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        await running.drained.wait()
        while True:
            try:
                _, writer = await running.connect()
                writer.close()
                await writer.wait_closed()
            except OSError:  # refused, or reset while the listener closes
                break
            await asyncio.sleep(0.01)
        release.set()
        assert b"last" in await reply
        await running.task

    asyncio.run(scenario())


def test_a_reply_that_outlasts_the_grace_period_is_cut_off_visibly() -> None:
    async def scenario() -> None:
        started = asyncio.Event()

        async def endless(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            started.set()
            await asyncio.Event().wait()

        running = Running(endless, grace=1)
        reply = asyncio.create_task(running.exchange(GET))
        await started.wait()
        await running.end()
        assert not (await reply).endswith(b"0\r\n\r\n")

    asyncio.run(scenario())


def served(answer_with: Callable[[UpstreamCall], Answer] = answer) -> Gateway:
    return Client(answer_with).gateway


POST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n%b\r\n%b"


def post(body: bytes, fields: bytes = b"") -> bytes:
    return POST % (len(body), fields, body)


def test_a_head_without_end_is_answered_431_and_closed() -> None:
    async def scenario() -> None:
        running = Running(served())
        endless = b"GET / HTTP/1.1\r\nhost: h\r\n" + b"a: b\r\n" * 20_000
        assert (await running.exchange(endless)).startswith(b"HTTP/1.1 431")
        await running.end()

    asyncio.run(scenario())


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nhost"])
def test_a_connection_that_says_too_little_for_too_long_is_closed(
    said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifetime, "HEAD_TIMEOUT", 0.05)
    monkeypatch.setattr(reception, "HEAD_TIMEOUT", 0.05)

    async def scenario() -> None:
        running = Running(served())
        assert await running.exchange(said) == b""
        await running.end()

    asyncio.run(scenario())


def test_a_body_may_be_long_and_further_requests_may_follow() -> None:
    async def scenario() -> None:
        running = Running(served())
        long = CHAT + b" " * 300_000
        received = await running.exchange(post(long) + post(long, b"connection: close\r\n"))
        assert received.count(b"HTTP/1.1 200") == 2
        await running.end()

    asyncio.run(scenario())


def test_garbage_is_a_400() -> None:
    async def scenario() -> None:
        running = Running(served())
        assert (await running.exchange(b"\x00\x01\r\n\r\n")).startswith(b"HTTP/1.1 400")
        await running.end()

    asyncio.run(scenario())


def test_a_running_request_finishes_and_an_idle_connection_hears_of_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What comes on an open connection while the gateway drains is a 503, not a reset."""
    monkeypatch.setattr(door, "DRAIN_SECONDS", PATIENCE)

    async def scenario() -> None:
        held = Held()
        client = held.client()
        running = Running(client.gateway)
        reader, idle = await running.connect()
        idle.write(b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n")
        await reader.readuntil(b"}")
        reply = asyncio.create_task(running.exchange(post(CHAT)))
        await held.asked.wait()
        client.gateway.drain()
        running.stop.set()
        await running.drained.wait()
        idle.write(post(CHAT))
        received = await reader.read()
        assert received.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 1\r\n" in received
        assert b"connection: close\r\n" in received
        held.answers.set()
        finished = await reply
        assert finished.startswith(b"HTTP/1.1 200")
        assert b"connection: close\r\n" in finished
        await running.task
        idle.close()

    asyncio.run(scenario())


def test_idle_connections_are_closed_after_a_moment() -> None:
    async def scenario() -> None:
        running = Running(served(), grace=0)
        reader, writer = await running.connect()
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n")
        await reader.readuntil(b"}")
        await running.end()
        assert await reader.read() == b""
        writer.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("in_stream", [False, True])
def test_what_outlasts_the_grace_period_is_told_or_cut_off(
    caplog: pytest.LogCaptureFixture, *, in_stream: bool
) -> None:
    caplog.set_level(logging.INFO)

    async def scenario() -> None:
        held = Held()
        running = Running(held.client(in_stream=in_stream).gateway, grace=0)
        body = STREAMED_CHAT if in_stream else CHAT
        reply = asyncio.create_task(running.exchange(post(body)))
        await held.asked.wait()
        await running.end()
        received = await reply
        assert received.startswith(b"HTTP/1.1 200" if in_stream else b"HTTP/1.1 503")
        assert received.count(b'"code":"shutting_down"') == 1

    asyncio.run(scenario())
    assert "draining: 1 running requests have 0 s to end" in caplog.text
    assert "drained: 1 of the requests were aborted" in caplog.text
