"""All connections of a listener: the date, and an end in which nobody is cut off unheard."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate, parsedate_to_datetime

import pytest

from gateway.request import Request
from gateway.server import door as doors
from gateway.server.connection.state import State
from gateway.server.door import Door, http_date
from gateway.sockets import Leaving
from tests.api.client import Client
from tests.server.connection.test_http1 import CHAT, STREAMED_CHAT, Held, answer
from tests.server.websocket.peer import Echo, Peer, close_in, closing, turns
from tests.server.wire import FakeTransport, Wire, request
from tests.upstream.scripted import until
from tests.waiting import PATIENCE

LONG = 30.0
"""Seconds of grace that no test waits for."""


@pytest.mark.parametrize("month", range(12))
def test_dates_are_written_as_http_wants_them(month: int) -> None:
    for now in (30.5 * 86_400 * month, 1_796_000_000 + 31 * 86_400 * month + month / 12):
        assert http_date(now).decode() == formatdate(now, usegmt=True)


def test_the_date_is_the_present_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_796_000_000.2
    monkeypatch.setattr(time, "time", lambda: now)

    async def scenario() -> None:
        nonlocal now
        loop = asyncio.get_running_loop()
        begun = loop.time()
        door = Door(Client(answer).gateway)
        done = loop.time()
        name, _, value = door.date_line.decode("ascii").partition(": ")
        assert (name, value[-6:]) == ("date", " GMT\r\n")
        assert parsedate_to_datetime(value.strip()).timestamp() == int(now)
        assert begun + 0.79 < door._clock.when() < done + 0.81
        now += 0.8
        door._clock.cancel()
        door._tick()
        value = door.date_line.decode("ascii").partition(": ")[2]
        assert parsedate_to_datetime(value.strip()).timestamp() == int(now) == 1_796_000_001
        await door.drain(0)
        assert door._clock.cancelled()

    asyncio.run(scenario())


class Stage:
    """A door with several connections, each with what it has sent."""

    def __init__(self, held: Held | None = None, *, in_stream: bool = False) -> None:
        client = held.client(in_stream=in_stream) if held is not None else Client(answer)
        self.client = client
        self.door = Door(client.gateway)

    def connect(self, sent: bytes = b"") -> Wire:
        wire = Wire.__new__(Wire)
        wire.door = self.door
        wire.protocol = self.door.connection()
        wire.transport = FakeTransport()
        wire.transport.protocol = wire.protocol
        wire.protocol.connection_made(wire.transport)
        if sent:
            wire.protocol.data_received(sent)
        return wire

    async def draining(self, grace: float = LONG) -> "asyncio.Task[int]":
        """Begin to drain, the application first, as `serve` does."""
        self.client.gateway.drain()
        task = asyncio.create_task(self.door.drain(grace))
        await asyncio.sleep(0)
        return task


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(scenario(), PATIENCE)

    asyncio.run(bounded())


def test_without_connections_it_ends_at_once() -> None:
    async def scenario() -> None:
        await (await Stage().draining())

    run(scenario)


@pytest.mark.parametrize("sent", [b"", request(CHAT)[:30]], ids=["idle", "part of a head"])
def test_an_idle_connection_stays_for_a_moment_and_is_closed(
    sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "DRAIN_SECONDS", 0.3)

    async def scenario() -> None:
        stage = Stage()
        wire = stage.connect(sent)
        task = await stage.draining()
        assert not wire.transport.is_closing()
        await task
        assert wire.state is State.CLOSED
        assert wire.take() == b""

    run(scenario)


@pytest.mark.parametrize("before", [b"", request(CHAT)[:30]], ids=["idle", "part of a head"])
def test_a_request_that_comes_meanwhile_is_a_503_and_the_last(
    before: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "DRAIN_SECONDS", LONG)

    async def scenario() -> None:
        stage = Stage()
        wire = stage.connect(before)
        task = await stage.draining()
        received = await wire.send(request(CHAT)[len(before) :])
        assert received.startswith(b"HTTP/1.1 503")
        assert b"\r\nconnection: close\r\n" in received
        assert b"\r\nretry-after: 1\r\n" in received
        await task  # with the last connection, not at the end of its time
        assert stage.client.scene.network.calls == []

    run(scenario)


def test_health_is_told_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "DRAIN_SECONDS", LONG)

    async def scenario() -> None:
        stage = Stage()
        alive, ready = stage.connect(), stage.connect()
        task = await stage.draining()
        health = request(b"", "/healthz", method="GET")
        assert (await alive.send(health)).startswith(b"HTTP/1.1 200")
        assert (await ready.send(health.replace(b"health", b"ready"))).startswith(b"HTTP/1.1 503")
        await task

    run(scenario)


@pytest.mark.parametrize("in_stream", [False, True])
def test_a_request_under_way_finishes_and_keeps_nobody_longer(
    monkeypatch: pytest.MonkeyPatch, *, in_stream: bool
) -> None:
    monkeypatch.setattr(doors, "DRAIN_SECONDS", 0.0)

    async def scenario() -> None:
        held = Held()
        stage = Stage(held, in_stream=in_stream)
        busy, idle = stage.connect(request(STREAMED_CHAT if in_stream else CHAT)), stage.connect()
        await held.asked.wait()
        task = await stage.draining()
        for _ in range(5):
            await asyncio.sleep(0)
        assert not task.done()
        assert [wire.transport.is_closing() for wire in (busy, idle)] == [False, False]
        held.answers.set()
        await task
        received = busy.take()
        assert received.startswith(b"HTTP/1.1 200")
        assert received.endswith(b"0\r\n\r\n" if in_stream else b"}")
        assert (b"\r\nconnection: close\r\n" in received) is not in_stream  # announced beforehand
        assert (busy.state, idle.state) == (State.CLOSED, State.CLOSED)

    run(scenario)


def test_a_body_that_still_arrives_is_waited_for_and_then_refused() -> None:
    async def scenario() -> None:
        stage = Stage()
        sent = request(CHAT)
        wire = stage.connect(sent[:-5])
        task = await stage.draining()
        received = await wire.send(sent[-5:])
        assert received.startswith(b"HTTP/1.1 503")
        assert b"\r\nconnection: close\r\n" in received
        await task

    run(scenario)


@pytest.mark.parametrize("in_stream", [False, True])
def test_what_outlasts_the_grace_period_is_cut_off(*, in_stream: bool) -> None:
    async def scenario() -> None:
        held = Held()
        stage = Stage(held, in_stream=in_stream)
        busy = stage.connect(request(STREAMED_CHAT if in_stream else CHAT))
        await held.asked.wait()
        part = stage.connect(request(CHAT)[:-5])
        task = await stage.draining(0.05)
        await until(lambda: part.transport.ended)
        part.end()
        assert await task == 2
        received = busy.take()
        assert received.startswith(b"HTTP/1.1 200" if in_stream else b"HTTP/1.1 503")
        assert received.endswith(b"\r\n0\r\n\r\n" if in_stream else b"}")
        assert received.count(b'"code":"shutting_down"') == 1
        assert (b"retry-after: 1\r\n" in received) is not in_stream
        assert (busy.state, part.state) == (State.CLOSED, State.CLOSED)
        assert part.take().startswith(b"HTTP/1.1 503")
        assert held.given_up == 1
        assert [seen.outcome for seen in stage.client.observer.seen] == ["shutting_down"] * 2

    run(scenario)


def test_a_request_that_comes_with_the_end_is_told() -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.client.gateway.drain()
        wire = stage.connect(request(CHAT))  # its task has not begun
        await stage.door.drain(0.0)
        assert wire.take().startswith(b"HTTP/1.1 503")

    run(scenario)


@pytest.mark.parametrize("seconds", [0.0, 0.05])
def test_a_client_that_does_not_read_its_last_reply_is_reset(
    seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "_LAST_SECONDS", seconds)

    async def scenario() -> None:
        stage = Stage()
        wire, reads = stage.connect(), stage.connect()
        wire.transport.unread = 10
        await (await stage.draining(0.0))
        assert wire.transport.was_aborted()
        assert not reads.transport.was_aborted()
        assert stage.door.connections == set()

    run(scenario)


def test_a_request_that_never_ends_does_not_hold_the_end_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doors, "_LAST_SECONDS", 0.05)

    async def scenario() -> None:
        stage = Stage()
        stuck, freed = asyncio.Event(), asyncio.Event()

        async def deaf(*_: object) -> None:
            while not freed.is_set():
                stuck.set()
                try:
                    await freed.wait()
                except asyncio.CancelledError:
                    continue

        monkeypatch.setattr(stage.client.gateway, "serve", deaf)
        wire = stage.connect(request(CHAT))
        await stuck.wait()
        await (await stage.draining(0.0))
        assert wire.transport.was_aborted()
        freed.set()
        await wire.settle()
        assert stage.door.connections == set()

    run(scenario)


def test_new_requests_have_the_new_application_and_running_ones_end_under_the_old() -> None:
    async def scenario() -> None:
        held = Held()
        stage = Stage(held)
        old, new = stage.door.application, Client(answer).gateway
        idle, busy = stage.connect(), stage.connect(request(CHAT))
        half = stage.connect(request(CHAT)[:-5])
        await until(lambda: busy.protocol.is_serving)
        stage.door.change_application(new)
        assert idle.protocol.application is new
        assert busy.protocol.application is half.protocol.application is old
        left = asyncio.create_task(stage.door.wait_until_unused(old))
        held.answers.set()
        await until(lambda: busy.protocol.application is new)
        assert not left.done()
        half.protocol.data_received(request(CHAT)[-5:])
        await left
        busy.protocol.data_received(request(CHAT))
        assert busy.protocol.application is new
        await stage.door.drain(0)

    run(scenario)


def test_a_connection_that_is_still_being_made_has_the_new_application() -> None:
    async def scenario() -> None:
        stage = Stage()
        old, new = stage.door.application, Client(answer).gateway
        made = stage.door.connection()
        stage.door.change_application(new)
        await stage.door.wait_until_unused(old)
        transport = FakeTransport()
        transport.protocol = made
        made.connection_made(transport)
        assert made.application is new
        assert made._incoming._admit == new.admit
        await stage.door.drain(0)

    run(scenario)


def test_a_door_that_finishes_serves_one_more_request_on_each_connection() -> None:
    async def scenario() -> None:
        stage = Stage()
        wire = stage.connect()
        finished = asyncio.create_task(stage.door.finish())
        await asyncio.sleep(0)
        assert not finished.done()
        wire.protocol.data_received(request(CHAT))
        await until(lambda: wire.protocol.state in (State.CLOSING, State.CLOSED))
        (reply,) = wire.transport.written
        assert reply.startswith(b"HTTP/1.1 200")
        assert b"connection: close" in reply
        await asyncio.wait_for(finished, PATIENCE)
        await stage.door.drain(0)

    run(scenario)


def test_a_reload_and_a_hand_over_let_sockets_finish() -> None:
    async def scenario() -> None:
        for finishing in (False, True):
            peer = Peer()
            await peer.open()
            door, old = peer.wire.door, peer.client.gateway
            if finishing:
                waiting = asyncio.create_task(door.finish())
                await turns()
            else:
                door.change_application(Client(answer).gateway)
                waiting = asyncio.create_task(door.wait_until_unused(old))
            expected = Leaving.STOPPING if finishing else Leaving.RELOADED
            assert peer.session.drains == [expected]
            assert close_in(peer.wire.take()) == (1012, "")
            assert not waiting.done()
            await peer.send(closing(1012))
            await waiting
            await door.drain(0)

    run(scenario)


@pytest.mark.parametrize("leaving", Leaving)
def test_a_socket_that_opens_meanwhile_is_drained_at_once(leaving: Leaving) -> None:
    async def scenario() -> None:
        dialled = asyncio.Event()

        async def dial(request: Request) -> Echo:
            await dialled.wait()
            return Echo(request)

        peer = Peer(dial)
        await peer.open()
        if leaving is Leaving.RELOADED:
            peer.wire.door.change_application(Client(answer).gateway)
        else:
            finished = asyncio.create_task(peer.wire.door.finish())
            await turns()
        dialled.set()
        await turns()
        reply = peer.wire.take()
        assert reply.startswith(b"HTTP/1.1 101 ")
        assert peer.session.drains == [leaving]
        assert close_in(reply.partition(b"\r\n\r\n")[2]) == (1012, "")
        await peer.send(closing(1012))
        if leaving is Leaving.STOPPING:
            await finished
        await peer.wire.door.drain(0)

    run(scenario)


def test_a_socket_whose_client_does_not_close_is_cut_off_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doors, "DRAIN_SECONDS", 0.01)

    async def scenario() -> None:
        peer = Peer()
        await peer.open()
        peer.client.gateway.drain()
        assert await peer.wire.door.drain(5) == 0
        assert peer.wire.transport.closed.is_set()
        assert peer.counts[1] == {("responses", "1012"): 1}

    run(scenario)
