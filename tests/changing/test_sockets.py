"""Open sockets while the gateway changes or ends: what has come is served, then 1012.

A realtime session is one request, which a reload leaves alone.
"""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection, serve

from gateway.sockets import Leaving
from tests.changing.gateway import Gateway, configuration, running, write
from tests.changing.test_hand_over import hand_over, lives
from tests.changing.upstream import PATIENCE, Upstream, changing_upstream
from tests.waiting import wait_until

RULE = "models: {m: {endpoint: chat}}\n"
CREATE = json.dumps({"type": "response.create", "model": "m", "input": "Hi"})
OPEN = 'gateway_open_sockets{kind="responses"}'
RESTARTED = 'gateway_sockets_closed_total{code="1012",kind="responses"}'


@contextmanager
def opened(port: int, path: str = "responses") -> Iterator[ClientConnection]:
    """Open a socket, and close it at the end of the block."""
    address = f"ws://127.0.0.1:{port}/v1/{path}"
    with connect(address, additional_headers={"Authorization": "Bearer sk-test"}) as socket:
        yield socket


def texts_until_closed(socket: ClientConnection) -> tuple[str, int | None]:
    """Return the text that arrives until the gateway closes a socket, and the close code."""
    text = ""
    try:
        while True:
            event = json.loads(socket.recv(PATIENCE))
            text += event.get("delta", "") if event["type"] == "response.output_text.delta" else ""
    except ConnectionClosed:
        return text, socket.close_code


def begin(socket: ClientConnection) -> None:
    """Begin a turn, and wait for its first text."""
    socket.send(CREATE)
    while json.loads(socket.recv(PATIENCE))["type"] != "response.output_text.delta":
        continue


def serves(port: int) -> bool:
    """Whether a turn can be begun on a new socket: not at one that is about to leave."""
    try:
        with opened(port) as socket:
            begin(socket)
    except ConnectionClosed:
        return False
    return True


def reload(gateway: Gateway, upstream: Upstream) -> None:
    write(gateway.folder, configuration(upstream.base_url, more=RULE), "sk-2")
    assert gateway.reload().status_code == 200


def end(gateway: Gateway, upstream: Upstream) -> None:
    gateway.process.signal(signal.SIGTERM)
    gateway.process.line_with("draining: ")


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("change", [reload, end])
def test_a_turn_is_finished_and_an_idle_socket_closed(
    tmp_path: Path, workers: int, change: Callable[[Gateway, Upstream], None]
) -> None:
    with changing_upstream() as upstream:
        write(tmp_path, configuration(upstream.base_url, more=RULE))
        with running(tmp_path, workers) as gateway, opened(gateway.port) as busy:
            begin(busy)
            busy.send(CREATE)  # waits for the first one
            with opened(gateway.port) as idle:
                wait_until(lambda: gateway.metric(OPEN) == 2)
                change(gateway, upstream)
                assert texts_until_closed(idle) == ("", 1012)
                leaving = Leaving.RELOADED if change is reload else Leaving.STOPPING
                assert idle.close_reason == leaving.value
            if change is reload:
                with opened(gateway.port) as new:
                    begin(new)
                    assert upstream.keys == ["sk-1", "sk-2"]
                busy.send(CREATE)  # comes too late
                wait_until(lambda: gateway.metric(OPEN) == 1)
            upstream.go.set()
            assert texts_until_closed(busy) == ("lastfirstlast", 1012)
            assert busy.close_reason == leaving.value
            if change is reload:
                assert upstream.keys == ["sk-1", "sk-2", "sk-1"]
                wait_until(lambda: (gateway.metric(OPEN), gateway.metric(RESTARTED)) == (0, 2))
                gateway.process.signal(signal.SIGTERM)
            assert gateway.process.ended() == 0


@pytest.mark.slow
def test_a_new_program_takes_over_from_open_sockets(tmp_path: Path) -> None:
    with changing_upstream() as upstream:
        write(tmp_path, configuration(upstream.base_url, more=RULE))
        with running(tmp_path, 1) as gateway:
            old = gateway.process.pid
            with opened(gateway.port) as busy:
                begin(busy)
                new = hand_over(gateway, old)
                try:
                    gateway.process.line_with(f"process {new} serves")
                    wait_until(lambda: serves(gateway.port))
                    upstream.go.set()
                    assert texts_until_closed(busy) == ("last", 1012)
                    wait_until(lambda: not lives(old))
                    assert serves(gateway.port)
                finally:
                    os.kill(new, signal.SIGTERM)
            assert gateway.process.ended() == 0


@contextmanager
def realtime_upstream() -> Iterator[str]:
    """Serve sockets that echo, until the block ends; gives the base URL."""

    def echo(connection: ServerConnection) -> None:
        for message in connection:
            connection.send(message)

    with serve(echo, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.socket.getsockname()[1]}/v1"
        finally:
            server.shutdown()
            thread.join()


def echoes(socket: ClientConnection, text: str) -> bool:
    """Whether a realtime session goes on."""
    socket.send(text)
    return socket.recv(PATIENCE) == text


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_realtime_session_outlives_reloads_and_ends_with_the_process(
    tmp_path: Path, workers: int
) -> None:
    with realtime_upstream() as url:
        server = "port: 0, grace_period: 0.5"
        write(tmp_path, configuration(url, server, more=RULE))
        with running(tmp_path, workers) as gateway:
            with opened(gateway.port, "realtime?model=m") as socket:
                assert echoes(socket, "1")
                for key in ("sk-1", "sk-2"):
                    write(tmp_path, configuration(url, server, more=RULE), key)
                    assert gateway.reload().status_code == 200
                    with opened(gateway.port, "realtime?model=m") as another:
                        assert echoes(another, key)
                    assert echoes(socket, key)
                gateway.process.signal(signal.SIGTERM)
                gateway.process.line_with("draining: ")
                assert texts_until_closed(socket) == ("", 1012)
                assert socket.close_reason == Leaving.STOPPING.value
            assert gateway.process.ended() == 0


@pytest.mark.slow
def test_a_realtime_session_outlives_a_new_program_that_takes_over(tmp_path: Path) -> None:
    with realtime_upstream() as url:
        write(tmp_path, configuration(url, more=RULE))
        with running(tmp_path, 1) as gateway:
            old = gateway.process.pid
            with opened(gateway.port, "realtime?model=m") as socket:
                assert echoes(socket, "1")
                new = hand_over(gateway, old)
                try:
                    gateway.process.line_with(f"process {new} serves")
                    with opened(gateway.port, "realtime?model=m") as another:
                        assert echoes(another, "2")
                    assert echoes(socket, "3")
                    assert lives(old)
                    socket.close()
                    wait_until(lambda: not lives(old))
                finally:
                    os.kill(new, signal.SIGTERM)
            assert gateway.process.ended() == 0
