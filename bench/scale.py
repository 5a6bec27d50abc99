"""The scale bench: more workers, more streams, more names than the other benches have.

`workers`: what a request costs, and how many there are a second, with one worker process and with
two, neither confined to one processor. `streams`: memory and processor time of 10,000 open streams.
`names`: what a request costs where 10,000 models are listed and 10,000 endpoints learned.
"""

import os
import resource
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench import scale_names
from bench.cases import Case, baseline_of, cases
from bench.contenders import (
    GATEWAY,
    NGINX,
    ONE_WORKER,
    Contender,
    Scale,
    start_gateway,
    start_nginx,
    write_gateway_config,
)
from bench.measure import LoadFailed, Sample, measure
from bench.processes import LOAD_CPU, Process, free_port
from bench.results import MEGABYTE, median
from bench.tools import Tools

STREAMS = 10_000

_CASES = "request_c32,request_c256,agent_chat_responses,burst,paced_256"
_WARM_UP, _WINDOW = 1.0, 2.0
_STREAMS_WARM_UP, _STREAMS_WINDOW = 20.0, 10.0
_OTHER_FILES = 200
"""Descriptors of a process that do not belong to streams."""
_STARTS_WITHIN = 20.0


@dataclass(slots=True)
class Row:
    """One case with one contender: a sample and the busiest worker's share for each round."""

    case: Case
    title: str
    samples: list[Sample] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    problem: str = ""

    @property
    def cpu_us(self) -> list[float]:
        """The processor time per request or event, a round each."""
        return [sample.cpu_us for sample in self.samples]


@dataclass(frozen=True, slots=True)
class Streams:
    """What so many open streams took of one contender."""

    title: str
    memory_before: int
    sample: Sample

    def text(self) -> str:
        """Return the row of a Markdown table."""
        sample = self.sample
        each = (sample.memory_bytes - self.memory_before) / 1024 / max(sample.streaming, 1)
        cells = (
            self.title,
            f"{sample.streaming:,}",
            f"{self.memory_before / MEGABYTE:.0f}",
            f"{sample.memory_bytes / MEGABYTE:.0f}",
            f"{each:.1f}",
            f"{sample.cpu_us:.1f}",
            f"{sample.per_second:,.0f}",
            f"{sample.p50_ms:.2f}",
            f"{sample.p99_ms:.2f}",
            f"{sample.errors:,}",
        )
        return f"| {' | '.join(cells)} |"


@dataclass(frozen=True, slots=True)
class Report:
    """All three parts."""

    workers: Sequence[Row]
    streams: Sequence[Streams]
    names: scale_names.Report

    @property
    def figures(self) -> dict[str, object]:
        """The outcome, ready for JSON."""
        return {
            "workers": [
                {
                    "case": row.case.name,
                    "contender": row.title,
                    "cpu_us": [round(each, 3) for each in row.cpu_us],
                    "per_second": [round(each.per_second) for each in row.samples],
                    "busiest_share": [round(share, 2) for share in row.shares],
                    "problem": row.problem,
                }
                for row in self.workers
            ],
            "streams": [
                {
                    "contender": each.title,
                    "open": each.sample.streaming,
                    "mb_before": round(each.memory_before / MEGABYTE, 1),
                    "mb": round(each.sample.memory_bytes / MEGABYTE, 1),
                    "cpu_us": round(each.sample.cpu_us, 2),
                    "per_second": round(each.sample.per_second),
                }
                for each in self.streams
            ],
            "names": self.names.figures,
        }

    def text(self) -> str:
        """Return the outcome as Markdown."""
        heads = ("", "CPU µs (min-max)", "a second", "p50 ms", "p99 ms", "busiest worker", "errors")
        streams = ("", "open", "MB before", "MB", "KB each", "CPU µs per event", "events a second")
        return "\n".join(
            [
                *("### Workers, for docs/performance.md", ""),
                *(f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"),
                *(_line(row) for row in self.workers),
                *("", "### 10,000 open streams, one event a second each", ""),
                f"| {' | '.join((*streams, 'p50 ms', 'p99 ms', 'errors'))} |",
                "|---" * (len(streams) + 3) + "|",
                *(each.text() for each in self.streams),
                *("", self.names.text()),
            ]
        )


def _line(row: Row) -> str:
    title = f"{row.case.title}: {row.title}"
    if row.problem or not row.samples:
        return f"| {title} | {row.problem or 'no result'} | | | | | |"
    digits = 2 if row.case.streamed else 1
    cpu = [f"{each:,.{digits}f}" for each in (median(row.cpu_us), min(row.cpu_us), max(row.cpu_us))]
    cells = (
        title,
        f"{cpu[0]} ({cpu[1]}-{cpu[2]})",
        f"{median(each.per_second for each in row.samples):,.0f}",
        f"{median(each.p50_ms for each in row.samples):.2f}",
        f"{median(each.p99_ms for each in row.samples):.2f}",
        f"{median(row.shares):.0%}" if row.shares else "-",
        f"{sum(each.errors for each in row.samples):,}",
    )
    return f"| {' | '.join(cells)} |"


def run(tools: Tools, folder: Path) -> Report:
    """Measure all, workers and names ROUNDS times (default 5)."""
    rounds = int(os.environ.get("ROUNDS") or 5)
    streams = list(_streams(tools, folder))
    workers = _workers(tools, folder, rounds)
    return Report(workers, streams, scale_names.run(tools, folder, rounds))


@contextmanager
def _started(
    tools: Tools, folder: Path, scales: Sequence[tuple[str, Scale]]
) -> Iterator[list[tuple[str, Contender]]]:
    """Start a source and these contenders, with their titles; those that do not start are missing.

    They are paused until it is their turn.
    """
    with ExitStack() as stack:
        source = free_port()
        process = Process([str(tools.source), str(source)], LOAD_CPU, folder / "source.log")
        stack.callback(process.stop)
        if not process.wait_for_port(source, _STARTS_WITHIN):
            raise SystemExit("bench: the source does not start")
        found = []
        for name, scale in scales:
            title = f"{name}, {scale.workers} worker{'s' if scale.workers > 1 else ''}"
            own = folder / f"{name}-{scale.workers}-{scale.streams}"
            own.mkdir()
            if name == NGINX:
                contender = start_nginx(stack, tools, own, source, scale)
            else:
                config = write_gateway_config(own, source, streams=scale.streams)
                contender = start_gateway(stack, own, name, config, scale)
            if contender is not None and contender.process is not None:
                contender.process.pause()
                found.append((title, contender))
        yield found


def _workers(tools: Tools, folder: Path, rounds: int) -> list[Row]:
    chosen = cases(quick=False, named=_CASES)
    scales = [(n, Scale(workers, cpu=None)) for n in (NGINX, GATEWAY) for workers in (1, 2)]
    with _started(tools, folder, scales) as contenders:
        rows = [Row(case, title) for case in chosen for title, _ in contenders]
        by_title = dict(contenders)
        for _ in range(rounds):
            for row in rows:
                if not row.problem:
                    _sample(tools, folder, by_title[row.title], row)
    return rows


def _sample(tools: Tools, folder: Path, contender: Contender, row: Row) -> None:
    case = baseline_of(row.case) if contender.name == NGINX else row.case
    process = contender.process
    assert process is not None
    with contender.awake():
        before = process.cpu_by_process()
        try:
            sample = measure(tools, folder, contender, case, warm_up=_WARM_UP, window=_WINDOW)
        except LoadFailed as error:
            row.problem = f"failed: {error}"
            return
        row.samples.append(sample)
        spent = [now - before.get(pid, 0) for pid, now in process.cpu_by_process().items()]
        if sum(spent):
            row.shares.append(max(spent) / sum(spent))


def _streams(tools: Tools, folder: Path) -> Iterator[Streams]:
    """Open as many streams as the limit of open files allows, with one worker and with two."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    for name, workers in ((NGINX, 1), (GATEWAY, 1), (GATEWAY, 2)):
        # A stream has two sockets; workers do not get the same number of them each.
        room = (most - _OTHER_FILES) // 2 * (1 if workers == 1 else 2)
        case = Case(
            "streams",
            "streams",
            min(STREAMS, room),
            model="bench-paced-1000",
            streamed=True,
        )
        scale = replace(ONE_WORKER, workers=workers, streams=STREAMS + _OTHER_FILES)
        with _started(tools, folder, [(name, scale)]) as contenders:
            for title, contender in contenders:
                with contender.awake():
                    sample = measure(
                        tools,
                        folder,
                        contender,
                        case,
                        warm_up=_STREAMS_WARM_UP,
                        window=_STREAMS_WINDOW,
                    )
                yield Streams(title, contender.memory_after_start, sample)
