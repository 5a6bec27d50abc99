"""A port that is held is used by nobody else, and an invalid name is not found."""

import errno
import socket

import pytest

from tests.addresses import NO_SUCH_HOST, held_port


def test_it_can_be_listened_at_again_and_again() -> None:
    at = ("127.0.0.1", held_port())
    for _ in range(2):
        with socket.create_server(at) as server, socket.create_connection(at):
            server.accept()[0].close()


def test_nobody_answers_there_until_then() -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", held_port()))


def test_only_who_names_it_gets_it() -> None:
    port = held_port()
    with socket.socket() as other, pytest.raises(OSError, match=r"in use") as refused:
        other.bind(("127.0.0.1", port))  # as any port is looked for: it must be free
    assert refused.value.errno == errno.EADDRINUSE
    assert held_port() != port


def test_a_host_that_is_none_has_no_address() -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo(NO_SUCH_HOST, 80)
