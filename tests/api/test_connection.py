"""The client's side of a request: bodies in pieces, and noticing who leaves."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.api.connection import ClientConnection, ClientGone, declared_length
from gateway.errors import PayloadTooLarge


class Sender:
    """An ASGI `receive` that gives messages one by one, and then waits for the client to leave."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = list(messages)
        self.left = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if self.messages:
            return self.messages.pop(0)
        await self.left.wait()
        return {"type": "http.disconnect"}


def piece(data: bytes | None, *, more: bool = True) -> dict[str, Any]:
    body = {} if data is None else {"body": data}
    return {"type": "http.request", **body, "more_body": more}


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def in_a_task() -> None:
        await scenario()

    asyncio.run(in_a_task())


def test_a_body_of_pieces_is_put_together_empty_and_missing_ones_too() -> None:
    async def scenario() -> None:
        sender = Sender(piece(None), piece(b"ab"), piece(b""), piece(b"c", more=False))
        connection = ClientConnection(sender.receive, 5)
        assert await connection.read(3, None) == b"abc"
        connection.close()

    run(scenario)


def test_a_stream_leaves_empty_pieces_out() -> None:
    async def scenario() -> None:
        sender = Sender(piece(None), piece(b"ab"), piece(b""), piece(b"c"), piece(b"", more=False))
        connection = ClientConnection(sender.receive, 5)
        body = await connection.open(10, None)
        assert not isinstance(body, bytes)
        assert [part async for part in body] == [b"ab", b"c"]
        connection.close()

    run(scenario)


def test_a_stream_stops_at_its_limit() -> None:
    async def scenario() -> None:
        sender = Sender(piece(b"abc"), piece(b"de"), piece(b"f"))
        connection = ClientConnection(sender.receive, 5)
        body = await connection.open(4, None)
        assert not isinstance(body, bytes)
        assert await anext(body) == b"abc"
        with pytest.raises(PayloadTooLarge):
            await anext(body)

    run(scenario)


def test_a_request_that_is_cancelled_in_its_body_is_not_too_slow() -> None:
    async def scenario() -> None:
        connection = ClientConnection(Sender(piece(b"ab")).receive, 5)
        reading = asyncio.create_task(connection.read(10, None))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        connection.close()

    run(scenario)


def test_a_client_that_leaves_in_its_body_is_gone() -> None:
    async def scenario() -> None:
        sender = Sender(piece(b"ab"))
        sender.left.set()
        connection = ClientConnection(sender.receive, 5)
        with pytest.raises(ClientGone):
            await connection.read(10, None)
        assert connection.gone
        connection.close()

    run(scenario)


def test_a_client_that_leaves_after_its_body_cancels_the_request() -> None:
    async def scenario() -> None:
        # What comes after a body and is no departure (a pipelined request's beginning) is ignored.
        sender = Sender(piece(b"{}", more=False), piece(b"", more=False))
        connection = ClientConnection(sender.receive, 5)
        assert await connection.open(10, 2) == b"{}"
        sender.left.set()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.Event().wait()
        assert connection.gone

    run(scenario)


def test_outside_of_a_task_a_departure_is_only_noted() -> None:
    async def scenario() -> None:
        sender = Sender(piece(b"{}", more=False))
        made: asyncio.Future[ClientConnection] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(
            lambda: made.set_result(ClientConnection(sender.receive, 5))
        )
        connection = await made
        await connection.read(10, None)
        sender.left.set()
        assert connection._watch is not None
        await connection._watch
        assert connection.gone

    run(scenario)


@pytest.mark.parametrize(
    ("value", "length"),
    [(b"12", 12), (b"0", 0), (b"", None), (b"-1", None), (b"1e3", None), (b"9" * 19, None)],
)
def test_a_declared_length_is_a_plain_number(value: bytes, length: int | None) -> None:
    assert declared_length(((b"host", b"h"), (b"content-length", value))) == length


def test_no_length_may_be_declared_at_all() -> None:
    assert declared_length(()) is None
