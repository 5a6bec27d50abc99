"""The growth bench: what a conversation costs as it grows, and what its size costs by itself.

In one process, without sockets: each request of an agent goes from the client's bytes to the
upstream's, as `exchange/attempt.py` has it translated; by turns with fast paths, on the generic
path, and decoded and encoded by msgspec, which changes nothing. Times are processor time.
"""

import asyncio
import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench import plot
from bench.cases import PAIRS, Pair
from bench.contenders import write_gateway_config
from bench.conversations import small_turns
from bench.results import median
from gateway import app
from gateway.app import Application
from gateway.config.load import load
from gateway.request import GenerationRequest

TURNS = (1, 10, 100, 300, 1_000, 3_000)
IMAGE = Path(__file__).resolve().parents[1] / "docs" / "images" / "growth.svg"

_SECONDS = 1.0
"""So long each point is measured, but at least and at most so many times."""
_LEAST, _MOST = 5, 200
_COLLECTOR_THRESHOLDS = (20_000, 50, 100)
"""Those that `gateway/process.py` sets: a collection within a translation is part of its cost."""


@dataclass(frozen=True, slots=True)
class Point:
    """One conversation in one pair; times in µs, medians; ratios of the same round, medians."""

    pair: Pair
    turns: int
    size: int
    """Bytes of the client's request."""
    own: float
    generic: float
    codec: float
    """msgspec's, which decodes and encodes the client's request."""
    own_ratio: float
    generic_ratio: float

    @property
    def ns_per_byte(self) -> float:
        """What a byte of the request costs, in ns."""
        return self.own * 1000 / self.size


@dataclass(frozen=True, slots=True)
class Report:
    """All points, by pair and turns."""

    points: Sequence[Point]

    @property
    def figures(self) -> list[dict[str, object]]:
        """The outcome, ready for JSON."""
        return [
            {
                "pair": point.pair.title,
                "turns": point.turns,
                "bytes": point.size,
                "us": round(point.own, 1),
                "ns_per_byte": round(point.ns_per_byte, 2),
                "of_msgspec": round(point.own_ratio, 2),
                "generic_us": round(point.generic, 1),
                "generic_of_msgspec": round(point.generic_ratio, 2),
                "msgspec_us": round(point.codec, 1),
            }
            for point in self.points
        ]

    def text(self) -> str:
        """Return the outcome as Markdown tables."""
        own = self._table(lambda p: f"{p.own:,.0f} ({p.own_ratio:.1f})")
        per_byte = self._table(lambda p: f"{p.ns_per_byte:.1f}")
        generic = self._table(lambda p: f"{p.generic:,.0f} ({p.generic_ratio:.1f})")
        said = "as a multiple of what msgspec takes to decode and encode it:"
        return "\n".join(
            [
                *("### What a conversation costs as it grows, for docs/performance.md", ""),
                *(f"µs per request, and {said}", "", *own, ""),
                *("ns per byte:", "", *per_byte, ""),
                *(f"The generic path, µs per request, and {said}", "", *generic),
            ]
        )

    def _table(self, cell: Callable[[Point], str]) -> list[str]:
        turns = sorted({point.turns for point in self.points})
        sizes = {point.turns: point.size for point in self.points if point.pair == self._pairs[0]}
        heads = (f"{count:,} ({sizes[count] / 1000:,.0f} KB)" for count in turns)
        lines = [f"| turns | {' | '.join(heads)} |", "|---" * (len(turns) + 1) + "|"]
        for pair in self._pairs:
            cells = (cell(point) for point in self.points if point.pair == pair)
            lines.append(f"| {pair.title} | {' | '.join(cells)} |")
        return lines

    @property
    def _pairs(self) -> list[Pair]:
        return list(dict.fromkeys(point.pair for point in self.points))

    def image(self) -> str:
        """Return the curves as SVG."""
        costs, by_size = [], []
        for pair, colour in zip(self._pairs, plot.COLOURS, strict=False):
            points = [point for point in self.points if point.pair == pair]
            costs.append(plot.Series(pair.title, [(p.turns, p.own) for p in points], colour))
            per_byte = [(p.turns, p.ns_per_byte) for p in points]
            by_size.append(plot.Series(pair.title, per_byte, colour))
        first = [point for point in self.points if point.pair == self._pairs[0]]
        name = f"msgspec decodes and encodes ({self._pairs[0].client})"
        codec = [(p.turns, p.codec) for p in first]
        costs.append(plot.Series(name, codec, plot.GREY, dashed=True))
        codec = [(p.turns, p.codec * 1000 / p.size) for p in first]
        by_size.append(plot.Series(name, codec, plot.GREY, dashed=True))
        charts = [
            plot.Chart("µs of processor time per request", "turns", costs),
            plot.Chart("ns of processor time per byte", "turns", by_size),
        ]
        return plot.svg("What translating a conversation costs, from 1 to 3,000 turns", charts)


def run(turns: Sequence[int] = TURNS, seconds: float = _SECONDS) -> Report:
    """Measure every pair of which agents' requests are translated."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        applications = [_application(Path(name), fast_paths=fast) for fast in (True, False)]
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTOR_THRESHOLDS)
    try:
        pairs = [pair for pair in PAIRS if pair.agents]
        points = [_point(applications, pair, count, seconds) for pair in pairs for count in turns]
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
        for application in applications:
            asyncio.run(application.aclose())
    return Report(points)


def _application(folder: Path, *, fast_paths: bool) -> Application:
    nowhere = 9
    config = write_gateway_config(folder, nowhere, fast_paths=fast_paths)
    return app.build(load(config, {}))


def _point(applications: Sequence[Application], pair: Pair, turns: int, seconds: float) -> Point:
    model = f"bench-{pair.home}"
    body = small_turns(turns).body(pair.client, model)
    own, generic = (_translation(each, pair, model, body) for each in applications)

    def codec() -> object:
        return msgspec.json.encode(msgspec.json.decode(body))

    rounds = _rounds((own, generic, codec), seconds)
    times = [statistics.median(each) / 1000 for each in zip(*rounds, strict=True)]
    ratios = [median(each[way] / each[2] for each in rounds) for way in (0, 1)]
    return Point(pair, turns, len(body), times[0], times[1], times[2], ratios[0], ratios[1])


def _translation(
    application: Application, pair: Pair, model: str, body: bytes
) -> Callable[[], object]:
    kind = application.settings.upstreams[0].kind
    route = application.resolver.assumed(model, pair.home, kind)
    attempts = application.attempts

    def translate() -> object:
        # As new, for each time: what is read of a request is kept in it.
        call = GenerationRequest.at(pair.client, body)
        return attempts.build(call, route, pair.home, ()).calls

    return translate


def _rounds(variants: Sequence[Callable[[], object]], seconds: float) -> list[tuple[int, ...]]:
    """Return the times of all variants in ns, one after the other, round by round."""
    for variant in variants:
        variant()
    until = time.monotonic() + seconds
    rounds: list[tuple[int, ...]] = []
    while len(rounds) < _LEAST or (len(rounds) < _MOST and time.monotonic() < until):
        rounds.append(tuple(_nanoseconds(variant) for variant in variants))
    return rounds


def _nanoseconds(variant: Callable[[], object]) -> int:
    began = time.process_time_ns()
    variant()
    return time.process_time_ns() - began
