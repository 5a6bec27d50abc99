"""SIGUSR2 under load: a new program takes over, and no request is refused or cut."""

import os
import re
import signal
import socket
from pathlib import Path

import pytest

from tests.changing.gateway import Gateway, configuration, running, write
from tests.changing.load import Load, Stream
from tests.changing.upstream import changing_upstream
from tests.waiting import wait_until

REQUESTS = 2_000
SERVER = "port: 0, grace_period: 600"
"""A process that is replaced waits for its streams however long the requests take."""


def lives(process: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def hand_over(gateway: Gateway, process: int) -> int:
    """Have a process be replaced; return the new one."""
    os.kill(process, signal.SIGUSR2)
    started = gateway.process.line_with("has been started to take over")
    found = re.search(r"process (\d+)", started)
    assert found is not None
    return int(found[1])


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_rolling_restart_under_load_costs_no_request_and_cuts_no_stream(
    tmp_path: Path, workers: int
) -> None:
    with changing_upstream() as upstream:
        write(tmp_path, configuration(upstream.base_url, SERVER))
        with running(tmp_path, workers) as gateway:
            processes = [gateway.process.pid]
            try:
                streams = []
                with Load(gateway.port) as load:
                    for number in range(2, 5):
                        streams.append(Stream(gateway.port))
                        load.wait_for(REQUESTS // 4)
                        # What a reload refuses, a restart applies: the secret here.
                        write(
                            tmp_path,
                            configuration(upstream.base_url, SERVER, more=f"secret: {'s' * 32}\n"),
                            f"sk-{number}",
                        )
                        processes.append(hand_over(gateway, processes[-1]))
                        gateway.process.line_with(f"process {processes[-1]} serves")
                        os.kill(processes[-2], signal.SIGUSR2)  # once more, to the one replaced
                        gateway.process.line_with("SIGUSR2 is ignored")
                        load.wait_for(20, f"sk-{number}")
                        load.wait_for(REQUESTS // 4)
                assert load.failures == []
                assert load.requests >= REQUESTS
                # They have nothing left but their streams.
                assert all(lives(process) for process in processes)
                upstream.go.set()
                assert all(stream.is_whole() for stream in streams)
                wait_until(lambda: not any(map(lives, processes[:-1])))
                assert lives(processes[-1])
            finally:
                os.kill(processes[-1], signal.SIGTERM)
            assert gateway.process.ended() == 0


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_new_program_that_cannot_start_changes_nothing(tmp_path: Path, workers: int) -> None:
    with changing_upstream() as upstream:
        write(tmp_path, configuration(upstream.base_url))
        with running(tmp_path, workers) as gateway, Load(gateway.port, renewing=1) as load:
            load.wait_for(10)
            write(tmp_path, "nonsense: 1")
            gateway.process.signal(signal.SIGUSR2)
            gateway.process.line_with("unknown key 'nonsense'")
            gateway.process.line_with("the new program has exited")
            load.wait_for(20)
            assert load.failures == []
            write(tmp_path, configuration(upstream.base_url))
            new = hand_over(gateway, gateway.process.pid)
            gateway.process.line_with(f"process {new} serves")
            load.wait_for(20)
            os.kill(new, signal.SIGTERM)


@pytest.mark.slow
def test_a_new_program_may_listen_elsewhere(tmp_path: Path) -> None:
    with changing_upstream() as upstream:
        write(tmp_path, configuration(upstream.base_url))
        with running(tmp_path, 1) as gateway:
            with Load(gateway.port, keeping=0) as load:
                load.wait_for(1)
            write(tmp_path, configuration(upstream.base_url, 'port: 0, host: "::1"'))
            new = hand_over(gateway, gateway.process.pid)
            assert "http://[::1]:" in gateway.process.line_with("gateway: ")
            gateway.process.line_with(f"process {new} serves")
            with socket.socket() as probe:
                wait_until(lambda: not lives(gateway.process.pid))
                assert probe.connect_ex(("127.0.0.1", gateway.port)) != 0
            os.kill(new, signal.SIGTERM)
            assert gateway.process.ended() == 0
