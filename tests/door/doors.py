"""A gateway before a recording upstream, and clients that do to it what no library would do."""

import asyncio
import json
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.config.operator_settings import AdminSettings
from gateway.config.settings import (
    ClientSettings,
    ServerSettings,
    Settings,
    TimeoutSettings,
    UpstreamSettings,
)
from tests import kinds
from tests.clients.raw import RawConnection
from tests.clients.running import RunningGateway, running_gateway
from tests.door.upstream import Upstream, recording_upstream
from tests.waiting import PATIENCE

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
RESPONSES = "/v1/responses"
EMBEDDINGS = "/v1/embeddings"
FILES = "/v1/files"
EDITS = "/v1/edits"
MULTIPART = "multipart/form-data; boundary=BOUNDARY"
KILOBYTE = 1024
MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Door:
    """A gateway and the upstream behind it."""

    gateway: RunningGateway
    upstream: Upstream

    @property
    def base_url(self) -> str:
        return self.gateway.base_url

    def served(self) -> bool:
        """Whether a request of another client is answered, in time."""
        with connect(self.base_url) as other:
            other.request("POST", CHAT, chat("another"))
            reply = other.reply()
            return reply.status == 200 and "for sk-test" in reply.body.decode()

    def disconnects(self) -> float:
        """How many requests ended because their client left, by the metrics."""
        with connect(self.gateway.admin_url) as admin:
            admin.request("GET", "/metrics")
            lines = admin.reply().body.decode().splitlines()
        return sum(
            float(line.rpartition(" ")[2])
            for line in lines
            if line.startswith("gateway_requests_total{") and 'outcome="client_closed"' in line
        )


@contextmanager
def door(
    server: ServerSettings | None = None,
    *,
    max_connections: int = 256,
    receive_buffer: int | None = None,
    clients: tuple[ClientSettings, ...] = (),
    new_loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> Iterator[Door]:
    """Run an upstream and a gateway before it, in an event loop that `new_loop` makes.

    `receive_buffer`: the upstream's, in bytes.
    """
    with recording_upstream(receive_buffer=receive_buffer) as upstream:
        settings = UpstreamSettings(
            "openai",
            upstream.base_url,
            kinds.OPENAI,
            timeouts=TimeoutSettings(queue=20.0),
            max_connections=max_connections,
        )
        built = Settings(
            (settings,), server=server or ServerSettings(), admin=AdminSettings(), clients=clients
        )
        with running_gateway(built, new_loop) as gateway:
            yield Door(gateway, upstream)


class Client(RawConnection):
    """A connection that can be broken off, and read to its end."""

    @property
    def port(self) -> int:
        port: int = self._socket.getsockname()[1]
        return port

    def reset_at_the_end(self) -> None:
        """Have the connection end by a reset instead of in order."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def end_sending(self) -> None:
        """End the client's side of the connection only."""
        self._socket.shutdown(socket.SHUT_WR)

    def drip(self, data: bytes) -> None:
        """Send byte by byte; give the gateway the time to read each."""
        for position in range(len(data)):
            self.send(data[position : position + 1])
            time.sleep(0.0002)

    def read(self, size: int) -> bytes:
        return self._reader.read(size)

    def read1(self) -> bytes:
        """Return some of what has come; nothing at the end of the connection."""
        return self._reader.read1(65536)

    def rest(self) -> bytes:
        """Return all that comes until the connection ends, in order or not."""
        received = bytearray()
        with suppress(ConnectionError):
            while piece := self._reader.read1(65536):
                received += piece
        return bytes(received)

    def cut(self) -> bool:
        """Whether the gateway has closed the connection, in order or not; waited for."""
        with suppress(ConnectionError):
            return self._reader.read(1) == b""
        return True

    def send_some(self, data: bytes, seconds: float) -> int:
        """Send as much as is taken; stop when nothing was for so long. Return the number."""
        sent = 0
        self._socket.settimeout(seconds)
        with suppress(TimeoutError), memoryview(data) as view:
            while sent < len(data):
                sent += self._socket.send(view[sent : sent + 65536])
        self._socket.settimeout(PATIENCE)
        return sent


@contextmanager
def connect(base_url: str, *, receive_buffer: int | None = None) -> Iterator[Client]:
    """Connect until the block ends: then the client is gone. `receive_buffer` is in bytes."""
    parts = urlsplit(base_url)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as connected:
        if receive_buffer is not None:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.settimeout(PATIENCE)
        connected.connect((parts.hostname or "", parts.port or 80))
        client = Client(connected, parts.netloc)
        try:
            yield client
        finally:
            client._reader.close()


def raw(
    line: str = f"POST {CHAT} HTTP/1.1", *fields: str, host: str = "gateway.test", body: bytes = b""
) -> bytes:
    """Return a request of exactly these fields beside a host, a key and a type. No length."""
    always = (f"Host: {host}", "Authorization: Bearer sk-test", "Content-Type: application/json")
    lines = (line, *(always if host else always[1:]), *fields)
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chat(text: str = "Hello", **more: Any) -> bytes:
    """Return a chat request's body."""
    messages = [{"role": "user", "content": text}]
    return json.dumps({"model": "gpt-4o-mini", "messages": messages, **more}).encode()


def sized(size: int, **more: Any) -> bytes:
    """Return a chat request's body of so many bytes."""
    return chat("x" * (size - len(chat("", **more))), **more)


def prompt(size: int = 0, **more: Any) -> bytes:
    """Return a completions request's body, which a chat model answers, with so long a prompt."""
    asked = {"model": "gpt-4o-mini", "prompt": "Hello" + "x" * size, **more}
    return json.dumps(asked).encode()


def upload(size: int) -> bytes:
    """Return a form with a file of so many bytes."""
    return (
        b'--BOUNDARY\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n'
        b'--BOUNDARY\r\ncontent-disposition: form-data; name="file"; filename="a.bin"\r\n'
        b"content-type: application/octet-stream\r\n\r\n" + b"x" * size + b"\r\n--BOUNDARY--\r\n"
    )


def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait until something has happened; fail when it does not."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def held_by_gateway(base_url: str, client: Client) -> bool:
    """Whether the gateway's end of a connection is open, by the kernel's list of sockets.

    A client that does not read cannot see that its connection was cut, so it is asked here.
    """
    listed = Path("/proc/net/tcp")
    if not listed.exists():
        pytest.skip("needs Linux' list of sockets")
    ours, theirs = f":{urlsplit(base_url).port:04X}", f":{client.port:04X}"
    established = "01"
    return any(
        row[1].endswith(ours) and row[2].endswith(theirs) and row[3] == established
        for row in map(str.split, listed.read_text().splitlines()[1:])
    )
