"""The metrics of several workers: added up, and never less than before."""

import asyncio
import os
import re
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx2
import pytest

from gateway.admin.counters.sums import Family, Sample, Sums, added
from gateway.server.processes.peers import Peers, private_folder
from tests.held_upstream import held_upstream
from tests.processes import GatewayProcess, gateway_process
from tests.waiting import wait_until


def counter(value: float, name: str = "gateway_requests", **labels: str) -> Family:
    return Family(name, "Requests.", "counter", [Sample(f"{name}_total", labels, value)])


def gauge(value: float, name: str = "gateway_in_flight", **labels: str) -> Family:
    return Family(name, "Now.", "gauge", [Sample(name, labels, value)])


def values(families: list[Family]) -> dict[str, float]:
    return {
        ",".join((sample.name, *sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


class Worker:
    """One worker's metrics, in this process."""

    def __init__(self, folder: Path | None, number: int = 0, count: int = 1) -> None:
        self.now: list[Family] = []
        self.peers = Peers(folder, number, count) if folder else Peers()
        self.sums = Sums(lambda: self.now, self.peers)

    async def _seen(self, *others: "Worker") -> dict[str, float]:
        if others:
            async with others[0].peers.serving():
                return await self._seen(*others[1:])
        return values(await self.sums.families())

    def seen(self, *others: "Worker") -> dict[str, float]:
        """Return what a scrape of this worker sees while the others live."""
        return asyncio.run(self._seen(*others))


@pytest.fixture(name="folder")
def _folder() -> Iterator[Path]:
    with private_folder() as folder:
        yield folder


def test_a_process_that_is_alone_shows_its_own() -> None:
    worker = Worker(None)
    worker.now = [counter(3), gauge(2), gauge(9, "process_open_fds")]
    assert worker.seen() == {
        "gateway_requests_total": 3,
        "gateway_in_flight": 2,
        "process_open_fds": 9,
    }
    worker.sums.close()
    assert worker.peers.kept() == []


def test_what_workers_have_counted_is_added_whoever_is_asked(folder: Path) -> None:
    a, b = (Worker(folder, number, 2) for number in range(2))
    a.now = [counter(3, upstream="x"), counter(1, upstream="y"), gauge(2)]
    b.now = [counter(4, upstream="x"), gauge(5)]
    both = {"gateway_requests_total,x": 7, "gateway_requests_total,y": 1, "gateway_in_flight": 7}
    assert a.seen(b) == b.seen(a) == both


def test_buckets_of_histograms_are_added(folder: Path) -> None:
    def histogram(*counts: float) -> Family:
        name = "gateway_request_seconds"
        bounds = zip(("0.5", "+Inf"), counts, strict=True)
        samples = [Sample(f"{name}_bucket", {"le": bound}, count) for bound, count in bounds]
        return Family(name, "Time.", "histogram", samples)

    a, b = (Worker(folder, number, 2) for number in range(2))
    a.now, b.now = [histogram(1, 2)], [histogram(10, 20)]
    buckets = {"gateway_request_seconds_bucket,0.5": 11, "gateway_request_seconds_bucket,+Inf": 22}
    assert a.seen(b) == buckets


def test_a_worker_that_is_gone_leaves_its_counts_and_takes_its_gauges(folder: Path) -> None:
    a, b = (Worker(folder, number, 2) for number in range(2))
    a.now, b.now = [counter(3), gauge(1)], [counter(4), gauge(1)]
    assert a.seen(b) == {"gateway_requests_total": 7, "gateway_in_flight": 2}
    b.now = [counter(6)]
    assert a.seen() == {"gateway_requests_total": 7, "gateway_in_flight": 1}
    b.sums.close()
    assert a.seen() == {"gateway_requests_total": 9, "gateway_in_flight": 1}


def test_a_worker_begins_with_the_counts_of_its_predecessor(folder: Path) -> None:
    a, b = (Worker(folder, number, 2) for number in range(2))
    a.now, b.now = [counter(3, upstream="x")], [counter(4, upstream="y")]
    a.seen(b)
    for expected in (4, 5):
        following = Worker(folder, 1, 2)
        assert a.seen(following)["gateway_requests_total,y"] == expected
        following.now = [counter(1, upstream="y")]
        assert a.seen(following)["gateway_requests_total,y"] == expected + 1


def test_what_describes_a_process_has_its_worker(folder: Path) -> None:
    a, b = (Worker(folder, number, 2) for number in range(2))
    a.now = [counter(1.5, "process_cpu_seconds"), gauge(10, "process_open_fds")]
    b.now = [counter(2.5, "process_cpu_seconds"), gauge(20, "process_open_fds")]
    assert a.seen(b) == {
        "process_cpu_seconds_total,0": 1.5,
        "process_cpu_seconds_total,1": 2.5,
        "process_open_fds,0": 10,
        "process_open_fds,1": 20,
    }


@pytest.mark.parametrize(
    ("name", "combined"),
    [
        ("gateway_build_info", 2),
        ("gateway_upstream_address_up", 1),
        ("gateway_config_last_reload_success_timestamp_seconds", 1),
        ("gateway_upstream_queued", 3),
    ],
)
def test_gauges_that_count_nothing_are_not_added(name: str, combined: float) -> None:
    assert values(added([gauge(1, name)], [gauge(2, name)])) == {name: combined}


class Scraped:
    """A gateway with several workers, asked through connections of their own."""

    def __init__(self, process: GatewayProcess) -> None:
        self.process = process
        self._base_url = process.line_with("gateway: ").removeprefix("gateway: ")
        self._admin_url = process.line_with("admin: ").removeprefix("admin: ")

    def send(self, count: int) -> None:
        body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
        for _ in range(count):
            url = f"{self._base_url}/chat/completions"
            assert httpx2.post(url, json=body, trust_env=False).status_code == 200

    def counted(self) -> float:
        text = httpx2.get(f"{self._admin_url}/metrics", trust_env=False).text
        found = re.findall(r"^gateway_requests_total\{.+\} (.+)$", text, re.MULTILINE)
        return sum(map(float, found))

    def has_counted(self, count: int) -> bool:
        return self.counted() == count

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(process) for process in children.read_text().split()]


@pytest.mark.slow
def test_scrapes_of_real_workers_never_go_backwards_though_each_is_killed(tmp_path: Path) -> None:
    arguments = ("serve", "--port", "0", "--workers", "3")
    with (
        held_upstream() as upstream,
        gateway_process(
            *arguments,
            *("--upstream", upstream.base_url),
            folder=tmp_path,
            GATEWAY_ADMIN__PORT="0",
        ) as process,
    ):
        upstream.go.set()
        gateway = Scraped(process)
        sent = 0
        for victim in gateway.workers():
            gateway.send(12)
            sent += 12
            wait_until(partial(gateway.has_counted, sent))
            assert [gateway.counted() for _ in range(9)] == [sent] * 9
            os.kill(victim, signal.SIGKILL)
            assert gateway.counted() == sent
            process.line_with("starting another")
            assert [gateway.counted() for _ in range(9)] == [sent] * 9
        process.signal(signal.SIGTERM)
        assert process.ended() == 0
