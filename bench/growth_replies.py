"""The growth bench's other half: what replies with tool calls cost as they grow.

Whole replies of 1 to 1,000 calls, and streams in which two calls take turns, with 20 to 20,000
deltas of arguments, each read by itself, as from a model that generates them one after the other.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from bench import call_replies
from bench.cases import PAIRS, Pair
from bench.conversations import small_turns
from bench.in_process import Variant, applications, attempts, rounds
from bench.results import median
from gateway.app import Application
from gateway.exchange.attempt import Attempt
from gateway.exchange.calls.feeding import Feeder
from gateway.exchange.reply.whole_body import whole_reply
from gateway.shapes import Shape

CALLS = (1, 10, 100, 1_000)
DELTAS = (20, 200, 2_000, 20_000)
_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Point:
    """One reply in one pair; times in µs, medians. `count`: its calls, or its deltas."""

    pair: Pair
    streamed: bool
    count: int
    own: float
    generic: float
    codec_ratio: float
    """To what msgspec takes to decode and encode the same bytes, of a stream's each event."""


@dataclass(frozen=True, slots=True)
class Report:
    """All points."""

    points: Sequence[Point]

    @property
    def figures(self) -> list[dict[str, object]]:
        """The outcome, ready for JSON."""
        return [
            {
                "pair": point.pair.title,
                "deltas" if point.streamed else "calls": point.count,
                "us": round(point.own, 1),
                "generic_us": round(point.generic, 1),
                "of_msgspec": round(point.codec_ratio, 2),
            }
            for point in self.points
        ]

    def text(self) -> str:
        """Return the outcome as Markdown tables."""
        return "\n".join(
            [
                *("### What replies with tool calls cost as they grow", ""),
                "µs per call of whole replies, and the reply as a multiple of what msgspec takes:",
                *("", *self._table("calls", streamed=False), ""),
                "µs per delta of streams, each read by itself, and as a multiple of the same:",
                *("", *self._table("deltas", streamed=True)),
            ]
        )

    def _table(self, name: str, *, streamed: bool) -> list[str]:
        points = [point for point in self.points if point.streamed is streamed]
        counts = sorted({point.count for point in points})
        heads = " | ".join(f"{count:,}" for count in counts)
        lines = [f"| {name} | {heads} |", "|---" * (len(counts) + 1) + "|"]
        for pair in dict.fromkeys(point.pair for point in points):
            own = [point for point in points if point.pair == pair]
            cells = [f"{p.own / p.count:,.1f} ({p.codec_ratio:.1f})" for p in own]
            lines.append(f"| {pair.home}→{pair.client} | {' | '.join(cells)} |")
        return lines


def run(
    calls: Sequence[int] = CALLS, deltas: Sequence[int] = DELTAS, seconds: float = _SECONDS
) -> Report:
    """Measure every pair of which agents' requests are translated."""
    pairs = [pair for pair in PAIRS if pair.agents]
    with applications() as built:
        points = [_whole(built, pair, n, seconds) for pair in pairs for n in calls]
        points += [_stream(built, pair, n, seconds) for pair in pairs for n in deltas]
    return Report(points)


def _whole(built: Sequence[Application], pair: Pair, calls: int, seconds: float) -> Point:
    request = small_turns(1).body(pair.client, pair.model)
    reply = call_replies.whole(pair.home, calls)

    def variant(application: Application) -> Variant:
        build = attempts(application, pair, request)
        return lambda: translating(build, reply)

    def codec() -> object:
        return msgspec.json.encode(msgspec.json.decode(reply))

    return _point(pair, calls, [*map(variant, built), lambda: codec], seconds, streamed=False)


def _stream(built: Sequence[Application], pair: Pair, deltas: int, seconds: float) -> Point:
    request = small_turns(1).body(pair.client, pair.model, streamed=True)
    events = call_replies.events(pair.home, deltas)
    payloads = [event.partition(b"data: ")[2] for event in events if b"data: {" in event]

    def variant(application: Application) -> Variant:
        build = attempts(application, pair, request)
        return lambda: feeding(build, pair.client, events)

    def codec() -> object:
        return [msgspec.json.encode(msgspec.json.decode(each)) for each in payloads]

    return _point(pair, deltas, [*map(variant, built), lambda: codec], seconds, streamed=True)


def _point(
    pair: Pair, count: int, variants: Sequence[Variant], seconds: float, *, streamed: bool
) -> Point:
    found = rounds(variants, seconds)
    own, generic, _ = (statistics.median(each) / 1000 for each in zip(*found, strict=True))
    ratio = median(each[0] / each[2] for each in found)
    return Point(pair, streamed, count, own, generic, ratio)


def translating(build: Callable[[], Attempt], reply: bytes) -> Callable[[], bytes]:
    """Return what translates a whole reply, as `exchange/answers.py` does, to a new request."""
    attempt = build()
    fast, translation = attempt.fast, attempt.translation
    assert translation is not None

    def run() -> bytes:
        body = None if fast is None else fast.decode_reply(reply)
        if body is not None:
            return body
        known = whole_reply(attempt.shape, reply, lambda: translation.calls[0])
        assert isinstance(known, dict), known
        return msgspec.json.encode(translation.reply([known]))

    return run


def feeding(
    build: Callable[[], Attempt], client: Shape, events: Sequence[bytes]
) -> Callable[[], bytes]:
    """Return what translates a stream, each event read by itself, of the reply to a new request."""
    attempt = build()
    assert attempt.translation is not None
    folder = attempt.translation.stream()
    feeder = Feeder(client, attempt.shape, 1, folder, fast=attempt.text_deltas)

    def run() -> bytes:
        out = [feeder.feed(0, event) for event in events]
        out.append(feeder.finish(0))
        assert feeder.done
        assert not feeder.broken
        return b"".join(out)

    return run
