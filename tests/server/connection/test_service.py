"""A connection and the requests that it has served without a task, as far as that goes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway import request_ids
from gateway.api.admission import Admission, ClientConnection
from gateway.api.writing import ReplyWriter
from gateway.exchange.client_reply import json_reply
from gateway.exchange.decision import Decision
from gateway.request import Head
from gateway.server.connection.state import State
from tests.api.client import Client
from tests.server.connection.test_http1 import answer
from tests.server.wire import Wire, request

pytestmark = pytest.mark.anyio


class Served:
    """A `ServedAtOnce` that does what the test says."""

    def __init__(self, writer: ReplyWriter, connection: ClientConnection) -> None:
        self.writer = writer
        self.connection = connection
        self.begun = 0
        self.rests = 0
        self.ended: list[str] = []
        self.go = asyncio.Event()

    def begin(self) -> None:
        self.begun += 1

    def answer(self) -> None:
        """Answer without a task."""
        assert self.writer.write_at_once(json_reply(b"{}"), b"{}", Decision())
        self.connection.served()

    def rest(self) -> Callable[[], Awaitable[None]]:
        self.rests += 1
        return self._rest

    async def _rest(self) -> None:
        self.ended.append(request_ids.OUTGOING.get().decode())
        try:
            await self.go.wait()
            await self.writer.write(json_reply(b"{}"), Decision())
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            if not self.writer.gone:
                raise


class App:
    """An application that serves requests without a task, while `at_once`."""

    def __init__(self) -> None:
        self.gateway = Client(answer).gateway
        self.server, self.tls = self.gateway.server, None
        self.serve, self.abandoned = self.gateway.serve, self.gateway.abandoned
        self.at_once = True
        self.served: list[Served] = []

    def admit(self, head: Head) -> Admission:
        return replace(self.gateway.admit(head), at_once=self._at_once)

    def _at_once(
        self, admission: Admission, body: bytes, writer: ReplyWriter, connection: ClientConnection
    ) -> Served | None:
        del admission, body
        if not self.at_once:
            return None
        self.served.append(Served(writer, connection))
        return self.served[-1]


async def asked() -> tuple[Wire, App, Served]:
    app = App()
    wire = Wire(app)
    wire.protocol.data_received(request())
    (served,) = app.served
    assert served.begun == 0  # after all reads of the turn
    await asyncio.sleep(0)
    assert served.begun == 1
    assert wire.task is None
    assert wire.protocol.busy
    assert wire.protocol.is_serving
    return wire, app, served


async def test_a_request_that_needs_no_task_gets_none() -> None:
    wire, app, served = await asked()
    served.answer()
    assert wire.take().startswith(b"HTTP/1.1 200 OK")
    assert wire.state is State.IDLE
    assert not wire.protocol.busy
    assert served.rests == 0
    wire.protocol.data_received(request())
    assert len(app.served) == 2


async def test_where_the_application_wants_a_task_there_is_one() -> None:
    app = App()
    app.at_once = False
    wire = Wire(app)
    assert (await wire.send(request())).startswith(b"HTTP/1.1 ")
    assert app.served == []


async def test_the_next_request_of_a_row_begins_after_the_last_one() -> None:
    wire, app, served = await asked()
    wire.protocol.data_received(request())
    assert len(app.served) == 1
    served.answer()
    await asyncio.sleep(0)
    assert [each.begun for each in app.served] == [1, 1]
    app.served[1].answer()
    assert wire.take().count(b"HTTP/1.1 200 OK") == 2


async def test_a_request_goes_on_in_a_task_of_no_other_requests_context() -> None:
    wire, _, served = await asked()
    token = request_ids.OUTGOING.set(b"another request's")
    try:
        served.connection.serve_in_task()
    finally:
        request_ids.OUTGOING.reset(token)
    served.go.set()
    await wire.settle()
    assert served.ended == [""]
    assert wire.take().startswith(b"HTTP/1.1 200 OK")
    assert wire.state is State.IDLE


@pytest.mark.parametrize("in_task", [False, True])
@pytest.mark.parametrize("has_begun", [False, True])
async def test_a_client_that_leaves_ends_it_in_its_task(in_task: bool, has_begun: bool) -> None:
    wire, _, served = await asked()
    if in_task:
        served.connection.serve_in_task()
        if has_begun:
            await asyncio.sleep(0)
    wire.leave()
    assert served.writer.gone
    await wire.settle()
    assert served.ended == ["", "cancelled"]
    assert served.rests == 1
    assert wire.door.connections == set()


@pytest.mark.parametrize("in_task", [False, True])
async def test_the_end_of_the_grace_period_is_told(in_task: bool) -> None:
    wire, _, served = await asked()
    if in_task:
        served.connection.serve_in_task()
    task: Any = wire.protocol.cut_off()
    await asyncio.wait([task])
    assert served.ended == ["", "cancelled"]
    written = wire.take()
    assert written.startswith(b"HTTP/1.1 503 ")
    assert b"connection: close" in written


async def test_an_idle_connection_has_nothing_to_go_on_from() -> None:
    wire = Wire(App())
    wire.protocol.served()
    assert wire.state is State.IDLE
