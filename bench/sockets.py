"""The socket bench: an event that goes through as a message, beside the same one in a stream.

The same clients ask the same gateway for the same events, in turn over HTTP and over a WebSocket.
The ratio of the processor time that the gateway takes says what the socket costs.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.processes import CONTENDER_CPU, LOAD_CPU, Process, free_port, pin

_WARM_UP, _WINDOW = 1.0, 4.0
_PATIENCE = 60.0
_STARTS_WITHIN = 20.0
_PACE_MS = 10


@dataclass(frozen=True, slots=True)
class Pair:
    """One kind of traffic. `model` is what is asked for in both manners."""

    title: str
    model: str
    connections: int = 32
    most: float = 2.0
    """The ratio that is aimed at."""


PAIRS = (
    Pair("relayed, 200 in a burst", "relayed-burst", most=3.0),
    Pair("relayed, one per 10 ms", "relayed-paced", 64, most=3.0),
    Pair("bridged to chat, 200 in a burst", "chat-burst"),
    Pair("bridged to chat, one per 10 ms", "chat-paced", 64),
    Pair("bridged to responses, 200 in a burst", "responses-burst"),
    Pair("bridged to responses, one per 10 ms", "responses-paced", 64),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one window gave: the gateway's processor time per piece of text, and the rate."""

    cpu_us: float
    per_second: float


@dataclass(slots=True)
class Row:
    """A pair of windows a round."""

    pair: Pair
    streams: list[Figures] = field(default_factory=list)
    sockets: list[Figures] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        """The processor time over a socket as a multiple of that of a stream, a round each."""
        both = zip(self.streams, self.sockets, strict=True)
        return [socket.cpu_us / stream.cpu_us for stream, socket in both]

    def figures(self) -> dict[str, object]:
        """Return the row, ready for JSON."""
        return {
            "traffic": self.pair.title,
            "cpu_us_stream": [round(each.cpu_us, 3) for each in self.streams],
            "cpu_us_socket": [round(each.cpu_us, 3) for each in self.sockets],
            "ratio": [round(ratio, 3) for ratio in self.ratios],
        }

    def text(self) -> str:
        """Return the row of a Markdown table."""
        cells = (
            self.pair.title,
            f"{statistics.median(each.cpu_us for each in self.streams):.3g}",
            f"{statistics.median(each.cpu_us for each in self.sockets):.3g}",
            f"{statistics.median(self.ratios):.2f} ({min(self.ratios):.2f}-{max(self.ratios):.2f})",
            f"{self.pair.most:g}",
            f"{statistics.median(each.per_second for each in self.sockets):,.0f}",
        )
        return f"| {' | '.join(cells)} |"


@dataclass(slots=True)
class Report:
    """All rows."""

    rows: list[Row]

    @property
    def figures(self) -> list[dict[str, object]]:
        """The outcome, ready for JSON."""
        return [row.figures() for row in self.rows]

    def text(self) -> str:
        """Return the outcome as Markdown."""
        names = ("CPU µs per event", "over a stream", "over a socket", "ratio (min-max)")
        head = f"| {' | '.join((*names, 'aim', 'events/s'))} |"
        rows = [row.text() for row in self.rows]
        return "\n".join(["### Events over sockets", "", head, "|---" * 6 + "|", *rows])


def run(folder: Path) -> Report:
    """Measure everything, ROUNDS times each."""
    rounds = int(os.environ.get("ROUNDS") or 5)
    rows = [Row(pair) for pair in PAIRS]
    with ExitStack() as stack:
        ports = {}
        for name, pace in (("burst", 0), ("paced", _PACE_MS)):
            ports[name] = free_port()
            command = [sys.executable, "-m", "bench.sockets_upstream", str(ports[name]), str(pace)]
            _start(stack, folder, command, LOAD_CPU, ports[name])
        port = free_port()
        command = [sys.executable, "-m", "gateway", "serve", "--port", str(port), "--config"]
        command.append(str(_write_config(folder, ports)))
        gateway = _start(stack, folder, command, CONTENDER_CPU, port)
        for _ in range(rounds):
            for row in rows:
                row.streams.append(_measure(gateway, port, row.pair, "stream"))
                row.sockets.append(_measure(gateway, port, row.pair, "socket"))
    return Report(rows)


def _measure(gateway: Process, port: int, pair: Pair, kind: str) -> Figures:
    command = [sys.executable, "-m", "bench.sockets_clients", str(port), str(pair.connections)]
    command += [str(_WARM_UP), str(_WINDOW), pair.model, kind]
    with subprocess.Popen(pin(command, LOAD_CPU), stdout=subprocess.PIPE, text=True) as clients:
        assert clients.stdout is not None
        clients.stdout.readline()
        before = gateway.cpu_seconds()
        last = clients.stdout.readline()
        spent = gateway.cpu_seconds() - before
        clients.communicate(timeout=_PATIENCE)
    result = json.loads(last or "{}")
    if not result.get("events") or result["errors"]:
        raise SystemExit(f"bench: {pair.title} does not work over a {kind}: {last.strip()}")
    # What the clients have left is not the next window's.
    time.sleep(0.5)
    return Figures(spent * 1e6 / result["events"], result["events"] / result["seconds"])


def _start(stack: ExitStack, folder: Path, command: list[str], cpu: int, port: int) -> Process:
    process = Process(command, cpu, folder / f"{port}.log")
    stack.callback(process.stop)
    if not process.wait_for_port(port, _STARTS_WITHIN):
        raise SystemExit(f"bench: {command[:3]} does not start:\n{process.log.read_text()}")
    return process


def _write_config(folder: Path, ports: dict[str, int]) -> Path:
    upstreams, models = {}, {}
    for pace, port in ports.items():
        where = {"base_url": f"http://127.0.0.1:{port}/v1", "max_connections": 1024}
        # Only servers of some kinds have sockets.
        upstreams[f"with-{pace}"] = {**where, "kind": "openai"}
        upstreams[f"without-{pace}"] = {**where, "kind": "vllm"}
        models[f"relayed-{pace}"] = {"upstream": f"with-{pace}", "endpoint": "responses"}
        models[f"responses-{pace}"] = {"upstream": f"without-{pace}", "endpoint": "responses"}
        models[f"chat-{pace}"] = {"upstream": f"without-{pace}", "endpoint": "chat"}
    config = {
        "upstreams": upstreams,
        "models": models,
        "admin": {"enabled": False},
        "log": {"level": "error"},
    }
    path = folder / "gateway.yaml"
    path.write_text(json.dumps(config))  # JSON is YAML
    return path
