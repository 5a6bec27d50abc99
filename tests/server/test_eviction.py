"""Idle connections of clients make room for new ones when file descriptors run short."""

import asyncio
import json
import socket
import ssl
import sys
from contextlib import ExitStack
from math import inf
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.server import eviction
from gateway.server.eviction import IDLE_SECONDS, INTERVAL, MOST, RESERVED, REST, Evictor
from tests.certificates import make_pair
from tests.door.upstream import STREAM_HEAD, falls_silent_after, recording_upstream, text_event
from tests.processes import gateway_with_files
from tests.waiting import PATIENCE

FILES = 96
ESTABLISHED = 1
"""`tcpi_state` of an open connection (linux/tcp.h)."""


class Waiting:
    """A connection that is idle since then."""

    def __init__(self, since: float, *, has_news: bool = False) -> None:
        self.idle_since = since
        self._has_news = has_news
        self.closed = False

    def evict(self) -> bool:
        self.closed = not self._has_news
        return self.closed


class Clock:
    """A loop with a time of its own."""

    now = 1000.0

    def time(self) -> float:
        return self.now


def evictor_of(*connections: Waiting) -> tuple[Evictor, Clock]:
    async def made() -> Evictor:
        return Evictor(connections)

    evictor, clock = asyncio.run(made()), Clock()
    evictor._loop = clock  # type: ignore[assignment]
    return evictor, clock


def test_those_that_have_been_idle_the_longest_are_closed() -> None:
    idle = [Waiting(900.0 - number) for number in range(MOST + 8)]
    busy, new = Waiting(inf), Waiting(Clock.now - IDLE_SECONDS / 2)
    evictor, clock = evictor_of(busy, *idle, new)
    assert evictor.make_room()
    assert [each.closed for each in idle] == [False] * 8 + [True] * MOST
    assert evictor.make_room()  # it was just done
    assert sum(each.closed for each in idle) == MOST
    for each in idle[8:]:
        each.idle_since = inf
    clock.now += INTERVAL
    assert evictor.make_room()
    assert all(each.closed for each in idle)
    assert [busy.closed, new.closed] == [False, False]


def test_where_none_is_idle_it_looks_again_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    later = Waiting(Clock.now, has_news=True)
    evictor, clock = evictor_of(Waiting(inf), later)
    for seconds in (0.0, IDLE_SECONDS, REST):
        clock.now += seconds
        assert not evictor.make_room()
    later._has_news = False
    assert not evictor.make_room()
    clock.now += REST
    assert evictor.make_room()
    line = "hardly any file descriptors are left: closed 1 idle connections of clients"
    assert caplog.messages == [line]


@pytest.mark.parametrize(("limit", "reserved"), [(1024, RESERVED), (160, 20), (1 << 20, RESERVED)])
def test_new_connections_leave_descriptors_to_others(
    monkeypatch: pytest.MonkeyPatch, limit: int, reserved: int
) -> None:
    monkeypatch.setattr(eviction, "open_files_limit", lambda: limit)
    idle = Waiting(0.0)
    evictor, _ = evictor_of(idle)
    evictor.note(limit - reserved - 1)
    assert not idle.closed
    evictor.note(limit - reserved)
    assert idle.closed


def test_a_limit_that_nobody_knows_is_never_near(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eviction, "open_files_limit", lambda: inf)
    idle = Waiting(0.0)
    evictor, _ = evictor_of(idle)
    evictor.note(1 << 30)
    assert not idle.closed


class Clients:
    """Connections to a gateway; each is kept open."""

    def __init__(self, port: int, trust: ssl.SSLContext | None, stack: ExitStack) -> None:
        self._port = port
        self._trust = trust
        self._stack = stack

    def connect(self) -> socket.socket:
        plain: socket.socket = self._stack.enter_context(
            socket.create_connection(("127.0.0.1", self._port), PATIENCE)
        )
        if self._trust is not None:
            return self._stack.enter_context(
                self._trust.wrap_socket(plain, server_hostname="localhost")
            )
        return plain


def asked(client: socket.socket, body: bytes = b"") -> bytes:
    """Send a request; return the first that comes back."""
    if body:
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
        client.sendall(head % len(body) + body)
    else:
        client.sendall(b"GET /v1/files HTTP/1.1\r\nHost: a\r\n\r\n")
    return client.recv(65536)


def is_over(client: socket.socket) -> bool:
    """Whether the gateway has closed its end, after bytes that are unread perhaps."""
    return client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != ESTABLISHED


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows the state of a connection")
@pytest.mark.parametrize("tls", [False, True])
def test_new_clients_are_served_at_the_limit_of_open_files(tmp_path: Path, tls: bool) -> None:
    pair = make_pair(tmp_path)
    trust = ssl.create_default_context(cafile=str(pair.certificate)) if tls else None
    server: dict[str, Any] = {"port": 0}
    if tls:
        server["tls"] = {"certificate": str(pair.certificate), "key": str(pair.key)}
    stream = (
        b'{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "a"}], "stream": true}'
    )
    with recording_upstream() as upstream, ExitStack() as stack:
        upstream.then(falls_silent_after(STREAM_HEAD + text_event("Hi")))
        openai = {"base_url": upstream.base_url, "kind": "openai"}
        (tmp_path / "gateway.yaml").write_text(
            json.dumps(
                {"server": server, "admin": {"enabled": False}, "upstreams": {"openai": openai}}
            )
        )
        arguments = ("serve", "--config", "gateway.yaml")
        with gateway_with_files(FILES, *arguments, folder=tmp_path) as gateway:
            line = gateway.line_with("gateway: ").removeprefix("gateway: ")
            clients = Clients(urlsplit(line).port or 0, trust, stack)
            busy = clients.connect()
            assert b"text/event-stream" in asked(busy, stream)
            idle = []
            for _ in range(FILES + FILES // 2):
                idle.append(clients.connect())
                assert asked(idle[-1]).startswith(b"HTTP/1.1 200")
            assert is_over(idle[0])
            assert not is_over(idle[-1])
            assert not is_over(busy)
            gateway.line_with("hardly any file descriptors are left: closed ")
