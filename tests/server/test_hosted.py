"""ASGI applications behind the gateway's door, over real sockets."""

import asyncio
import logging
from typing import Any

import pytest

from gateway.server import door
from tests.server.test_serving import GET, Running
from tests.waiting import PATIENCE

POST = b"POST /a%20b?c=d HTTP/1.1\r\nhost: h\r\nconnection: close\r\n"


def start(status: int = 200) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": []}


def body(piece: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": piece, "more_body": more}


async def exchange(app: Any, data: bytes = GET) -> bytes:
    running = Running(app)
    received = await running.exchange(data)
    await running.end()
    return received


async def echo(scope: Any, receive: Any, send: Any) -> None:
    await send(start())
    where = f"{scope['method']} {scope['path']} {scope['query_string'].decode()}\n"
    await send(body(where.encode(), more=True))
    while (message := await receive())["more_body"]:
        await send(body(message["body"], more=True))
    await send(body(message["body"]))


def test_an_application_gets_the_request_and_streams_its_reply() -> None:
    received = asyncio.run(exchange(echo, POST + b"content-length: 3\r\n\r\nabc"))
    assert received.startswith(b"HTTP/1.1 200")
    assert b"POST /a b c=d\n" in received
    assert b"\r\nabc\r\n" in received
    assert received.endswith(b"0\r\n\r\n")


def test_a_long_body_arrives_and_leaves_in_pieces() -> None:
    size = 3_000_000
    long = POST + b"content-length: %d\r\n\r\n" % size + b"x" * size
    received = asyncio.run(exchange(echo, long))
    assert received.count(b"x") == size
    assert received.endswith(b"0\r\n\r\n")


def test_what_is_not_http_is_refused() -> None:
    assert asyncio.run(exchange(echo, b"\x00\r\n\r\n")).startswith(b"HTTP/1.1 400")


async def failing(scope: Any, receive: Any, send: Any) -> None:
    raise RuntimeError("broken")


async def silent(scope: Any, receive: Any, send: Any) -> None: ...


async def breaking_off(scope: Any, receive: Any, send: Any) -> None:
    await send(start())
    await send(body(b"begun", more=True))
    raise RuntimeError("broken")


@pytest.mark.parametrize("app", [failing, silent])
def test_an_application_without_a_reply_is_a_500(app: Any) -> None:
    received = asyncio.run(exchange(app))
    assert received.startswith(b"HTTP/1.1 500")
    assert b'"error"' in received
    assert b"broken" not in received


@pytest.mark.parametrize("app", [failing, breaking_off])
def test_an_error_of_the_application_is_logged(app: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "gateway"):
        received = asyncio.run(exchange(app))
    assert "broken" in caplog.text
    assert not received.endswith(b"0\r\n\r\n")


def test_a_client_that_leaves_cancels_the_application() -> None:
    async def scenario() -> None:
        cancelled, waiting = asyncio.Event(), asyncio.Event()

        async def endless(scope: Any, receive: Any, send: Any) -> None:
            assert (await receive())["body"] == b""
            waiting.set()
            try:
                await receive()
            finally:
                cancelled.set()

        running = Running(endless)
        _, writer = await running.connect()
        writer.write(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n")
        await waiting.wait()
        writer.close()
        await asyncio.wait_for(cancelled.wait(), PATIENCE)
        await running.end()
        # It may have left before a body was complete, too.
        running = Running(endless)
        _, writer = await running.connect()
        writer.write(POST + b"content-length: 3\r\n\r\na")
        writer.close()
        await running.end()

    asyncio.run(scenario())


def test_new_requests_are_refused_while_it_drains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "DRAIN_SECONDS", PATIENCE)

    async def scenario() -> None:
        release, waiting = asyncio.Event(), asyncio.Event()

        async def held(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] == "/":
                waiting.set()
                await release.wait()
            await echo(scope, receive, send)

        running = Running(held)
        reader, idle = await running.connect()
        idle.write(POST.replace(b"close", b"keep-alive") + b"content-length: 0\r\n\r\n")
        await reader.readuntil(b"0\r\n\r\n")
        reply = asyncio.create_task(running.exchange(GET))
        await waiting.wait()
        running.stop.set()
        await running.drained.wait()
        idle.write(POST + b"content-length: 0\r\n\r\n")
        refused = await reader.read()
        assert refused.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 1\r\n" in refused
        release.set()
        assert (await reply).startswith(b"HTTP/1.1 200")
        await running.task
        idle.close()

    asyncio.run(scenario())


def test_an_application_waits_for_a_client_that_reads_nothing() -> None:
    async def scenario() -> None:
        piece, pieces = b"x" * 1_000_000, 50
        waiting = asyncio.Event()

        async def long(scope: Any, receive: Any, send: Any) -> None:
            await send(start())
            for _ in range(pieces):
                sending = asyncio.ensure_future(send(body(piece, more=True)))
                done, _ = await asyncio.wait({sending}, timeout=1)
                if not done:
                    waiting.set()
                await sending
            await send(body(b""))

        running = Running(long)
        reader, writer = await running.connect()
        transport = writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        writer.write(GET)
        await waiting.wait()
        transport.resume_reading()
        assert (await reader.read()).count(b"x") == pieces * len(piece)
        writer.close()
        await running.end()

    asyncio.run(scenario())
