"""A last reply reaches a client that still sends; what it sends is thrown away, in bounds."""

import asyncio

import pytest

from gateway.config.settings import ServerSettings
from gateway.server import lingering
from gateway.server.http_limits import MAX_HEAD_BYTES
from tests.api.client import Client
from tests.server.test_direct import CHAT, Held, answer
from tests.server.wire import DirectConnection, request

UNFINISHED = request(b"", "/v1/chat/completions", "Transfer-Encoding: chunked").replace(
    b"Content-Length: 0\r\n", b""
)
PIECE = b"400\r\n" + b"x" * 0x400 + b"\r\n"


async def refused() -> DirectConnection:
    """Return a connection whose request was refused in the middle of its body."""
    connection = DirectConnection(Client(answer, ServerSettings(max_body_bytes=100)).gateway)
    received = await connection.send(UNFINISHED, PIECE)
    assert received.startswith(b"HTTP/1.1 413")
    assert connection.transport.ended
    assert not connection.transport.is_closing()
    return connection


def test_what_a_refused_client_still_sends_is_thrown_away() -> None:
    async def scenario() -> None:
        connection = await refused()
        assert await connection.send(PIECE, b"0\r\n\r\n", request(CHAT), b"\x00") == b""
        assert not connection.transport.is_closing()
        connection.end()

    asyncio.run(scenario())


def test_a_client_that_sends_on_and_on_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lingering, "LINGER_BYTES", 10_000)

    async def scenario() -> None:
        connection = await refused()
        await connection.send(b"x" * 10_000)
        assert not connection.transport.is_closing()
        await connection.send(b"x")
        assert connection.transport.is_closing()

    asyncio.run(scenario())


def test_a_client_that_does_not_leave_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lingering, "LINGER_SECONDS", 0.01)

    async def scenario() -> None:
        connection = await refused()
        await asyncio.wait_for(connection.transport.closed.wait(), 10)
        assert connection.transport.is_closing()

    asyncio.run(scenario())


def test_an_endless_head_is_refused_once() -> None:
    async def scenario() -> None:
        connection = DirectConnection(Client(answer).gateway)
        head = b"POST / HTTP/1.1\r\n" + b"a: b\r\n" * (MAX_HEAD_BYTES // 6)
        received = await connection.send(head, b"a: b\r\n" * 100, b"a: b\r\n" * 100)
        assert received.count(b"HTTP/1.1 431") == 1
        assert connection.transport.ended
        connection.protocol.close_in_order()
        assert not connection.transport.is_closing()
        connection.end()

    asyncio.run(scenario())


def test_a_last_reply_is_read_though_another_request_has_followed() -> None:
    async def scenario() -> None:
        held = Held()
        connection = DirectConnection(held.client().gateway)
        last = request(CHAT, "/v1/chat/completions", "Connection: close")
        connection.protocol.data_received(last)
        await held.asked.wait()
        connection.protocol.data_received(request(CHAT))
        held.answers.set()
        await connection.settle()
        assert connection.take().startswith(b"HTTP/1.1 200")
        assert connection.transport.ended
        connection.end()

    asyncio.run(scenario())
