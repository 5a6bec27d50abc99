"""What a request costs where 10,000 models are listed and 10,000 endpoints learned.

Three gateways before an upstream that lists 10,000 models, which live at chat, and a client of
completions: one knows by its configuration where each model lives; one has found it out for the one
that it is asked for; one has found it out for all of them, before anything is measured.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.bodies import generation, post
from bench.cases import Case
from bench.contenders import Contender, start_gateway
from bench.measure import LoadFailed, Sample, measure
from bench.processes import LOAD_CPU, Process, free_port
from bench.results import MEGABYTE, median
from bench.tools import Tools
from bench.wire import Wire
from gateway.shapes import Shape

NAMES = 10_000

_FIRST = "scale-00000"
_ONE = Case("one", "one model", 32, client=Shape.COMPLETIONS, model=_FIRST)
_EACH = replace(_ONE, name="each", title="10,000 models in turn", models=NAMES)
_CLIENTS = 16
_WARM_UP, _WINDOW = 1.0, 2.0
_STARTS_WITHIN = 20.0
_CONFIGURED, _ONE_LEARNED, _LEARNED = "configured", "1 learned", "10,000 learned"
_RESOLVED_BY = "x-gateway-resolved-by"


@dataclass(slots=True)
class Row:
    """One kind of request at one gateway, a sample a round."""

    gateway: str
    case: Case
    samples: list[Sample] = field(default_factory=list)
    problem: str = ""

    @property
    def title(self) -> str:
        """What it is called."""
        return f"{self.case.title}; {self.gateway}"


@dataclass(frozen=True, slots=True)
class Report:
    """All rows; those of a case begin with the gateway that has its endpoints from a file."""

    rows: Sequence[Row]
    resolved_by: Counter[str]
    """How the last gateway found the endpoints, when each model was asked for again."""
    memory: Mapping[str, int]
    """Bytes, by gateway, before the measurements."""

    @property
    def figures(self) -> dict[str, object]:
        """The outcome, ready for JSON."""
        return {
            "rows": [
                {
                    "row": row.title,
                    "cpu_us": [round(each.cpu_us, 1) for each in row.samples],
                    "ratio": [round(each, 3) for each in self._ratios(row)],
                    "problem": row.problem,
                }
                for row in self.rows
            ],
            "resolved_by": dict(self.resolved_by),
            "memory_mb": {name: round(each / MEGABYTE, 1) for name, each in self.memory.items()},
        }

    def text(self) -> str:
        """Return the outcome as Markdown."""
        found = ", ".join(f"{count:,} {how}" for how, count in self.resolved_by.items())
        memory = [f"{each / MEGABYTE:.0f} ({name})" for name, each in self.memory.items()]
        return "\n".join(
            [
                *("### 10,000 models listed, and as many endpoints learned", ""),
                "| completions→chat, 32 connections | CPU µs (min-max) | of configured | errors |",
                *("|---|---|---|---|", *(self._line(row) for row in self.rows), ""),
                f"Endpoints of the last: {found or 'none'}. Memory in MB: {', '.join(memory)}.",
            ]
        )

    def _line(self, row: Row) -> str:
        if row.problem or not row.samples:
            return f"| {row.title} | {row.problem or 'no result'} | | |"
        cpu = [each.cpu_us for each in row.samples]
        cost = f"{median(cpu):.1f} ({min(cpu):.1f}-{max(cpu):.1f})"
        errors = sum(each.errors for each in row.samples)
        return f"| {row.title} | {cost} | {median(self._ratios(row)):.2f} | {errors:,} |"

    def _ratios(self, row: Row) -> list[float]:
        known = next(e for e in self.rows if e.case == row.case and e.gateway == _CONFIGURED)
        pairs = zip(row.samples, known.samples, strict=False)
        return [own.cpu_us / baseline.cpu_us for own, baseline in pairs]


def run(tools: Tools, folder: Path, rounds: int) -> Report:
    """Let the gateways learn, then measure them by turns."""
    one = [Row(gateway, _ONE) for gateway in (_CONFIGURED, _ONE_LEARNED, _LEARNED)]
    rows = [*one, *(Row(gateway, _EACH) for gateway in (_CONFIGURED, _LEARNED))]
    if tools.wrk is None:
        for row in rows:
            row.problem = "wrk is missing"
        return Report(rows, Counter(), {})
    with ExitStack() as stack:
        source = free_port()
        command = [str(tools.source), str(source), str(NAMES)]
        process = Process(command, LOAD_CPU, folder / "listing.log")
        stack.callback(process.stop)
        if not process.wait_for_port(source, _STARTS_WITHIN):
            raise SystemExit("bench: the source does not start")
        gateways = {row.gateway: _gateway(stack, folder, row.gateway, source) for row in one}
        for name, count in ((_CONFIGURED, 1), (_ONE_LEARNED, 1), (_LEARNED, NAMES)):
            asyncio.run(_ask_for(gateways[name], count))
        resolved_by = asyncio.run(_ask_for(gateways[_LEARNED], NAMES))
        memory = {}
        for name, gateway in gateways.items():
            assert gateway.process is not None
            memory[name] = gateway.process.memory_bytes()
            gateway.process.pause()
        for _ in range(rounds):
            for row in rows:
                if not row.problem:
                    _sample(tools, folder, gateways[row.gateway], row)
    return Report(rows, resolved_by, memory)


def _gateway(stack: ExitStack, folder: Path, name: str, source: int) -> Contender:
    own = folder / name.replace(" ", "-")
    own.mkdir()
    upstream = {"base_url": f"http://127.0.0.1:{source}/v1", "kind": "vllm"}
    config: dict[str, object] = {
        "upstreams": {"source": upstream},
        "admin": {"enabled": False},
        "log": {"level": "error"},
    }
    if name == _CONFIGURED:
        config["models"] = {"scale-*": {"endpoint": "chat"}}
    path = own / "gateway.yaml"
    path.write_text(json.dumps(config))  # JSON is YAML
    found = start_gateway(stack, own, "gateway", path)
    if found is None:
        raise SystemExit(f"bench: the gateway does not start; see {own}/gateway.log")
    return found


async def _ask_for(gateway: Contender, count: int) -> Counter[str]:
    """Ask for so many models once; return how many were resolved in which manner."""
    found: Counter[str] = Counter()
    numbers = iter(range(count))

    async def client() -> None:
        wire = await Wire.open(gateway.port)
        for number in numbers:
            body = generation(_ONE.client, f"{_FIRST[:-5]}{number:05d}", 300)
            await wire.write(post(_ONE.client.endpoint, body))
            reply = await wire.reply()
            found[reply.headers.get(_RESOLVED_BY, str(reply.status))] += 1
        await wire.leave()

    await asyncio.gather(*(client() for _ in range(_CLIENTS)))
    return found


def _sample(tools: Tools, folder: Path, gateway: Contender, row: Row) -> None:
    with gateway.awake():
        try:
            row.samples.append(
                measure(tools, folder, gateway, row.case, warm_up=_WARM_UP, window=_WINDOW)
            )
        except LoadFailed as error:
            row.problem = f"failed: {error}"
