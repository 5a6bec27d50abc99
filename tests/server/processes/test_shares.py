"""Clients that come together meet all workers, and no worker that is gone makes them wait."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from gateway.server.processes.shares import Share, Shares
from tests.server.processes.test_workers import Running, running
from tests.waiting import wait_until

CLIENTS = 32
PATIENCE = 60.0
_LISTENS = "0A"
"""The state of a listening socket in `/proc/net/tcp` (`TCP_LISTEN`)."""


def joined(shares: Shares, *held: int) -> list[Share]:
    """Return the shares of workers that have so many connections."""
    workers = [shares.of(number) for number in range(len(held))]
    for worker, connections in zip(workers, held, strict=True):
        worker.join()
        worker.hold(connections)
    return workers


@pytest.mark.parametrize(
    ("held", "exceeded"),
    [
        ((0, 0), (False, False)),
        ((1, 0), (False, False)),
        ((2, 0), (False, False)),
        ((3, 0), (True, False)),
        ((19, 13), (False, False)),
        ((20, 12), (True, False)),
        ((564, 436), (True, False)),
        ((563, 437), (False, False)),
        ((30, 10, 10, 10), (True, False, False, False)),
        ((17, 17, 15, 15), (False, False, False, False)),
        ((50,), (False,)),
    ],
)
def test_a_share_is_the_average_an_eighth_and_one(
    held: tuple[int, ...], exceeded: tuple[bool, ...]
) -> None:
    workers = joined(Shares(len(held)), *held)
    assert tuple(worker.is_exceeded() for worker in workers) == exceeded


def test_who_does_not_accept_is_not_counted() -> None:
    shares = Shares(3)
    one, other = shares.of(0), shares.of(1)
    one.join()
    one.hold(9)
    assert not one.is_exceeded()
    other.hold(0)  # it has not begun to accept
    assert not one.is_exceeded()
    other.join()
    assert one.is_exceeded()
    other.leave()
    other.hold(0)  # connections still end
    assert not one.is_exceeded()
    other.join()
    assert one.is_exceeded()
    shares.leave(1)  # it was killed
    assert not one.is_exceeded()


@contextmanager
def clients(port: int) -> Iterator[list[socket.socket]]:
    """Connect many clients as soon as it goes; each has sent a request."""
    with ExitStack() as opened:
        connected = []
        for _ in range(CLIENTS):
            client = opened.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE))
            client.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            connected.append(client)
        yield connected


def served(connected: list[socket.socket]) -> bool:
    """Wait for all replies; return whether each is a 200."""
    return all(client.recv(4096).startswith(b"HTTP/1.1 200 ") for client in connected)


def accepted_by(workers: list[int], port: int) -> list[int]:
    """Return how many clients' connections each worker has."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]]
    own = [row for row in rows if row[1].endswith(f":{port:04X}") and row[3] != _LISTENS]
    accepted = {f"socket:[{row[9]}]" for row in own}
    return [len(accepted & set(_open_files(worker))) for worker in workers]


def _open_files(process: int) -> Iterator[str]:
    for descriptor in os.listdir(f"/proc/{process}/fd"):
        with suppress(FileNotFoundError):  # closed since
            yield os.readlink(f"/proc/{process}/fd/{descriptor}")


def least_share(gateway: Running, workers: list[int]) -> int:
    """Return how many of many clients the worker with the fewest gets."""
    wait_until(lambda: accepted_by(workers, gateway.port) == [0, 0])
    with clients(gateway.port) as connected:
        assert served(connected)
        taken = accepted_by(workers, gateway.port)
    assert sum(taken) == CLIENTS
    return min(taken)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's /proc")
def test_clients_that_come_at_once_meet_both_workers(tmp_path: Path) -> None:
    with running(tmp_path, 2) as gateway:
        assert gateway.health() == 200
        wait_until(lambda: len(gateway.workers()) == 2)
        workers = sorted(gateway.workers())
        # One of them may be starting still, or wait for a processor that others use.
        shares = sorted(least_share(gateway, workers) for _ in range(7))
        assert shares[3] >= CLIENTS / 4


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_nobody_waits_for_a_worker_that_does_not_accept(
    tmp_path: Path, number: signal.Signals
) -> None:
    with running(tmp_path, 2) as gateway:
        assert gateway.health() == 200
        worker = min(gateway.workers())
        os.kill(worker, number)
        try:
            for _ in range(3):
                with clients(gateway.port) as connected:
                    assert served(connected)
        finally:
            if number is signal.SIGSTOP:
                os.kill(worker, signal.SIGCONT)
