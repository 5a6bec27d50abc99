"""The look-up bench: what good requests feel of look-ups and refusals beside them.

Good requests, whose model's endpoint the configuration names, come 2,000 a second, whatever their
replies do, and take 2 ms at their upstream. Their p99 is measured with nothing beside them and then
with clients whose requests need look-ups, in turn in the same gateway. The ratio of the two says
what the others cost them; the first row, with nothing beside them either time, what it is worth.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.cases import Case
from bench.contenders import Contender
from bench.measure import LoadFailed, Sample, measure
from bench.processes import CONTENDER_CPU, LOAD_CPU, Process, free_port
from bench.results import median
from bench.tools import Tools

_GOOD = Case("good", "good requests", connections=16, model="bench-chat-slow-2", pace_us=8_000)
_WARM_UP, _WINDOW = 1.0, 5.0
_SETTLE_SECONDS = 10.0
_STARTS_WITHIN = 20.0


@dataclass(frozen=True, slots=True)
class Beside:
    """What goes on beside the good requests. `clients` None: nothing."""

    title: str
    clients: str | None = None
    models: int = 1
    """How long the list is."""
    memory: dict[str, float] = field(default_factory=dict)
    hung: bool = False
    """Whether the look-ups of the good requests' own upstream hang."""


BESIDE = (
    Beside("nothing"),
    Beside("404s, 1,000 similar names", "missing", 1_000),
    Beside("404s, 20,000 similar names", "missing", 20_000),
    Beside("look-ups that hang, 50 keys a second", "hung", hung=True),
    Beside("a list of 20,000, renewed every 5 s", "known", 20_000, {"ttl": 5, "negative_ttl": 5}),
    Beside("the same, renewed every second", "known", 20_000, {"ttl": 1, "negative_ttl": 1}),
)


@dataclass(slots=True)
class Row:
    """What was measured beside one thing: a pair of samples a round."""

    title: str
    without: list[Sample] = field(default_factory=list)
    beside: list[Sample] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    """The replies that the clients beside got, by their status."""
    problem: str = ""

    @property
    def ratios(self) -> list[float]:
        """The p99 beside it as a multiple of the p99 without, a round each."""
        pairs = zip(self.without, self.beside, strict=True)
        return [beside.p99_ms / without.p99_ms for without, beside in pairs if without.p99_ms]

    def figures(self) -> dict[str, object]:
        """Return the row, ready for JSON."""
        return {
            "beside": self.title,
            "p99_ratio": _rounded(self.ratios),
            "p99_ms_without": _rounded([each.p99_ms for each in self.without]),
            "p99_ms": _rounded([each.p99_ms for each in self.beside]),
            "errors": sum(each.errors for each in self.beside),
            "others": dict(self.others),
            "problem": self.problem,
        }

    def text(self) -> str:
        """Return the row of a Markdown table."""
        if self.problem or not self.ratios:
            return f"| {self.title} | {self.problem or 'no result'} | | | | | |"
        least, most = min(self.ratios), max(self.ratios)
        others = [f"{count:,} {status}" for status, count in sorted(self.others.items())]
        cells = (
            self.title,
            f"{median(each.per_second for each in self.beside):,.0f}",
            f"{median(each.p99_ms for each in self.without):.2f}",
            f"{median(each.p99_ms for each in self.beside):.2f}",
            f"{median(self.ratios):.2f} ({least:.2f}-{most:.2f})",
            f"{sum(each.errors for each in self.beside):,}",
            ", ".join(others) or "-",
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
        names = ("good requests beside", "a second", "p99 ms without", "beside", "ratio (min-max)")
        head = f"| {' | '.join((*names, 'errors', 'what the others got'))} |"
        rows = [row.text() for row in self.rows]
        return "\n".join(["### Good requests beside look-ups", "", head, "|---" * 7 + "|", *rows])


def run(tools: Tools, folder: Path) -> Report:
    """Measure everything, ROUNDS times each."""
    rounds = int(os.environ.get("ROUNDS") or 5)
    return Report([_row(tools, folder, beside, rounds) for beside in BESIDE])


def _row(tools: Tools, folder: Path, beside: Beside, rounds: int) -> Row:
    row = Row(beside.title)
    with ExitStack() as stack:
        source, listed = free_port(), free_port()
        _start(stack, folder, [str(tools.source), str(source)], LOAD_CPU, source)
        command = [sys.executable, "-m", "bench.lookups_upstream", str(listed), str(beside.models)]
        _behind(_start(stack, folder, command, LOAD_CPU, listed))
        config, port = _write_config(folder, beside, source, listed), free_port()
        command = [sys.executable, "-m", "gateway", "serve", "--config", str(config)]
        process = _start(stack, folder, [*command, "--port", str(port)], CONTENDER_CPU, port)
        gateway = Contender("gateway", port, process)
        try:
            for _ in range(rounds):
                _round(tools, folder, gateway, beside, row)
        except LoadFailed as error:
            row.problem = f"failed: {error}"
    return row


def _round(tools: Tools, folder: Path, gateway: Contender, beside: Beside, row: Row) -> None:
    # The load that can say how long each request took, whatever else there is.
    load = Tools(source=tools.source, load=tools.load)
    assert gateway.process is not None
    gateway.process.rest(_SETTLE_SECONDS)
    without = measure(load, folder, gateway, _GOOD, warm_up=_WARM_UP, window=_WINDOW)
    with ExitStack() as stack:
        clients = None
        if beside.clients is not None:
            command = [sys.executable, "-m", "bench.lookups_clients"]
            command += [str(gateway.port), beside.clients]
            clients = Process(command, LOAD_CPU, folder / "clients.log")
            stack.callback(clients.stop)
            _behind(clients)
        sample = measure(load, folder, gateway, _GOOD, warm_up=_WARM_UP, window=_WINDOW)
    row.without.append(without)
    row.beside.append(sample)
    if clients is not None:
        row.others.update(json.loads(clients.log.read_text() or "{}"))


def _start(stack: ExitStack, folder: Path, command: list[str], cpu: int, port: int) -> Process:
    process = Process(command, cpu, folder / f"{port}.log")
    stack.callback(process.stop)
    if not process.wait_for_port(port, _STARTS_WITHIN):
        raise SystemExit(f"bench: {command[:3]} does not start:\n{process.log.read_text()}")
    return process


def _behind(process: Process) -> None:
    """Let it have only the time that the load leaves: its work must not look like the gateway's."""
    os.sched_setscheduler(process.pid, os.SCHED_IDLE, os.sched_param(0))


def _write_config(folder: Path, beside: Beside, source: int, listed: int) -> Path:
    where = f"http://127.0.0.1:{source}{'/hung' if beside.hung else ''}/v1"
    config = {
        "upstreams": {
            "source": {"base_url": where, "kind": "vllm"},
            "listed": {"base_url": f"http://127.0.0.1:{listed}/v1", "kind": "vllm"},
        },
        "models": {
            "bench-*": {"endpoint": "chat", "upstream": "source"},
            "slow-*": {"upstream": "source"},
            "*": {"upstream": "listed"},
        },
        "memory": beside.memory,
        "admin": {"enabled": False},
        "log": {"level": "error"},
    }
    path = folder / "gateway.yaml"
    path.write_text(json.dumps(config))  # JSON is YAML
    return path


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 3) for value in values]
