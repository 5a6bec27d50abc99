"""The soak: mixed traffic for a long time, good and bad, and what becomes of the gateway.

10 minutes (SOAK_SECONDS) of 48 clients in this process, before a gateway and a scripted upstream in
processes of their own. Every good request must get its whole reply, memory must stay flat, and the
gateway's log must hold no traceback. The criteria are in soak_report.py.
"""

import asyncio
import json
import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from random import Random

from bench.processes import LOAD_CPU, Process, free_port
from bench.soak_clients import CLIENTS, Client
from bench.soak_ledger import Ledger
from bench.soak_report import Report, Sample
from bench.soak_requests import Requests
from bench.watching import Observed, Seen

_SAMPLES = 120
_LEAST_SAMPLE_SECONDS = 1.0
_RESTS = (0.1, 0.5, 1.0)
"""Parts of the time after which the clients pause, until nothing is under way."""
_SETTLE_SECONDS = 20.0
_UPSTREAM_TIMEOUT = 4


def run(folder: Path) -> Report:
    """Run the soak against a gateway of its own."""
    seed = int(os.environ.get("SEED") or time.time())
    seconds = float(os.environ.get("SOAK_SECONDS") or 600)
    print(f"soak: SEED={seed}, {seconds:g} s", file=sys.stderr)
    with ExitStack() as stack:
        source_port = free_port()
        command = [sys.executable, "-m", "bench.scripted", str(source_port)]
        source = Process(command, LOAD_CPU, folder / "scripted.log")
        stack.callback(source.stop)
        if not source.wait_for_port(source_port, 10):
            raise SystemExit(f"bench: the upstream does not start:\n{source.log.read_text()}")
        gateway = Observed(folder, _write_config(folder, source_port), source_port, stack)
        available = sorted(os.sched_getaffinity(0))
        if len(available) > 1:  # the gateway has the other one to itself
            os.sched_setaffinity(0, {available[LOAD_CPU]})
            stack.callback(os.sched_setaffinity, 0, set(available))
        return asyncio.run(_Soak(gateway, seconds, seed).run())


def _write_config(folder: Path, source_port: int) -> Path:
    homes = {
        f"{prefix}-{home}*": {"endpoint": home}
        for prefix in ("soak", "fault", "left")
        for home in ("chat", "completions", "responses")
    }
    config = {
        "upstreams": {
            "source": {
                "base_url": f"http://127.0.0.1:{source_port}/v1",
                "kind": "other",
                "max_connections": 1024,
                "timeouts": {"first_byte": _UPSTREAM_TIMEOUT, "stream_idle": _UPSTREAM_TIMEOUT},
            }
        },
        "models": homes,
        "translation": {"on_unsupported": "drop"},
        # Some keep-alive comments are sent, too.
        "server": {"first_byte_grace": 1, "keepalive_interval": 1},
        "admin": {"enabled": False},
        "log": {"level": "warning"},
    }
    path = folder / "gateway.yaml"
    path.write_text(json.dumps(config))  # JSON is YAML
    return path


class _Soak:
    def __init__(self, gateway: Observed, seconds: float, seed: int) -> None:
        self._gateway = gateway
        self._seconds = seconds
        self._ledger = Ledger()
        self._report = Report(seconds, self._ledger)
        random = Random(seed)
        requests = Requests(random)
        self._clients = [
            Client(gateway.port, random, self._ledger, requests) for _ in range(CLIENTS)
        ]

    async def run(self) -> Report:
        began = self._ledger.began
        for part in _RESTS:
            await self._until(began + part * self._seconds)
            await self._rest()
        self._report.seconds = time.monotonic() - began
        self._report.final = await asyncio.to_thread(self._gateway.look, collect=True)
        self._report.log = self._gateway.log
        self._report.gateway_alive = self._gateway.process.alive
        return self._report

    async def _until(self, end: float) -> None:
        """Let the clients act until then, and look in between."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sample(end))
            for client in self._clients:
                group.create_task(_act(client, end))

    async def _sample(self, end: float) -> None:
        pause = max(_LEAST_SAMPLE_SECONDS, self._seconds / _SAMPLES)
        while (left := end - time.monotonic()) > 0:
            await asyncio.sleep(min(pause, left))
            self._add(await asyncio.to_thread(self._gateway.look), resting=False)

    async def _rest(self) -> None:
        """Look when no client is there: what is there then was left behind."""
        for client in self._clients:
            await client.rest()
        took, _ = await asyncio.to_thread(self._gateway.settle, None, _SETTLE_SECONDS)
        self._report.back_seconds.append(took)
        self._add(await asyncio.to_thread(self._gateway.rest, _SETTLE_SECONDS), resting=True)

    def _add(self, seen: Seen, *, resting: bool) -> None:
        at = time.monotonic() - self._ledger.began
        sample = Sample(at, self._ledger.requests, seen, resting)
        self._report.samples.append(sample)
        if sys.stderr.isatty():
            told = f"\r{at:6.0f} s {sample.requests:9,} requests {seen.memory.rss >> 20:5} MB"
            print(told, end="", file=sys.stderr, flush=True)


async def _act(client: Client, end: float) -> None:
    while time.monotonic() < end:
        await client.act()
