import socket
import threading
from typing import Any

import pytest

from gateway.checks import local_addresses
from gateway.checks.local_addresses import reaches
from tests.addresses import NO_SUCH_HOST
from tests.interfaces import own_address
from tests.waiting import PATIENCE


@pytest.mark.parametrize(
    ("host", "listening"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "127.0.0.1"),
        ("127.0.0.1", "localhost"),
        ("127.0.0.1", "0.0.0.0"),  # noqa: S104
        ("127.8.8.8", "0.0.0.0"),  # noqa: S104
        ("localhost", "::"),
        ("127.0.0.1", "::"),
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104
    ],
)
def test_what_leads_here(host: str, listening: str) -> None:
    assert reaches(host, listening)


@pytest.mark.parametrize(
    ("host", "listening"),
    [
        ("127.0.0.2", "127.0.0.1"),
        ("192.0.2.7", "0.0.0.0"),  # noqa: S104
        ("192.0.2.7", "127.0.0.1"),
        ("::1", "127.0.0.1"),
        (NO_SUCH_HOST, "0.0.0.0"),  # noqa: S104
    ],
)
def test_what_leads_elsewhere(host: str, listening: str) -> None:
    assert not reaches(host, listening)


@pytest.mark.parametrize("host", ["silent.test", "also-silent.test"])
def test_a_name_that_is_not_resolved_in_time_leads_elsewhere(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    answer = threading.Event()
    resolve = socket.getaddrinfo

    def getaddrinfo(name: str, *asked: Any, **more: Any) -> Any:
        assert name != host or answer.wait(10)
        return resolve("127.0.0.1", *asked, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(local_addresses, "PATIENCE", 0.05)
    assert not reaches(host, "127.0.0.1")
    monkeypatch.setattr(local_addresses, "PATIENCE", PATIENCE)
    answer.set()
    assert reaches(host, "127.0.0.1")


def test_an_own_interface_leads_here_if_all_are_listened_at() -> None:
    address = own_address()
    assert reaches(address, "0.0.0.0")  # noqa: S104
    assert reaches(address, "::")
    assert reaches(address, address)
    assert not reaches(address, "127.0.0.1")


def test_the_own_name_leads_here() -> None:
    name = socket.gethostname()
    try:
        socket.gethostbyname(name)
    except OSError:
        pytest.skip("this machine's name cannot be resolved")
    assert reaches(name, "0.0.0.0")  # noqa: S104
