"""What the kernel says of real sockets."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.system import tcp
from gateway.system.tcp import (
    GONE_SECONDS,
    KEEP_ALIVE_OPTIONS,
    expect_acknowledgements,
    is_readable,
    keep_alive,
    unacknowledged_bytes,
)
from tests.processes import PATIENCE, surroundings


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return the two ends of a TCP connection, neither of which ever blocks."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        accepted, _ = listening.accept()
    with client, accepted:
        client.setblocking(False)
        accepted.setblocking(False)
        yield accepted, client


def fill(sender: socket.socket) -> int:
    """Send until nothing more is taken; return how much was."""
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            sent += sender.send(b"x" * 65536)
    return sent


_WITHOUT_DESCRIPTORS = """
import resource, socket
from gateway.system.tcp import unacknowledged_bytes
from tests.waiting import PATIENCE
end, other = socket.socketpair()
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (3, most))
print(unacknowledged_bytes(end.fileno()))
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # what measures the coverage writes a file
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can say")
def test_a_process_without_descriptors_can_say_it_too() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _WITHOUT_DESCRIPTORS],
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=surroundings(PYTHONPATH=str(Path(__file__).parents[2])),
    )
    assert (ended.stdout, ended.stderr) == ("0\n", "")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can say")
def test_what_a_peer_has_no_room_for_is_unacknowledged_until_it_reads(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    sender, reader = ends
    assert unacknowledged_bytes(sender.fileno()) == 0
    sent = fill(sender)
    waiting = unacknowledged_bytes(sender.fileno())
    assert 0 < waiting <= sent
    reader.settimeout(PATIENCE)
    while sent:
        sent -= len(reader.recv(1 << 20))
    reader.settimeout(None)
    sender.shutdown(socket.SHUT_WR)
    assert reader.recv(1) == b""  # after it all: everything else was acknowledged
    assert unacknowledged_bytes(sender.fileno()) <= 1  # a FIN counts until it is


def test_where_the_system_cannot_say_it_is_nothing(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    sender, _ = ends
    fill(sender)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert unacknowledged_bytes(sender.fileno()) == 0


def test_nothing_is_known_of_a_closed_socket(ends: tuple[socket.socket, socket.socket]) -> None:
    sender, _ = ends
    descriptor = sender.fileno()
    sender.close()
    assert unacknowledged_bytes(sender.fileno()) == 0
    assert unacknowledged_bytes(descriptor) == 0


def test_bytes_and_an_end_are_to_be_read_and_silence_is_not(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    reader, client = ends
    assert not is_readable(reader.fileno())
    client.send(b"x")
    assert is_readable(reader.fileno())
    assert reader.recv(10) == b"x"
    assert not is_readable(reader.fileno())
    client.close()
    assert is_readable(reader.fileno())


def test_a_silent_connection_is_kept_alive_as_its_listener_would_have_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        keep_alive(listening)
        client = socket.create_connection(listening.getsockname())
        accepted, _ = listening.accept()
    with client, accepted:
        keep_alive(client)
        for end in (client, accepted):
            for level, option, value in KEEP_ALIVE_OPTIONS:
                assert end.getsockopt(level, option) == value


@pytest.mark.skipif(sys.platform != "linux", reason="other systems lack some")
def test_a_peer_that_is_gone_is_missed_after_two_minutes() -> None:
    _, idle, interval, count = [value for _, _, value in sorted(KEEP_ALIVE_OPTIONS)]
    assert idle + interval * count == GONE_SECONDS == 120


def test_a_closed_socket_needs_no_options(ends: tuple[socket.socket, socket.socket]) -> None:
    ends[0].close()
    keep_alive(ends[0])
    expect_acknowledgements(ends[0], 60)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has it")
@pytest.mark.parametrize(
    ("seconds", "milliseconds"),
    [(0.1, 120_000), (60, 120_000), (600.5, 600_500), (1e9, 2**31 - 1)],
)
def test_sent_bytes_are_acknowledged_in_time_but_in_no_less_than_keep_alive_gives(
    ends: tuple[socket.socket, socket.socket], seconds: float, milliseconds: int
) -> None:
    expect_acknowledgements(ends[0], seconds)
    assert ends[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == milliseconds


def test_a_system_without_such_an_option_goes_without(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "_USER_TIMEOUT", None)
    expect_acknowledgements(ends[0], 60)
    local, other = socket.socketpair()
    monkeypatch.undo()
    with local, other:
        expect_acknowledgements(local, 60)
