"""TLS over sockets, on both event loops: requests, disconnects, early replies, renewals."""

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import openai
import pytest
import uvloop

from gateway.config.operator_settings import AdminSettings
from gateway.config.settings import ServerSettings, Settings, UpstreamSettings
from gateway.server.connection import lifetime
from gateway.server.tls import server_context
from tests import kinds
from tests.certificates import Pair, make_pair
from tests.clients.running import RunningGateway, running_gateway
from tests.door.doors import CHAT, COMPLETIONS, MEGABYTE, chat, prompt, raw, until
from tests.door.upstream import (
    STREAM_HEAD,
    Upstream,
    chat_reply,
    falls_silent_after,
    recording_upstream,
    replies,
    text_event,
    whole,
)
from tests.waiting import PATIENCE

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.SelectorEventLoop,
    "uvloop": uvloop.new_event_loop,
}


LARGE = 24 * MEGABYTE
"""More than what two sockets hold on their own."""


class Secured:
    """A gateway with TLS, its upstream, and a certificate that clients trust."""

    def __init__(self, gateway: RunningGateway, upstream: Upstream, pair: Pair) -> None:
        self.gateway = gateway
        self.upstream = upstream
        self.base_url = gateway.base_url.replace("http://", "https://")
        self.trust = ssl.create_default_context(cafile=str(pair.certificate))
        parts = urlsplit(self.base_url)
        self.address = (parts.hostname or "", parts.port or 0)

    @contextmanager
    def connected(self, trust: ssl.SSLContext | None = None) -> Iterator[ssl.SSLSocket]:
        with closing(socket.create_connection(self.address, PATIENCE)) as plain:
            context = trust or self.trust
            with context.wrap_socket(plain, server_hostname="localhost") as secured:
                yield secured

    def in_flight(self) -> int:
        return self.gateway.application.upstreams.stats()["openai"].in_flight


@pytest.fixture(scope="module", params=LOOPS)
def secured(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Secured]:
    pair = make_pair(tmp_path_factory.mktemp("tls"))
    with recording_upstream() as upstream:
        settings = Settings(
            (UpstreamSettings("openai", upstream.base_url, kinds.OPENAI),),
            ServerSettings(tls=pair.settings, max_body_bytes=1_000_000),
            admin=AdminSettings(port=0),
        )
        with running_gateway(settings, LOOPS[request.param]) as gateway:
            yield Secured(gateway, upstream, pair)


def read_all(secured: ssl.SSLSocket) -> bytes:
    pieces = []
    while piece := secured.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def test_the_openai_client_is_served(secured: Secured) -> None:
    with (
        httpx2.Client(verify=secured.trust) as http,
        openai.OpenAI(
            base_url=secured.base_url, api_key="sk-test", max_retries=0, http_client=http
        ) as client,
    ):
        for size in (1, 300_000):
            made = client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": "x" * size}]
            )
            assert made.choices[0].message.content


def test_alpn_and_versions(secured: Secured) -> None:
    context = ssl.create_default_context(cafile=None)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    with secured.connected(context) as connected:
        assert connected.selected_alpn_protocol() == "http/1.1"
        assert connected.version() == "TLSv1.3"
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with secured.connected(context) as connected:
        assert connected.version() == "TLSv1.2"


def test_a_client_without_tls_gets_nothing_and_others_are_served(secured: Secured) -> None:
    with closing(socket.create_connection(secured.address, PATIENCE)) as plain:
        plain.sendall(raw(f"POST {CHAT} HTTP/1.1", "Content-Length: 2", body=b"{}"))
        received = b"?"
        with suppress(ConnectionError):
            received = plain.recv(100)
        assert not received.startswith(b"HTTP")
    with secured.connected() as connected:
        connected.sendall(raw("GET /healthz HTTP/1.1", "Connection: close"))
        assert b" 200 OK\r\n" in read_all(connected)


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
def test_a_client_that_leaves_is_missed(secured: Secured, *, reset: bool) -> None:
    secured.upstream.then(falls_silent_after(STREAM_HEAD + text_event("Hi")))
    body = chat(stream=True)
    with secured.connected() as connected:
        connected.sendall(raw(f"POST {CHAT} HTTP/1.1", f"Content-Length: {len(body)}", body=body))
        assert connected.recv(100).startswith(b"HTTP/1.1 200")
        if reset:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    until(lambda: secured.in_flight() == 0)


def test_a_reply_before_the_bodys_end_is_read_and_the_connection_closes(secured: Secured) -> None:
    with secured.connected() as connected:
        connected.sendall(raw(f"POST {CHAT} HTTP/1.1", "Content-Length: 2000000"))
        connected.sendall(b"x" * 100_000)
        reply = read_all(connected)
        assert reply.startswith(b"HTTP/1.1 413 ")
        assert b'"request_too_large"' in reply


def test_a_slow_reader_gets_all_of_a_last_reply(
    secured: Secured, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []
    look = lifetime.Lifetime._closing_due

    def counted(self: lifetime.Lifetime, now: float) -> None:
        looks.append(now)
        look(self, now)

    monkeypatch.setattr(lifetime, "SHUTDOWN_SECONDS", 0.01)
    monkeypatch.setattr(lifetime.Lifetime, "_closing_due", counted)
    text = "x" * LARGE
    secured.upstream.then(replies(whole(chat_reply(text))))
    body = prompt(10)
    ask = raw(f"POST {COMPLETIONS} HTTP/1.1", f"Content-Length: {len(body)}", "Connection: close")
    with secured.connected() as connected:
        connected.sendall(ask + body)
        assert connected.recv(100).startswith(b"HTTP/1.1 200")
        until(lambda: len(looks) > 3)
        assert text.encode() in read_all(connected)


def test_new_connections_get_the_certificate_of_the_present_application(
    secured: Secured, tmp_path: Path
) -> None:
    renewed = make_pair(tmp_path, "renewed", bits=2048)
    gateway, before = secured.gateway.application.gateway, secured.gateway.application.gateway.tls
    with secured.connected() as old:
        try:
            gateway.tls = server_context(renewed.settings)
            with secured.connected(
                ssl.create_default_context(cafile=str(renewed.certificate))
            ) as new:
                assert dict(each[0] for each in new.getpeercert()["subject"]) == {  # type: ignore[index,misc]
                    "commonName": "renewed"
                }
            old.sendall(raw("GET /healthz HTTP/1.1", "Connection: close"))
            assert b" 200 OK\r\n" in read_all(old)
        finally:
            gateway.tls = before
