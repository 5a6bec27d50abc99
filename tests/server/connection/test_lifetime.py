"""How connections end: by time, by the client, and so that a last reply is read."""

import asyncio

import pytest

from gateway.config.settings import ServerSettings
from gateway.server.connection import lifetime
from gateway.server.connection.body import MAX_LINES
from gateway.server.connection.head import MAX_HEAD_BYTES
from gateway.server.connection.incoming import MAX_EMPTY_LINES
from gateway.server.connection.state import State
from gateway.shapes import UpstreamCall
from tests.api.client import Client
from tests.fakes import FakeReply, json_reply
from tests.server.connection.test_http1 import CHAT, STREAMED_CHAT, Held, answer
from tests.server.connection.test_timer import is_scheduled
from tests.server.wire import Wire, request
from tests.waiting import PATIENCE

UNFINISHED = request(b"", "/v1/chat/completions", "Transfer-Encoding: chunked").replace(
    b"Content-Length: 0\r\n", b""
)
PIECE = b"400\r\n" + b"x" * 0x400 + b"\r\n"


async def refused() -> Wire:
    """Return a connection whose request was refused in the middle of its body."""
    connection = Wire(Client(answer, ServerSettings(max_body_bytes=100)).gateway)
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


def test_without_a_half_close_a_refused_client_is_read_until_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lifetime, "HALF_CLOSED_SECONDS", 0.01)

    async def scenario() -> None:
        connection = Wire(Client(answer, ServerSettings(max_body_bytes=100)).gateway)
        connection.transport.secured = True
        assert (await connection.send(UNFINISHED, PIECE)).startswith(b"HTTP/1.1 413")
        assert not connection.transport.ended
        await connection.transport.closed.wait()

    asyncio.run(scenario())


def test_a_client_that_sends_on_and_on_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifetime, "HALF_CLOSED_BYTES", 10_000)

    async def scenario() -> None:
        connection = await refused()
        await connection.send(b"x" * 10_000)
        assert not connection.transport.is_closing()
        await connection.send(b"x")
        assert connection.transport.is_closing()

    asyncio.run(scenario())


def test_a_client_that_sends_on_before_its_refusal_is_written_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lifetime, "HALF_CLOSED_BYTES", 10_000)

    async def scenario() -> None:
        connection = Wire(Client(answer, ServerSettings(max_body_bytes=100)).gateway)
        for piece in (UNFINISHED, PIECE, b"x" * 10_000):
            connection.protocol.data_received(piece)
        assert connection.transport.is_reading()
        connection.protocol.data_received(b"x")
        assert not connection.transport.is_reading()
        await connection.settle()
        assert connection.take().startswith(b"HTTP/1.1 413")
        assert connection.transport.is_reading()
        connection.end()

    asyncio.run(scenario())


def test_a_client_that_does_not_leave_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifetime, "HALF_CLOSED_SECONDS", 0.01)

    async def scenario() -> None:
        connection = await refused()
        await asyncio.wait_for(connection.transport.closed.wait(), PATIENCE)
        assert connection.transport.is_closing()

    asyncio.run(scenario())


def test_an_endless_head_is_refused_once() -> None:
    async def scenario() -> None:
        connection = Wire(Client(answer).gateway)
        head = b"POST / HTTP/1.1\r\n" + b"a: b\r\n" * (MAX_HEAD_BYTES // 6)
        received = await connection.send(head, b"a: b\r\n" * 100, b"a: b\r\n" * 100)
        assert received.count(b"HTTP/1.1 431") == 1
        assert connection.transport.ended
        connection.end()

    asyncio.run(scenario())


def test_a_last_reply_is_read_though_another_request_has_followed() -> None:
    async def scenario() -> None:
        held = Held()
        connection = Wire(held.client().gateway)
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


def test_an_idle_connection_is_closed_and_one_that_serves_is_not() -> None:
    async def scenario() -> None:
        connection = Wire(Client(answer).gateway)
        await connection.send(request(CHAT))
        assert connection.state is State.IDLE
        connection.expire()
        assert connection.transport.is_closing()
        assert not connection.door.connections

        held = Held()
        busy = Wire(held.client().gateway)
        busy.protocol.data_received(request(CHAT))
        await held.asked.wait()
        busy.protocol._expired()
        assert not busy.transport.is_closing()
        held.answers.set()
        await busy.settle()
        busy.end()

    asyncio.run(scenario())


PARTS = {
    "nothing": b"",
    "a part of a head": b"POST /v1/chat/completions HTTP/1.1\r\nhost",
    "a part of a body": request(CHAT)[:-5],
    "a part of chunks": UNFINISHED + PIECE,
    "a part of an upload": request(b"x" * 100_000, "/v1/files")[:-5],
    "a request": request(CHAT),
    "a refused part": request(CHAT, "/nowhere")[:-5],
}


@pytest.mark.parametrize("sent", PARTS.values(), ids=PARTS.keys())
def test_there_is_a_timer_until_the_connection_is_closed(sent: bytes) -> None:
    async def scenario() -> None:
        connection = Wire(Client(answer).gateway)
        timer = connection.protocol._timer
        assert is_scheduled(timer)
        for byte in range(len(sent)):
            connection.protocol.data_received(sent[byte : byte + 1])
            assert is_scheduled(timer)
        for _ in range(20):
            await asyncio.sleep(0)
        assert is_scheduled(timer)
        connection.leave()
        await connection.settle()
        assert not is_scheduled(timer)
        assert connection.state is State.CLOSED

    asyncio.run(scenario())


def look(connection: Wire) -> None:
    """Let the time come to look whether the client reads."""
    connection.protocol.flow.due = 0
    connection.protocol._expired()


def test_a_client_with_a_reply_to_read_is_looked_at_before_its_idle_time_is_over() -> None:
    async def scenario() -> None:
        connection = Wire(Client(answer).gateway)
        connection.transport.full_after = b"HTTP/1.1 200"
        await connection.send(request(CHAT))
        wire = connection.protocol
        assert connection.state is State.IDLE
        assert wire._timer.at == wire.flow.due < wire._due
        connection.end()

    asyncio.run(scenario())


def test_a_client_that_reads_nothing_is_cut_off_and_its_request_with_it() -> None:
    async def scenario() -> None:
        held = Held()
        connection = Wire(held.client(in_stream=True).gateway)
        connection.protocol.data_received(request(STREAMED_CHAT))
        await held.asked.wait()
        connection.transport.unread = 100_000
        connection.protocol.pause_writing()
        connection.transport.unread = 99_000
        look(connection)
        assert not connection.transport.was_aborted()  # it has read something
        connection.protocol.flow._read_at = 0
        look(connection)
        assert connection.transport.was_aborted()
        await asyncio.wait_for(connection.settle(), PATIENCE)
        assert held.given_up == 1
        assert not connection.door.connections

    asyncio.run(scenario())


def test_a_closed_connection_waits_for_a_client_that_reads_and_for_no_other() -> None:
    async def scenario() -> None:
        connection = Wire(Client(answer).gateway)
        connection.transport.unread = 1000
        await connection.send(request(CHAT, "/v1/chat/completions", "Connection: close"))
        assert connection.state is State.CLOSING
        connection.protocol.resume_writing()
        connection.transport.unread = 500
        look(connection)
        assert not connection.transport.was_aborted()
        connection.protocol.flow._read_at = 0
        look(connection)
        assert connection.transport.was_aborted()

    asyncio.run(scenario())


def test_over_tls_a_closed_connection_waits_until_all_is_read_and_then_not_for_long() -> None:
    async def scenario() -> None:
        connection = Wire(Client(answer).gateway)
        connection.transport.secured = True
        connection.transport.unread = 1000
        await connection.send(request(CHAT, "/v1/chat/completions", "Connection: close"))
        assert connection.state is State.CLOSING
        for left in (1000, 1):
            connection.transport.unread = left
            connection.expire()
            assert not connection.transport.was_aborted()
            assert is_scheduled(connection.protocol._timer)
        connection.transport.unread = 0
        connection.expire()  # the client has not agreed to the end
        assert connection.transport.was_aborted()

    asyncio.run(scenario())


def test_a_client_that_ends_its_side_has_left() -> None:
    async def scenario() -> None:
        held = Held()
        connection = Wire(held.client().gateway)
        connection.protocol.data_received(request(CHAT))
        await held.asked.wait()
        connection.protocol.eof_received()
        assert connection.transport.was_aborted()
        await connection.settle()
        assert held.given_up == 1

        idle = Wire(Client(answer).gateway)
        idle.protocol.eof_received()
        assert idle.transport.is_closing()
        idle.protocol.eof_received()

    asyncio.run(scenario())


def test_a_body_of_tiny_chunks_lets_others_have_their_turn() -> None:
    async def scenario() -> None:
        connection = Wire(Client(answer).gateway)
        turns = 0
        tiny = b"".join(b"1\r\n%c\r\n" % byte for byte in CHAT.ljust(5000)) + b"0\r\n\r\n"
        connection.protocol.data_received(UNFINISHED + tiny)
        assert not connection.transport.is_reading()
        while connection.state is State.BODY:
            turns += 1
            await asyncio.sleep(0)
        assert turns >= 2 * 5000 // MAX_LINES
        assert connection.transport.is_reading()
        await connection.settle()
        assert connection.take().startswith(b"HTTP/1.1 200")
        connection.end()

    asyncio.run(scenario())


def test_an_upload_of_tiny_chunks_is_taken_a_part_in_each_turn() -> None:
    async def scenario() -> None:
        client = Client(answer)

        async def send(call: UpstreamCall) -> FakeReply:
            assert not isinstance(call.body, bytes)
            size = sum([len(piece) async for piece in call.body])
            return json_reply({"size": size})

        client.gateway._handlers.forwarder._send = send
        connection = Wire(client.gateway)
        head = UNFINISHED.replace(b"/v1/chat/completions", b"/v1/files")
        connection.protocol.data_received(head + b"1\r\nx\r\n" * 10_000 + b"0\r\n\r\n")
        turns = 0
        while connection.state is State.BODY:
            turns += 1
            await asyncio.sleep(0)
        assert turns >= 2 * 10_000 // MAX_LINES
        await connection.settle()
        assert connection.take().endswith(b'{"size":10000}')
        connection.end()

    asyncio.run(scenario())


def test_empty_lines_before_a_request_are_ignored_up_to_a_number() -> None:
    async def scenario() -> None:
        connection = Wire(Client(answer).gateway)
        for _ in range(3):
            received = await connection.send(b"\r\n" * MAX_EMPTY_LINES + request(CHAT))
            assert received.startswith(b"HTTP/1.1 200")
        for _ in range(MAX_EMPTY_LINES):
            assert await connection.send(b"\r\n") == b""
        assert (await connection.send(b"\r\n")).startswith(b"HTTP/1.1 400")
        connection.end()

    asyncio.run(scenario())
