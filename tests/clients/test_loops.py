"""Gateways that lead back to themselves, as processes of their own: a loop ends at once."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from gateway.demo import emulator
from tests.clients.raw import RawReply, connect
from tests.processes import GatewayProcess, gateway_process, started_gateway

Run = Callable[..., AbstractContextManager[GatewayProcess]]
CALLS = [
    ("POST", "/v1/chat/completions", {"model": "gpt-4o-mini", "messages": []}),
    ("POST", "/v1/chat/completions", {"model": "gpt-4o-mini", "messages": [], "stream": True}),
    ("POST", "/v1/completions", {"model": "gpt-4o-mini", "prompt": "Hi"}),
    ("POST", "/v1/completions", {"model": "gpt-4o-mini", "prompt": ["Hi", "Ho"], "stream": True}),
    ("POST", "/v1/responses", {"model": "acme-1", "input": "Hi"}),
    ("POST", "/v1/embeddings", {"model": "e", "input": "Hi"}),
    ("GET", "/v1/models", None),
    ("GET", "/v1/files", None),
]
"""Passed through, translated, looked up first, listed."""


@dataclass
class Forwarder:
    """An address that leads to another one, as a port mapping or a balancer does."""

    port: int
    to: int = 0
    connections: int = 0
    sockets: list[socket.socket] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def serve(self, listening: socket.socket) -> None:
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return  # the test is over
            self.connections += 1
            far = socket.create_connection(("127.0.0.1", self.to))
            self.sockets += near, far
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self.copy, args=(source, sink), daemon=True).start()

    @staticmethod
    def copy(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


@contextmanager
def forwarding() -> Iterator[Forwarder]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        forwarder = Forwarder(listening.getsockname()[1])
        accepting = threading.Thread(target=forwarder.serve, args=(listening,), daemon=True)
        accepting.start()
        try:
            yield forwarder
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for each in forwarder.sockets:
                each.close()


@contextmanager
def gateway_before(
    base_url: str, folder: Path, *more: str, run: Run = started_gateway
) -> Iterator[str]:
    """Run a gateway with an upstream; yield its base URL.

    Each process has a mark of its own, which forked ones share: of several, one may be forked.
    """
    arguments = ("serve", "--port", "0", "--upstream", base_url, *more)
    with run(*arguments, folder=folder, GATEWAY_ADMIN__ENABLED="false") as process:
        yield process.line_with("gateway: ").split()[1]


def ask(base_url: str, method: str, path: str, body: object) -> RawReply:
    with connect(base_url) as client:
        client.request(method, path, b"" if body is None else msgspec.json.encode(body))
        return client.reply()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_upstream_that_is_the_gateway_itself_is_a_loop(tmp_path: Path, workers: str) -> None:
    with (
        forwarding() as forwarder,
        gateway_before(
            forwarder.base_url, tmp_path, "--workers", workers, run=gateway_process
        ) as base_url,
    ):
        forwarder.to = urlsplit(base_url).port or 0
        for _ in range(3):
            for method, path, body in CALLS:
                reply = ask(base_url, method, path, body)
                assert (reply.status, reply.error["code"]) == (508, "loop_detected"), path
        assert forwarder.connections < 100


def test_a_loop_through_another_gateway_is_one_too(tmp_path: Path) -> None:
    with (
        forwarding() as forwarder,
        gateway_before(forwarder.base_url, tmp_path, run=gateway_process) as first,
        gateway_before(first, tmp_path) as second,
    ):
        forwarder.to = urlsplit(second).port or 0
        for base_url in (first, second):
            for method, path, body in CALLS:
                reply = ask(base_url, method, path, body)
                assert (reply.status, reply.error["code"]) == (508, "loop_detected"), path
        assert forwarder.connections < 100


def test_several_gateways_in_a_row_are_none(tmp_path: Path) -> None:
    with (
        emulator.serve() as upstream,
        gateway_before(upstream.base_url, tmp_path, run=gateway_process) as last,
        gateway_before(last, tmp_path) as middle,
        gateway_before(middle, tmp_path) as first,
    ):
        hello = [{"role": "user", "content": "Hi"}]
        body = {"model": "gpt-4o-mini", "messages": hello}
        assert ask(first, "POST", "/v1/chat/completions", body).status == 200
        assert ask(first, "GET", "/v1/models", None).status == 200
