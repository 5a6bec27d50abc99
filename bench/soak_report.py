"""What the soak saw over its time, and whether anything is broken."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.results import MEGABYTE
from bench.soak_ledger import Ledger
from bench.watching import Seen

GROWTH_MEGABYTES = 20.0
"""At rest in the end, the gateway may take so much more than at rest after a tenth of the time."""
RISE_MEGABYTES = 10.0
"""So much may a straight line through the second half's samples rise, beyond twice its error."""

_SHOWN_SAMPLES = 30
_SHOWN_FAILURES = 20
_FEWEST_SAMPLES = 8


@dataclass(frozen=True, slots=True)
class Sample:
    """A look at the gateway under load, or at rest."""

    at: float
    """Seconds since the start."""
    requests: int
    seen: Seen
    resting: bool = False


@dataclass(slots=True)
class Report:
    """The soak's outcome; `broken` empty: nothing is."""

    seconds: float
    ledger: Ledger
    samples: list[Sample] = field(default_factory=list)
    log: str = ""
    gateway_alive: bool = True
    final: Seen | None = None
    """After everything, with a collection of garbage: what memory is there for."""
    back_seconds: list[float] = field(default_factory=list)
    """How long it took at each rest until nothing was under way."""

    @property
    def broken(self) -> list[str]:
        """Return what is wrong, a line each."""
        failed = self.ledger.failed
        found = [f"{count} of kind '{kind}' failed" for kind, count in sorted(failed.items())]
        if tracebacks := self.log.count("Traceback (most recent call last)"):
            found.append(f"{tracebacks} tracebacks in the gateway's log")
        if not self.gateway_alive:
            found.append("the gateway has ended")
        return [*found, *_left_behind(self._rests()), *_memory(self._rests(), self._second_half())]

    @property
    def figures(self) -> dict[str, object]:
        """The outcome, ready for JSON."""
        rss = [sample.seen.memory.rss / MEGABYTE for sample in self.samples]
        return {
            "seconds": round(self.seconds),
            "requests": self.ledger.requests,
            "failed": dict(self.ledger.failed),
            "rss_mb_first_most_last": [round(rss[0]), round(max(rss)), round(rss[-1])],
            "broken": self.broken,
        }

    def text(self) -> str:
        """Return the outcome as Markdown."""
        ledger = self.ledger
        counts = [
            f"| {kind} | {count:,} | {ledger.failed[kind]:,} | {ledger.slowest[kind]:.2f} |"
            for kind, count in sorted(ledger.counts.items())
        ]
        outcomes = ", ".join(f"{count:,} {what}" for what, count in sorted(ledger.faults.items()))
        shown = ledger.failures[:_SHOWN_FAILURES]
        failures = [f"- {failure.text()}" for failure in shown]
        rise, error = _rise(self._second_half())
        back = ", ".join(f"{seconds:.2f}" for seconds in self.back_seconds)
        return "\n".join(
            [
                f"### Soak: {ledger.requests:,} requests in {self.seconds:.0f} s",
                "",
                *("| kind | requests | failed | slowest, s |", "|---|---|---|---|", *counts),
                "",
                f"The upstream's faults became: {outcomes}.",
                "",
                *_table(self.samples),
                "",
                f"Memory in the second half: {rise:+.1f} MB (± {2 * error:.1f}). {self._kept()}",
                f"At each rest, nothing was under way after {back} s.",
                "",
                *(("Failures:", *failures, "") if failures else ()),
                *_first_traceback(self.log),
                f"Broken: {'; '.join(self.broken) or 'nothing'}.",
            ]
        )

    def _kept(self) -> str:
        if self.final is None:
            return ""
        sizes = (self.final.memory.rss, self.final.after_collection, self.final.after_trim)
        rss, collected, trimmed = (size / MEGABYTE for size in sizes)
        return (
            f"In the end {rss:.1f} MB; {collected:.1f} after a collection of garbage, "
            f"{trimmed:.1f} after the allocator gave back what it held free."
        )

    def _rests(self) -> list[Sample]:
        return [sample for sample in self.samples if sample.resting]

    def _second_half(self) -> list[Sample]:
        return [s for s in self.samples if s.at > self.seconds / 2 and not s.resting]


def _left_behind(rests: Sequence[Sample]) -> list[str]:
    if len(rests) < 2:
        return ["there were not two rests to compare"]
    before, after = rests[0].seen, rests[-1].seen
    names = ("in_flight", "queued", "under_way_at_source")
    found = [f"{getattr(after, name)} {name} in the end" for name in names if getattr(after, name)]
    for name in ("tasks", "busy_files"):
        more = getattr(after, name) - getattr(before, name)
        if more > 0:
            found.append(f"{more} more {name} in the end")
    return found


def _memory(rests: Sequence[Sample], second_half: Sequence[Sample]) -> list[str]:
    found = []
    if len(rests) >= 2:
        growth = (rests[-1].seen.memory.rss - rests[0].seen.memory.rss) / MEGABYTE
        if growth > GROWTH_MEGABYTES:
            found.append(f"memory at rest grew by {growth:.0f} MB")
    rise, error = _rise(second_half)
    if rise - 2 * error > RISE_MEGABYTES:
        found.append(f"memory rises: {rise:.0f} MB (± {2 * error:.0f}) in the second half")
    return found


def _rise(samples: Sequence[Sample]) -> tuple[float, float]:
    """Return how many megabytes a straight line through the samples rises, and its error."""
    if len(samples) < _FEWEST_SAMPLES:
        return 0.0, 0.0
    times = [sample.at for sample in samples]
    sizes = [sample.seen.memory.rss / MEGABYTE for sample in samples]
    slope, intercept = statistics.linear_regression(times, sizes)
    middle = statistics.fmean(times)
    spread = sum((time - middle) ** 2 for time in times)
    left = sum(
        (size - slope * time - intercept) ** 2 for time, size in zip(times, sizes, strict=True)
    )
    length = times[-1] - times[0]
    return slope * length, math.sqrt(left / (len(samples) - 2) / spread) * length


def _table(samples: Sequence[Sample]) -> list[str]:
    step = max(1, math.ceil(len(samples) / _SHOWN_SAMPLES))
    shown = [s for number, s in enumerate(samples) if s.resting or number % step == 0]
    rows = []
    for sample in shown:
        seen, memory = sample.seen, sample.seen.memory
        sizes = " | ".join(f"{x / MEGABYTE:.1f}" for x in (memory.rss, memory.pss, memory.uss))
        rows.append(
            f"| {sample.at:.0f}{' at rest' if sample.resting else ''} | {sample.requests:,} | "
            f"{sizes} | {seen.open_files} | {seen.tasks} | {seen.in_flight} | {seen.queued} | "
            f"{seen.idle} |"
        )
    names = "s | requests | RSS, MB | PSS | USS | files | tasks | in flight | queued | idle"
    return [f"| {names} |", "|---" * (names.count("|") + 1) + "|", *rows]


def _first_traceback(log: str) -> list[str]:
    _, found, rest = log.partition("Traceback (most recent call last)")
    return ["The first traceback:", "```", found + rest[:4000], "```", ""] if found else []
