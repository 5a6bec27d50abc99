"""The growth bench: what a conversation costs as it grows, and what its size costs by itself.

In one process, without sockets: each request of an agent goes from the client's bytes to the
upstream's, as `exchange/attempt.py` has it translated; by turns with fast paths, on the generic
path, and decoded and encoded by msgspec, which changes nothing. Times are processor time.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench import plot
from bench.cases import PAIRS, Pair
from bench.conversations import small_turns
from bench.in_process import applications, attempts, rounds
from bench.results import median
from gateway.app import Application

TURNS = (1, 10, 100, 300, 1_000, 3_000)
IMAGE = Path(__file__).resolve().parents[1] / "docs" / "images" / "growth.svg"

_SECONDS = 1.0
"""So long each point is measured."""


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
    pairs = [pair for pair in PAIRS if pair.agents]
    with applications() as built:
        return Report([_point(built, pair, n, seconds) for pair in pairs for n in turns])


def _point(built: Sequence[Application], pair: Pair, turns: int, seconds: float) -> Point:
    body = small_turns(turns).body(pair.client, pair.model)
    own, generic = (attempts(each, pair, body) for each in built)

    def codec() -> object:
        return msgspec.json.encode(msgspec.json.decode(body))

    found = rounds((lambda: own, lambda: generic, lambda: codec), seconds)
    times = [statistics.median(each) / 1000 for each in zip(*found, strict=True)]
    ratios = [median(each[way] / each[2] for each in found) for way in (0, 1)]
    return Point(pair, turns, len(body), times[0], times[1], times[2], ratios[0], ratios[1])
