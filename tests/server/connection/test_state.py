"""The states of a connection, and the table of where each leads."""

import asyncio

import pytest

from gateway.server.connection.state import State
from tests.api.client import Client
from tests.server.connection.test_http1 import CHAT, Held, answer
from tests.server.wire import Wire, request


def successors() -> dict[State, set[State]]:
    """Where each state leads, as the table in its documentation says."""
    found: dict[State, set[State]] = {}
    state = ""
    for line in (State.__doc__ or "").split("```")[1].splitlines()[3:]:
        cells = [line[4:17].strip(), line[50:63].strip()]
        state = cells[0] or state
        found.setdefault(State[state], set()).update({State[cells[1]]} if cells[1] else ())
    return found


def test_the_table_has_every_state_and_only_closed_is_final() -> None:
    table = successors()
    assert list(table) == list(State)
    assert [state for state in State if not table[state]] == [State.CLOSED]
    assert set().union(*table.values()) == {*State}
    assert State.CLOSED in table[State.CLOSING]


@pytest.mark.parametrize(
    ("sent", "state"),
    [
        (b"", State.IDLE),
        (request(CHAT)[:9], State.HEAD),
        (request(CHAT)[:-5], State.BODY),
        (request(CHAT), State.SERVING),
        (b"nonsense\r\n\r\n", State.HALF_CLOSED),
        (request(CHAT, "/nowhere")[:-5], State.HALF_CLOSED),
    ],
)
def test_what_has_arrived_decides_on_the_state(sent: bytes, state: State) -> None:
    async def scenario() -> None:
        connection = Wire(Held().client().gateway)
        if sent:
            connection.protocol.data_received(sent)
        if state is not State.SERVING:
            await connection.settle()
        assert connection.state is state
        connection.leave()
        await connection.settle()
        assert connection.state is State.CLOSED

    asyncio.run(scenario())


def test_a_connection_is_idle_again_after_a_reply() -> None:
    async def scenario() -> None:
        connection = Wire(Client(answer).gateway)
        await connection.send(request(CHAT))
        assert connection.state is State.IDLE
        connection.leave()

    asyncio.run(scenario())


def test_a_connection_closes_after_its_last_reply_once_the_client_has_read_it() -> None:
    async def scenario() -> None:
        connection = Wire(Client(answer).gateway)
        connection.transport.unread = 1
        await connection.send(request(CHAT, "/v1/chat/completions", "Connection: close"))
        assert connection.state is State.CLOSING
        connection.leave()

    asyncio.run(scenario())
