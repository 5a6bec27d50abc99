"""From samples to medians and ratios, and to what is printed."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bench.cases import MANY_STREAMS, Case, case_for
from bench.contenders import DIRECT, GATEWAY, GENERIC, LITELLM, NGINX, PORTKEY, Contender
from bench.measure import Sample

MEGABYTE = 1024 * 1024


@dataclass(slots=True)
class Results:
    """All samples, by case and contender, one per round; memory apart."""

    cases: Sequence[Case]
    contenders: Sequence[Contender]
    samples: dict[tuple[str, str], list[Sample]] = field(default_factory=dict)
    failures: dict[tuple[str, str], str] = field(default_factory=dict)
    many_streams: dict[str, Sample] = field(default_factory=dict)
    rounds: int = 0

    def add(self, case: Case, contender: str, sample: Sample) -> None:
        """Take a sample of the present round."""
        self.samples.setdefault((case.name, contender), []).append(sample)

    def cpu(self, case: str, contender: str) -> list[float]:
        """Return the processor time per unit, µs, one figure per round."""
        return [sample.cpu_us for sample in self.samples.get((case, contender), [])]

    def ratios(self, case: Case, contender: str) -> list[float]:
        """Return, per round, the processor time per unit as a multiple of nginx's."""
        baseline = self.cpu(case.name, NGINX)
        return [
            own / nginx
            for own, nginx in zip(self.cpu(case.name, contender), baseline, strict=False)
            if nginx
        ]

    def added_ms(self, case: str, contender: str) -> float:
        """Return the median latency beyond nginx's, in milliseconds."""
        own, nginx = (self._median_p50(case, name) for name in (contender, NGINX))
        return own - nginx

    def kilobytes_per_stream(self, contender: Contender) -> float:
        """Return what 1,000 open streams added to the memory, per stream."""
        sample = self.many_streams.get(contender.name)
        if sample is None or not sample.streaming:
            return math.nan
        return (sample.memory_bytes - contender.memory_after_start) / 1024 / sample.streaming

    def _median_p50(self, case: str, contender: str) -> float:
        return median([sample.p50_ms for sample in self.samples.get((case, contender), [])])


def median(values: Iterable[float]) -> float:
    """Return the median of the figures there are, else not-a-number."""
    known = [value for value in values if not math.isnan(value)]
    return statistics.median(known) if known else math.nan


def table(results: Results) -> str:
    """Return everything as Markdown tables; the first is that of docs/performance.md."""
    memory = _memory_table(results) if results.many_streams else []
    return "\n".join([*_short_table(results), *_case_tables(results), *memory])


def _short_table(results: Results) -> list[str]:
    """Return a line for each case: medians of processor time in µs, and ratios to nginx's."""
    columns = ("", GATEWAY, "of nginx", "generic path", "of nginx", NGINX, PORTKEY, LITELLM)
    lines = [
        "### All cases, for docs/performance.md: CPU µs, and p50 and p99 of the gateway in ms",
        "",
        f"| {' | '.join((*columns, 'p50', 'p99'))} |",
        "|---" * 10 + "|",
    ]
    for case in results.cases:
        cells = [case.title]
        for name in (GATEWAY, GENERIC):
            ratio = _figure(median(results.ratios(case, name)))
            cells += [_figure(median(results.cpu(case.name, name))), ratio]
        cells += [_figure(median(results.cpu(case.name, n))) for n in (NGINX, PORTKEY, LITELLM)]
        samples = [s for s in results.samples.get((case.name, GATEWAY), []) if s.units]
        cells += [_figure(median(values)) for values in _latencies(samples)]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def _case_tables(results: Results) -> list[str]:
    lines: list[str] = []
    for case in results.cases:
        unit = "event" if case.streamed else "request"
        lines += [
            f"### {case.title} (`{case.name}`)",
            "",
            f"| | CPU µs per {unit} (min-max) | of nginx | {unit}s/s | p50 ms | p99 ms | errors |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [
            _row(results, case, contender)
            for contender in results.contenders
            if contender.name in case.contenders
            # Nobody asks the source directly in a quick run.
            and (contender.process is not None or results.samples.get((case.name, contender.name)))
        ]
        lines.append("")
    return lines


def _row(results: Results, case: Case, contender: Contender) -> str:
    name = contender.name
    shown = f"{name}, passing on" if case.baseline and name == NGINX else name
    if (connections := case_for(case, name).connections) != case.connections:
        shown = f"{name}, {connections} connections"
    samples = [s for s in results.samples.get((case.name, name), []) if s.units]
    if not samples:
        reason = results.failures.get((case.name, name), "no answer within the window")
        return f"| {shown} | {reason} | | | | | |"
    costs = "-"
    if name != DIRECT:
        cpu = [cost for cost in results.cpu(case.name, name) if not math.isnan(cost)]
        costs = f"{_figure(median(cpu))} ({_figure(min(cpu))}-{_figure(max(cpu))})"
    ratio = _figure(median(results.ratios(case, name))) if name != DIRECT else "-"
    rate = f"{median(s.per_second for s in samples):,.0f}"
    p50, p99 = (_figure(median(values)) for values in _latencies(samples))
    errors = sum(sample.errors for sample in samples)
    return f"| {shown} | {costs} | {ratio} | {rate} | {p50} | {p99} | {errors} |"


def _latencies(samples: Sequence[Sample]) -> tuple[list[float], list[float]]:
    return [s.p50_ms for s in samples], [s.p99_ms for s in samples]


def _memory_table(results: Results) -> list[str]:
    lines = [
        f"### Memory, and {MANY_STREAMS.title}",
        "",
        "| | MB after start | MB with the streams | KB per stream | open | CPU µs per event |",
        "|---|---|---|---|---|---|",
    ]
    for contender in results.contenders:
        sample = results.many_streams.get(contender.name)
        if contender.process is None or contender.name not in MANY_STREAMS.contenders:
            continue
        start = contender.memory_after_start / MEGABYTE
        if sample is None:
            reason = results.failures.get((MANY_STREAMS.name, contender.name), "not measured")
            lines.append(f"| {contender.name} | {start:.0f} | {reason} | | | |")
            continue
        loaded = sample.memory_bytes / MEGABYTE
        each = results.kilobytes_per_stream(contender)
        cells = (f"{start:.0f}", f"{loaded:.0f}", f"{each:.1f}", str(sample.streaming))
        lines.append(f"| {contender.name} | {' | '.join(cells)} | {_figure(sample.cpu_us)} |")
    return lines


def summary(results: Results) -> dict[str, object]:
    """Return the figures to compare runs by, ready for JSON; ratios are multiples of nginx's."""
    names = [each.name for each in results.contenders if each.process is not None]
    ratios = {
        case.name: _known({name: median(results.ratios(case, name)) for name in names})
        for case in results.cases
    }
    cpu = {
        case.name: _known({name: median(results.cpu(case.name, name)) for name in names})
        for case in results.cases
    }
    memory = {c.name: round(c.memory_after_start / MEGABYTE, 1) for c in results.contenders}
    return {
        "rounds": results.rounds,
        "ratios": ratios,
        "cpu_us": cpu,
        "added_p50_ms_c1": _known({GATEWAY: results.added_ms("request_c1", GATEWAY)}),
        "memory_mb_after_start": {name: memory[name] for name in names},
        "kb_per_stream": _known(
            {c.name: results.kilobytes_per_stream(c) for c in results.contenders}
        ),
        "errors": {
            name: sum(
                s.errors for (_, n), all_ in results.samples.items() if n == name for s in all_
            )
            for name in names
        },
    }


def _known(figures: dict[str, float]) -> dict[str, float]:
    """Return the figures that there are, with three significant digits."""
    return {name: float(f"{f:.3g}") for name, f in figures.items() if not math.isnan(f)}


def _figure(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
