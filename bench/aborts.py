"""The abort bench: clients that leave at every moment of a request, and what stays behind.

5,000 requests (ABORT_COUNT) of 1 KB to 5 MB are abandoned at random moments, by FIN, RST and
half-close, passed through, translated and uploaded. Within a moment the gateway must be as before:
no request at the source, no slot taken, no task, no descriptor, and the next request works; nor may
the bodies stay in its memory.
"""

import asyncio
import os
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from bench.contenders import write_gateway_config
from bench.departures import Clients, Departures
from bench.processes import LOAD_CPU, Process, free_port
from bench.results import MEGABYTE
from bench.tools import Tools
from bench.watching import Observed, Seen
from bench.wire import Wire

BACK_SECONDS = 2.0
"""After the last client has left, all is back within a second; as much again is the machine's."""
SPARE_OBJECTS = 5_000
"""More objects than this are a leak, fewer caches: 5,000 aborts that leak one each exceed it."""
SPARE_MEGABYTES = 20

_SETTLE_SECONDS = 45.0
_PATIENCE = 20.0
_WARM_UP = 300


@dataclass(slots=True)
class Report:
    """What was done and what stayed behind; `leaks` empty: nothing did."""

    departures: Departures
    seconds: float
    back_seconds: float
    """From the last client's leaving until nothing was under way any more."""
    before: Seen
    after: Seen
    cut_at_source: int
    leaks: list[str] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, object]:
        """The outcome, ready for JSON."""
        return {
            "aborts": self.departures.moments.total(),
            "back_seconds": round(self.back_seconds, 2),
            "leaks": self.leaks,
        }

    @property
    def _how_it_was(self) -> str:
        back = self.back_seconds < _SETTLE_SECONDS
        return "all was back" if back else "some of it was still under way"

    def text(self) -> str:
        """Return the outcome as Markdown."""
        done, before, after = self.departures, self.before, self.after
        names = ("tasks", "in_flight", "queued", "open_files", "under_way_at_source")
        looks = (before, after)
        rows: list[tuple[object, ...]] = [
            (name, *(getattr(seen, name) for seen in looks)) for name in names
        ]
        rows.append(("objects", *(sum(seen.objects.values()) for seen in looks)))
        rows.append(("memory, MB", *(seen.memory.rss // MEGABYTE for seen in looks)))
        rows.append(("… without garbage", *(seen.after_collection // MEGABYTE for seen in looks)))
        rows.append(("… and trimmed", *(seen.after_trim // MEGABYTE for seen in looks)))
        what = f"{done.moments.total():,} aborted requests, {done.bytes_sent / 1e9:.1f} GB"
        left = [f"Left {_counts(done.moments)}", f"by {_counts(done.manners)}"]
        left.append(f"at {_counts(done.paths)}")
        return "\n".join(
            [
                f"### {what}, in {self.seconds:.0f} s",
                "",
                f"{'; '.join(left)}. The source saw {self.cut_at_source:,} replies cut off.",
                "",
                f"{self.back_seconds:.2f} s after the last client had left, {self._how_it_was}.",
                "",
                "| | before | after |",
                "|---|---|---|",
                *(f"| {name} | {before:,} | {after:,} |" for name, before, after in rows),
                "",
                f"Left behind: {'; '.join(self.leaks) or 'nothing'}.",
            ]
        )


def run(tools: Tools, folder: Path) -> Report:
    """Run the abort bench against a gateway of its own."""
    seed = int(os.environ.get("SEED") or time.time())
    count = int(os.environ.get("ABORT_COUNT") or 5_000)
    print(f"abort bench: SEED={seed}", file=sys.stderr)
    with ExitStack() as stack:
        source_port = free_port()
        source = Process([str(tools.source), str(source_port)], LOAD_CPU, folder / "source.log")
        stack.callback(source.stop)
        source.wait_for_port(source_port, 10)
        config = write_gateway_config(folder, source_port, narrow=True)
        gateway = Observed(folder, config, source_port, stack)
        return _run(gateway, Clients(gateway.port, Random(seed)), count)


def _run(gateway: Observed, clients: Clients, count: int) -> Report:
    # Some first, uncounted: what is imported and cached meanwhile is not a leak.
    clients.run(_WARM_UP)
    gateway.settle(None, _SETTLE_SECONDS)
    gateway.rest(_PATIENCE)
    before = gateway.look(collect=True)
    cut_before = gateway.source_stats()["cut"]
    began = time.monotonic()
    done = clients.run(count)
    seconds = time.monotonic() - began
    gateway.settle(before, _SETTLE_SECONDS)
    back_seconds = time.monotonic() - done.last
    gateway.rest(_PATIENCE)
    after = gateway.look(collect=True)
    cut = gateway.source_stats()["cut"] - cut_before
    report = Report(done, seconds, back_seconds, before, after, cut)
    report.leaks = [*_leaks(report), *_next_request(gateway.port, clients.whole_requests())]
    return report


def _next_request(port: int, requests: list[bytes]) -> list[str]:
    """Return what is wrong with the requests that follow, one of each sort."""

    async def replies() -> Counter[int]:
        found: Counter[int] = Counter()
        async with asyncio.timeout(_PATIENCE):
            for request in requests:
                wire = await Wire.open(port)
                await wire.write(request)
                found[(await wire.reply()).status] += 1
                await wire.leave()
        return found

    try:
        statuses = asyncio.run(replies())
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        return [f"the next request fails: {error!r}"]
    return [f"the next request gets {status}" for status in statuses if status != 200]


def _leaks(report: Report) -> list[str]:
    before, after, done = report.before, report.after, report.departures
    leaks = [
        f"{getattr(after, name)} {name}"
        for name in ("in_flight", "queued", "under_way_at_source")
        if getattr(after, name)
    ]
    leaks += [
        f"{getattr(after, name) - getattr(before, name)} more {name}"
        for name in ("tasks", "busy_files")
        if getattr(after, name) > getattr(before, name)
    ]
    if report.back_seconds > BACK_SECONDS:
        leaks.append(f"not back within {BACK_SECONDS:g} s")
    if done.still_open:
        leaks.append(f"{done.still_open} half-closed connections not closed within a second")
    if done.vain:
        leaks.append(f"no reply for those that left {_counts(done.vain)}")
    megabytes = (after.memory.rss - before.memory.rss) / MEGABYTE
    if megabytes > SPARE_MEGABYTES:
        leaks.append(f"{megabytes:.0f} MB more memory")
    more = Counter(after.objects)
    more.subtract(before.objects)
    if more.total() > SPARE_OBJECTS:
        most = ", ".join(f"{count:,} {name}" for name, count in more.most_common(8))
        leaks.append(f"{more.total():,} more objects: {most}")
    return leaks


def _counts(counted: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counted.items()))
