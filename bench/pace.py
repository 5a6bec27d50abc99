"""The pace bench: what streams feel of large requests beside them.

32 streams bring an event every 10 ms each. How long events take from the upstream to the client is
measured with nothing beside them, and beside a client that sends a conversation of 3 MB each
second: passed on, and translated in every pair. The first rows, with nginx in the gateway's place,
say what of it is the machine's.
"""

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.cases import PAIRS, Case
from bench.contenders import GATEWAY, NGINX, Contender, running
from bench.conversations import small_turns
from bench.measure import LoadFailed, Sample, load_command, measure
from bench.processes import LOAD_CPU, Process
from bench.results import median
from bench.tools import Tools

CONVERSATION = small_turns(5_500)
"""3 MB."""

_STREAMS = Case("streams", "streams", 32, model="bench-paced-10", streamed=True)
_WARM_UP, _WINDOW = 1.0, 5.0
_SETTLE_SECONDS = 5.0
_SECOND_US = 1_000_000


@dataclass(slots=True)
class Row:
    """What was measured beside one thing, one sample a round."""

    title: str
    contender: str
    large: Case | None
    """The conversation; None: nothing is beside the streams."""
    streams: list[Sample] = field(default_factory=list)
    large_replies: int = 0
    large_ms: list[float] = field(default_factory=list)
    """The medians of what a conversation took, one a round."""
    errors: int = 0
    problem: str = ""

    def rises_ms(self, alone: "Row") -> list[float]:
        """Return by how much the p99 is above that of the streams alone, a round each."""
        pairs = zip(self.streams, alone.streams, strict=False)
        return [beside.p99_ms - without.p99_ms for beside, without in pairs]


@dataclass(frozen=True, slots=True)
class Report:
    """All rows; those of one contender begin with its streams alone."""

    rows: Sequence[Row]

    @property
    def figures(self) -> list[dict[str, object]]:
        """The outcome, ready for JSON."""
        return [
            {
                "contender": row.contender,
                "beside": row.title,
                "p50_ms": _rounded(sample.p50_ms for sample in row.streams),
                "p99_ms": _rounded(sample.p99_ms for sample in row.streams),
                "p999_ms": _rounded(sample.p999_ms for sample in row.streams),
                "p99_rise_ms": _rounded(row.rises_ms(self._alone(row))),
                "large_ms": _rounded(row.large_ms),
                "large": row.large_replies,
                "errors": row.errors,
                "problem": row.problem,
            }
            for row in self.rows
        ]

    def text(self) -> str:
        """Return the outcome as Markdown."""
        names = ("32 streams beside", "p50 ms", "p99", "p99.9", "p99 rises by (min-max)")
        heads = (*names, "3 MB requests", "ms each", "errors")
        return "\n".join(
            [
                "### Streams beside a conversation of 3 MB each second, for docs/performance.md",
                "",
                f"| {' | '.join(heads)} |",
                "|---" * len(heads) + "|",
                *(self._line(row) for row in self.rows),
            ]
        )

    def _line(self, row: Row) -> str:
        title = f"{row.contender}: {row.title}"
        if row.problem or not row.streams:
            return f"| {title} | {row.problem or 'no result'} | | | | | | |"
        rises = row.rises_ms(self._alone(row))
        risen = f"{median(rises):.2f} ({min(rises):.2f} to {max(rises):.2f})" if row.large else "-"
        cells = (
            title,
            f"{median(each.p50_ms for each in row.streams):.2f}",
            f"{median(each.p99_ms for each in row.streams):.2f}",
            f"{median(each.p999_ms for each in row.streams):.2f}",
            risen,
            f"{row.large_replies:,}" if row.large else "-",
            f"{median(row.large_ms):.0f}" if row.large else "-",
            f"{row.errors + sum(each.errors for each in row.streams):,}",
        )
        return f"| {' | '.join(cells)} |"

    def _alone(self, row: Row) -> Row:
        return next(each for each in self.rows if each.contender == row.contender)


def rows() -> list[Row]:
    """Return the rows to measure, without a figure yet."""
    passed = Case("large", "passed on", 1, conversation=CONVERSATION, pace_us=_SECOND_US)
    found = [
        Row(title, contender, large)
        for contender in (NGINX, GATEWAY)
        for title, large in (("nothing", None), ("3 MB passed on", passed))
    ]
    for pair in PAIRS:
        if pair.agents:
            large = Case(
                "large",
                pair.title,
                1,
                client=pair.client,
                model=pair.model,
                conversation=CONVERSATION,
                pace_us=_SECOND_US,
            )
            found.append(Row(pair.title, GATEWAY, large))
    return found


def run(tools: Tools, folder: Path) -> Report:
    """Measure every row, ROUNDS times (default 5)."""
    found = rows()
    with running(tools, folder) as contenders:
        by_name = {contender.name: contender for contender in contenders}
        for contender in contenders:
            if contender.process is not None:
                contender.process.pause()
        for _ in range(int(os.environ.get("ROUNDS") or 5)):
            for row in found:
                if row.contender not in by_name:
                    row.problem = "not here"
                elif not row.problem:
                    _measure(tools, folder, by_name[row.contender], row)
    return Report(found)


def _measure(tools: Tools, folder: Path, contender: Contender, row: Row) -> None:
    # The load that measures events, whatever else there is.
    load = Tools(source=tools.source, load=tools.load)
    assert contender.process is not None
    with contender.awake(), ExitStack() as stack:
        contender.process.rest(_SETTLE_SECONDS)
        large = None
        if row.large is not None:
            seconds = _WARM_UP + _WINDOW
            command = load_command(load, folder, contender, row.large, 0.0, seconds)
            large = Process(command, LOAD_CPU, folder / "large.log")
            stack.callback(large.stop)
            # What it does itself must not look like the contender's doing.
            os.sched_setscheduler(large.pid, os.SCHED_IDLE, os.sched_param(0))
        try:
            sample = measure(load, folder, contender, _STREAMS, warm_up=_WARM_UP, window=_WINDOW)
            row.streams.append(sample)
            if large is not None:
                _take(row, large)
        except LoadFailed as error:
            row.problem = f"failed: {error}"


def _take(row: Row, large: Process) -> None:
    if not large.wait(_SETTLE_SECONDS):
        raise LoadFailed("the conversation's client does not end")
    result = json.loads(large.log.read_text().rpartition("measuring")[2])
    row.large_replies += result["replies"]
    row.errors += result["errors"]
    row.large_ms.append(result["p50_us"] / 1000)


def _rounded(values: Iterable[float]) -> list[float]:
    return [round(value, 3) for value in values]
