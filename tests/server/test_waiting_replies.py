"""Whole replies that wait for others of their turn: what happens to a connection meanwhile."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway.server.connection.state import State
from gateway.system import outbox
from tests.api.client import Client
from tests.server.connection.test_http1 import CHAT, answer
from tests.server.wire import Wire, request

ENDS: dict[str, Callable[[Wire], object]] = {
    "the client ends its side": lambda wire: wire.protocol.eof_received(),
    "the gateway stops": lambda wire: wire.protocol.cut_off(),
    "garbage follows": lambda wire: wire.protocol.data_received(b"\0\0\r\n\r\n"),
}


@pytest.fixture(autouse=True)
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, no write waits for too long."""
    monkeypatch.setattr(outbox, "perf_counter", lambda: 0.0)


async def waiting(sent: bytes = request(CHAT)) -> Wire:
    """Return a connection whose reply waits in the outbox."""
    wire = Wire(Client(answer).gateway)
    wire.protocol.outbox.expected += 1  # another request, say, that is never answered
    wire.protocol.data_received(sent)
    await asyncio.sleep(0)
    assert wire.take() == b""
    return wire


def test_a_reply_is_written_by_the_next_turn() -> None:
    async def scenario() -> None:
        wire = await waiting()
        assert wire.state is State.IDLE
        await asyncio.sleep(0)
        assert wire.take().startswith(b"HTTP/1.1 200 ")
        wire.end()

    asyncio.run(scenario())


def test_replies_of_one_turn_are_written_when_the_last_is_there() -> None:
    async def scenario() -> None:
        wires = [Wire(Client(answer).gateway) for _ in range(3)]
        seen: list[list[State]] = []

        def look(data: Any) -> None:
            seen.append([wire.state for wire in wires])

        for wire in wires:
            wire.transport.write = look  # type: ignore[method-assign]
            wire.protocol.data_received(request(CHAT))
        await asyncio.sleep(0)
        assert seen == [[State.IDLE, State.IDLE, State.SERVING]] * 3
        for wire in wires:
            wire.end()

    asyncio.run(scenario())


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_a_reply_is_written_before_the_connection_ends(end: Callable[[Wire], object]) -> None:
    async def scenario() -> None:
        wire = await waiting()
        end(wire)
        await wire.settle()
        await asyncio.sleep(0)
        assert wire.take().startswith(b"HTTP/1.1 200 ")
        wire.end()

    asyncio.run(scenario())


@pytest.mark.parametrize("more", [b"", b"more"])
def test_a_last_reply_is_written_before_the_connection_is_closed(more: bytes) -> None:
    sent = request(CHAT, "/v1/chat/completions", "Connection: close") + more

    async def scenario() -> None:
        wire = Wire(Client(answer).gateway)
        written = wire.transport.written
        wire.transport.write_eof = lambda: written.append(b"end")  # type: ignore[method-assign]
        wire.protocol.outbox.expected += 1
        received = await wire.send(sent)
        assert received.startswith(b"HTTP/1.1 200 ")
        assert (wire.transport.is_closing(), received.endswith(b"end")) == (not more, bool(more))
        wire.leave()

    asyncio.run(scenario())


def test_a_reply_comes_before_the_go_ahead_for_the_next_request() -> None:
    async def scenario() -> None:
        wire = await waiting()
        sent = request(b"{}", "/v1/files", "Expect: 100-continue")
        wire.protocol.data_received(sent.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
        received = wire.take()
        assert received.startswith(b"HTTP/1.1 200 ")
        assert received.endswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        wire.leave()

    asyncio.run(scenario())


def test_replies_to_requests_that_come_together_are_in_their_order() -> None:
    streamed = request(CHAT.replace(b'"model"', b'"stream": true, "model"', 1))

    async def scenario() -> None:
        wire = await waiting(request(CHAT) + streamed)
        await wire.settle()
        received = wire.take()
        assert received.count(b"HTTP/1.1 200 ") == 2
        assert received.index(b"application/json") < received.index(b"text/event-stream")
        wire.end()

    asyncio.run(scenario())


def test_nothing_is_written_to_a_client_that_has_left_meanwhile() -> None:
    async def scenario() -> None:
        failures: list[object] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: failures.append(context))
        wire = await waiting()
        wire.leave()
        await asyncio.sleep(0)
        assert (wire.take(), failures) == (b"", [])

    asyncio.run(scenario())
