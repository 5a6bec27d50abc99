"""The operators' listener answers to its own names only: DNS rebinding reads nothing."""

import asyncio
import socket
from collections.abc import MutableMapping

import pytest

from gateway.admin.entry.hosts import HostCheck
from gateway.config.operator_settings import AdminSettings
from gateway.config.secret import Secret
from gateway.config.settings import Settings
from gateway.errors import GatewayError
from tests.clients.running import openai_upstream, running_gateway
from tests.waiting import PATIENCE

TOKEN = "0123456789abcdef"
OWN = ["127.0.0.1", "localhost", "LOCALHOST.", "gw.localhost", "127.8.9.1", "[::1]"]
FOREIGN = [
    *("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "notlocalhost"),
    *("10.0.0.1", "[fe80::1]", "0x7f000001", "metrics.internal"),
]


def answer(url: str, head: str) -> tuple[int, bytes]:
    """Send one request to the listener as it stands; return its status and the rest."""
    port = int(url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        client.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n")
        received = b""
        while piece := client.recv(65536):
            received += piece
    return int(received.split(b" ", 2)[1]), received


@pytest.mark.parametrize("token", [None, TOKEN])
def test_the_admin_listener_checks_host(token: str | None) -> None:
    admin = AdminSettings(
        token=Secret(token) if token else None, allowed_hosts=("metrics.example",)
    )
    settings = Settings((openai_upstream("http://127.0.0.1:9/v1"),), admin=admin)
    more = f"\nX-Admin-Token: {token}" if token else ""
    with running_gateway(settings) as gateway:
        for path in ("/metrics", "/resolve?model=gpt-4o", "/"):
            for host in [*OWN, "metrics.example", "METRICS.example"]:
                for shown in (host, f"{host}:9090"):
                    head = f"GET {path} HTTP/1.1\nHost: {shown}\nConnection: close{more}"
                    assert answer(gateway.admin_url, head)[0] == 200, (path, shown)
            for host in FOREIGN:
                head = f"GET {path} HTTP/1.1\nHost: {host}:9090\nConnection: close{more}"
                status, received = answer(gateway.admin_url, head)
                assert status == 421, (path, host)
                assert b'"code":"unknown_host"' in received
                assert b"admin.allowed_hosts" in received
                assert b"gateway_" not in received
        for bad in ("Host: a\nHost: localhost", "Host: localhost\nHost: evil.example", "Host: a b"):
            head = f"GET /metrics HTTP/1.1\n{bad}\nConnection: close{more}"
            assert answer(gateway.admin_url, head)[0] in (400, 421)
        # The target's authority, which no page can send, takes the place of Host (RFC 9112, 3.2.2).
        for authority, status in (("localhost", 200), ("evil.example", 421)):
            host = {"localhost": "evil.example", "evil.example": "localhost"}[authority]
            head = f"GET http://{authority}/metrics HTTP/1.1\nHost: {host}\nConnection: close{more}"
            assert answer(gateway.admin_url, head)[0] == status


@pytest.mark.parametrize(
    ("bound", "host", "known"),
    [
        ("10.1.2.3", b"10.1.2.3:9090", True),
        ("10.1.2.3", b"10.1.2.4", False),
        ("gw.example", b"GW.example", True),
        ("gw.example", b"x.gw.example", False),
        ("0.0.0.0", b"192.168.7.7:9090", True),  # noqa: S104
        ("::", b"[fe80::1]:9090", True),
        ("0.0.0.0", b"gateway:9090", False),  # noqa: S104
        ("::", b"evil.example", False),
    ],
)
def test_a_listener_beyond_loopback_knows_its_own_address(
    bound: str, host: bytes, known: bool
) -> None:
    async def nothing(*_: object) -> None: ...

    check = HostCheck(nothing, AdminSettings(host=bound))
    if known:
        check.check([(b"host", host)])
        return
    with pytest.raises(GatewayError) as raised:
        check.check([(b"host", host)])
    assert raised.value.status == 421


def test_what_is_not_a_request_goes_through() -> None:
    seen: list[str] = []

    async def app(scope: MutableMapping[str, object], *_: object) -> None:
        seen.append(str(scope["type"]))

    async def nothing(*_: object) -> None: ...

    asyncio.run(HostCheck(app, AdminSettings())({"type": "lifespan"}, nothing, nothing))
    assert seen == ["lifespan"]
