"""What `test_senders.py` and `test_tls.py` do not show of opening connections."""

import asyncio
import errno
import socket
import ssl
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest

from gateway.config.settings import TimeoutSettings, TlsSettings, UpstreamSettings
from gateway.errors import Reason, UpstreamUnavailable
from gateway.server.tls import server_context
from gateway.system.tcp import KEEP_ALIVE_OPTIONS
from gateway.upstream.origin import Origin
from gateway.upstream.transport import client_tls, dial
from gateway.upstream.transport.dial import Dialer
from tests.certificates import make_pair
from tests.loop_clock import LoopClock
from tests.upstream.conftest import settings_for
from tests.upstream.scripted import replies, scripted, until
from tests.upstream.transport.test_exhaustion import none_left

pytestmark = pytest.mark.anyio


class Closing(asyncio.Protocol):
    """Tells when its socket is closed."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()


class FakeLoop:
    """Stands for the system: what a name means, and what each address does."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        addresses: list[tuple[Any, ...]],
        outcomes: dict[str, BaseException | None],
    ) -> None:
        self.addresses = addresses
        self.outcomes = outcomes
        self.tried: list[str] = []
        self.waits = asyncio.Event()
        """Whether an address has been tried that does not answer."""
        self.connected = Mock()
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(socket, "getaddrinfo", self.getaddrinfo)
        monkeypatch.setattr(loop, "create_connection", self.create_connection)

    def getaddrinfo(self, host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in self.addresses]

    async def create_connection(
        self, make: Any, address: str, port: int, **_: Any
    ) -> tuple[SimpleNamespace, asyncio.Protocol]:
        self.tried.append(address)
        outcome = self.outcomes.get(address)
        if isinstance(outcome, BaseException):
            raise outcome
        if address in self.outcomes:
            self.waits.set()
            await asyncio.Event().wait()
        return SimpleNamespace(get_extra_info=lambda _: self.connected), make()


def dialer(timeout: float = 10.0) -> Dialer:
    return Dialer(
        settings_for("http://upstream.test", timeouts=TimeoutSettings(connect=timeout)),
        Origin("http", "upstream.test", 80, ""),
    )


async def test_addresses_are_tried_in_order_until_one_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    addresses = [
        ("fe80::1", 80, 0, 3),
        ("fe80::2%eth0", 80, 0, 3),
        ("10.0.0.1", 80),
        ("::5", 80, 0, 0),
    ]
    failures: dict[str, BaseException | None] = {
        "fe80::1%3": ConnectionRefusedError(),
        "fe80::2%eth0": OSError("no route"),
    }
    fake = FakeLoop(monkeypatch, addresses, failures)
    assert isinstance(await dialer().connect(asyncio.Protocol), asyncio.Protocol)
    assert fake.tried == ["fe80::1%3", "fe80::2%eth0", "10.0.0.1"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_an_address_is_not_looked_up_which_would_take_a_thread(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    looked_up = []

    def getaddrinfo(*asked: Any, **_: Any) -> list[tuple[Any, ...]]:
        looked_up.append(asked[0])
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", upstream.port))]

    async with scripted(replies(b"")) as upstream:
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        origin = Origin("http", host, upstream.port, "")
        connection = await Dialer(settings_for(upstream.base_url), origin).connect(Closing)
        connection.transport.abort()
        await connection.closed.wait()
    assert looked_up == (["localhost"] if host == "localhost" else [])


@pytest.mark.parametrize("tls", [False, True])
async def test_a_silent_connection_is_kept_alive(tmp_path: Path, tls: bool) -> None:
    pair = make_pair(tmp_path)
    context = server_context(pair.settings) if tls else None
    writers: list[asyncio.StreamWriter] = []

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        origin = Origin("https" if tls else "http", "127.0.0.1", port, "")
        settings = settings_for("https://127.0.0.1/v1", verify=str(pair.certificate))
        connection = await Dialer(settings, origin).connect(Closing)
        connected = connection.transport.get_extra_info("socket")
        set_to = [connected.getsockopt(*option[:2]) for option in KEEP_ALIVE_OPTIONS]
        assert set_to == [value for _, _, value in KEEP_ALIVE_OPTIONS]
        connection.transport.abort()
        await connection.closed.wait()
        await until(lambda: bool(writers))
        writers[0].close()


def reading(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """Return the threads that read CAs, as they do."""
    threads: list[threading.Thread] = []
    made = client_tls.client_context

    def noted(upstream: UpstreamSettings) -> ssl.SSLContext:
        threads.append(threading.current_thread())
        return made(upstream)

    monkeypatch.setattr(dial, "client_context", noted)
    return threads


def over_tls(verify: bool | str = True, tls: TlsSettings | None = None) -> Dialer:
    settings = settings_for("https://10.0.0.1/v1", verify=verify, tls=tls)
    return Dialer(settings, Origin("https", "10.0.0.1", 443, ""))


@pytest.mark.parametrize("verify", [True, False])
async def test_the_systems_cas_are_read_for_the_first_connection_beside_the_event_loop(
    monkeypatch: pytest.MonkeyPatch, verify: bool
) -> None:
    threads = reading(monkeypatch)
    fake = FakeLoop(monkeypatch, [], {})
    opening = over_tls(verify)
    assert threads == []
    await asyncio.gather(*(opening.connect(asyncio.Protocol) for _ in range(3)))
    assert fake.tried == ["10.0.0.1"] * 3
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


@pytest.mark.parametrize("named", ["a bundle", "a certificate"])
async def test_files_that_are_named_are_read_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: str
) -> None:
    threads = reading(monkeypatch)
    FakeLoop(monkeypatch, [], {})
    pair = make_pair(tmp_path)
    bundle = str(pair.certificate)
    opening = over_tls(bundle) if named == "a bundle" else over_tls(tls=pair.settings)
    assert threads == [threading.main_thread()]
    await opening.connect(asyncio.Protocol)
    assert len(threads) == 1


async def test_no_context_without_cas_is_kept_where_no_file_can_be_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads = reading(monkeypatch)
    FakeLoop(monkeypatch, [], {})
    opening = over_tls()
    with monkeypatch.context() as exhausted:
        exhausted.setattr(socket, "socket", none_left)
        with pytest.raises(UpstreamUnavailable) as caught:
            await opening.connect(asyncio.Protocol)
    assert (caught.value.reason, caught.value.status) == (Reason.EXHAUSTED, 503)
    assert threads == []
    await opening.connect(asyncio.Protocol)
    assert len(threads) == 1


async def test_an_address_that_does_not_answer_leaves_time_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakeLoop(monkeypatch, [("10.0.0.1", 80), ("10.0.0.2", 80)], {"10.0.0.1": None})
    clock = LoopClock(monkeypatch)
    connecting = asyncio.create_task(dialer(10.0).connect(asyncio.Protocol))
    await fake.waits.wait()
    clock.advance(5.0)
    assert isinstance(await connecting, asyncio.Protocol)
    assert fake.tried == ["10.0.0.1", "10.0.0.2"]


@pytest.mark.parametrize("outcome", [None, ConnectionRefusedError(), ssl.SSLError(1, "oops")])
async def test_an_address_that_has_failed_lately_comes_last(
    monkeypatch: pytest.MonkeyPatch, outcome: BaseException | None
) -> None:
    addresses = [("10.0.0.1", 80), ("10.0.0.2", 80), ("10.0.0.3", 80)]
    fake = FakeLoop(monkeypatch, addresses, {"10.0.0.1": outcome})
    clock, tried = LoopClock(monkeypatch), dialer(9.0)

    async def connect(share: float = 0.0) -> None:
        """Connect; an address that does not answer has so many seconds."""
        fake.waits.clear()
        connecting = asyncio.create_task(tried.connect(asyncio.Protocol))
        if share and outcome is None:
            await fake.waits.wait()
            clock.advance(share)
        await connecting

    await connect(share=3.0)
    await connect()
    assert fake.tried == ["10.0.0.1", "10.0.0.2", "10.0.0.2"]
    fake.outcomes |= {"10.0.0.2": OSError(), "10.0.0.3": OSError()}
    with pytest.raises(UpstreamUnavailable):
        await connect(share=9.0)
    assert fake.tried[3:] == ["10.0.0.2", "10.0.0.3", "10.0.0.1"]


async def test_an_address_that_has_failed_is_tried_first_again_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dial, "LAST_SECONDS", 0.0)
    refused: dict[str, BaseException | None] = {"10.0.0.1": ConnectionRefusedError()}
    fake = FakeLoop(monkeypatch, [("10.0.0.1", 80), ("10.0.0.2", 80)], refused)
    tried = dialer()
    await tried.connect(asyncio.Protocol)
    fake.outcomes.clear()
    await tried.connect(asyncio.Protocol)
    assert fake.tried == ["10.0.0.1", "10.0.0.2", "10.0.0.1"]


async def test_what_has_failed_is_forgotten_with_the_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused: dict[str, BaseException | None] = {}
    fake = FakeLoop(monkeypatch, [], refused)
    tried = dialer()
    for number in range(50):
        refused[f"10.0.0.{number}"] = ConnectionRefusedError()
        fake.addresses = [(f"10.0.0.{number}", 80), ("10.0.1.1", 80)]
        await tried.connect(asyncio.Protocol)
    assert len(tried._failed) == 1


def _not_verified(why: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "oops")
    error.verify_message = why
    return error


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (ConnectionRefusedError(), "was refused"),
        (OSError("no route to 10.0.0.1"), r"no connection \(OSError\)"),
        (OSError(errno.EHOSTUNREACH, "to 10.0.0.1"), r"no connection \(No route to host\)"),
        (OSError(errno.EMFILE, "to 10.0.0.1"), "gateway cannot open a connection"),
        (ssl.SSLError(1, "oops"), "TLS handshake failed"),
        (_not_verified("expired"), r"certificate is not accepted \(expired\)"),
        (None, r"within 10 s \(timeouts\.connect\)"),
    ],
)
async def test_the_last_failure_is_the_one_that_is_reported(
    monkeypatch: pytest.MonkeyPatch, failure: BaseException | None, reason: str
) -> None:
    fake = FakeLoop(monkeypatch, [("10.0.0.1", 80)], {"10.0.0.1": failure})
    clock = LoopClock(monkeypatch)
    connecting = asyncio.create_task(dialer(10.0).connect(asyncio.Protocol))
    if failure is None:
        await fake.waits.wait()
        clock.advance(10.0)
    with pytest.raises(UpstreamUnavailable, match=reason) as caught:
        await connecting
    assert "10.0.0.1" not in caught.value.message


@pytest.mark.parametrize(
    "reply", [b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n", b"220 mail.example\r\n"]
)
async def test_a_server_without_tls_is_recognised(reply: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(reply)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        settings = settings_for(f"https://127.0.0.1:{port}/v1")
        opening = Dialer(settings, Origin("https", "127.0.0.1", port, ""))
        with pytest.raises(UpstreamUnavailable, match="base_url may have to begin with http://"):
            await opening.connect(asyncio.Protocol)


@pytest.mark.parametrize("failure", [ssl.SSLEOFError(8, "EOF"), ConnectionResetError()])
@pytest.mark.parametrize("shown", [True, False])
async def test_a_handshake_that_ends_without_a_word_may_be_about_the_certificate_that_is_shown(
    tmp_path: Path, failure: BaseException, *, shown: bool
) -> None:
    opening = over_tls(tls=make_pair(tmp_path).settings if shown else None)
    error = opening._unavailable(failure)
    assert ("check tls.certificate" in error.message) == shown


async def test_a_name_without_addresses_is_unavailability(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeLoop(monkeypatch, [], {})
    with pytest.raises(UpstreamUnavailable, match="no connection"):
        await dialer().connect(asyncio.Protocol)


async def test_a_name_server_that_does_not_answer_is_unavailability(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer.wait(10) and [])
    with pytest.raises(UpstreamUnavailable, match="cannot be resolved"):
        await dialer(0.05).connect(asyncio.Protocol)
    answer.set()


async def test_a_name_that_is_not_resolved_for_lack_of_descriptors_is_the_gateways_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    with pytest.raises(UpstreamUnavailable, match="cannot be resolved"):
        await dialer().connect(asyncio.Protocol)
    monkeypatch.setattr(socket, "socket", none_left)
    with pytest.raises(UpstreamUnavailable, match="gateway cannot open") as caught:
        await dialer().connect(asyncio.Protocol)
    assert caught.value.reason is Reason.EXHAUSTED
