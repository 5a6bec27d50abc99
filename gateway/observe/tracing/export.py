"""Exports finished spans in batches, in a thread of its own.

The request's path only appends to a list. While the collector does not take spans, they wait up to
a limit and are dropped beyond it; a warning says so once a minute.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from gateway.log_interval import LogInterval
from gateway.observe.tracing.attributes import Span, spans_of
from gateway.observe.tracing.spans import RequestSpan

MAX_WAITING = 8192
"""Spans that wait for export; further ones are dropped."""
BATCH = 256
"""The number of spans that are exported together; those of a request are never divided."""
INTERVAL = 2.0
"""Seconds until an incomplete batch is exported."""
FLUSH_SECONDS = 2.0
"""How long the gateway waits at its end for the export of finished spans."""

log = logging.getLogger("gateway")


class Collector(Protocol):
    """Where spans are exported to. Both methods may be called in different threads."""

    endpoint: str

    def export(self, spans: Sequence[Span]) -> str:
        """Export spans; return why they were not taken, or an empty text. Blocks."""

    def close(self) -> None:
        """Close it; an export in progress does not try again."""


class Exporting:
    """The queue to a collector. `clock` returns monotonic seconds.

    The thread starts with the first span, so that processes can fork before.
    """

    def __init__(self, collector: Collector, clock: Callable[[], float] = time.monotonic) -> None:
        self._collector = collector
        self._clock = clock
        self._requests: deque[RequestSpan] = deque()
        self._waiting = 0
        self._exported = 0
        """How many spans are being exported."""
        self._lost = 0
        self._problem = ""
        self._lock = threading.Lock()
        """Held for the counters: never while something is exported."""
        self._warnings = LogInterval()
        self._wake = threading.Event()
        self._is_closing = False
        self._is_closed = False
        self._thread: threading.Thread | None = None

    def put(self, request: RequestSpan) -> None:
        """Take one request, which has ended. Blocks for no longer than a counter takes."""
        with self._lock:
            if self._is_closing or self._waiting + request.size > MAX_WAITING:
                self._lost += request.size
                return
            self._waiting += request.size
            self._requests.append(request)
            is_batch = self._waiting >= BATCH
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="traces", daemon=True)
            self._thread.start()
        if is_batch:
            self._wake.set()

    async def aclose(self) -> None:
        """Export what waits, for `FLUSH_SECONDS` at most, and close the collector.

        Spans that could not be exported are logged, with those lost since the last warning.
        """
        with self._lock:
            self._is_closing = True
        self._wake.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, FLUSH_SECONDS)
        with self._lock:
            self._is_closed = True
            lost = self._lost + self._waiting + self._exported
        if lost:
            self._warn(
                lost, self._problem or f"it accepted none for {FLUSH_SECONDS:g} s at the end"
            )
        self._collector.close()

    def _run(self) -> None:
        is_last = False
        while not is_last:
            self._wake.wait(INTERVAL)
            self._wake.clear()
            # Read before the queue: what was put before the end is exported.
            is_last = self._is_closing
            while batch := self._next():
                self._export(batch)

    def _next(self) -> list[Span]:
        """Return the next spans to export."""
        batch: list[Span] = []
        while self._requests and len(batch) < BATCH:
            batch += spans_of(self._requests.popleft())
        with self._lock:
            self._waiting -= len(batch)
            self._exported = len(batch)
        return batch

    def _export(self, batch: Sequence[Span]) -> None:
        problem = self._collector.export(batch)
        with self._lock:
            self._exported = 0
            if problem:
                self._lost += len(batch)
                self._problem = problem
            lost = self._lost
            if self._is_closed or not lost or self._warnings.next_line(self._clock()) is None:
                return
            self._lost = 0
        self._warn(lost, problem or "it accepts them too slowly")

    def _warn(self, lost: int, reason: str) -> None:
        log.warning(
            "tracing: %d spans are lost: the collector at %s does not accept them: %s",
            lost,
            self._collector.endpoint,
            reason,
            extra={"fields": {"collector": self._collector.endpoint, "lost": lost}},
        )
