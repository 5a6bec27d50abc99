"""Counters for operators, in Prometheus' format.

Label values come from the configuration and from closed sets only: a client that invents model
names or paths cannot make new series.
"""

from bisect import bisect_left
from collections import defaultdict

from gateway.exchange.message import Decision
from gateway.resolve.evidence import Source
from gateway.shapes import Shape

BUCKETS = (0.005, 0.02, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds of the histogram of seconds; the last bucket has none."""

_SHAPES = frozenset(Shape)
_SOURCES = frozenset(Source)


class Times:
    """How many requests of one kind took how long."""

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        """Per bucket, not cumulated."""
        self.seconds = 0.0


class Metrics:
    """The observer of finished requests.

    Counts in plain numbers, which become Prometheus' families when somebody asks for them: a
    request costs a third of what the library's own counters and their locks would.
    """

    def __init__(self, upstreams: frozenset[str]) -> None:
        self._upstreams = upstreams
        self.requests: defaultdict[tuple[str, ...], int] = defaultdict(int)
        """By upstream, client's shape, home shape, outcome and source."""
        self.retries: defaultdict[str, int] = defaultdict(int)
        self.times: defaultdict[tuple[str, str], Times] = defaultdict(Times)

    def finished(self, decision: Decision, client: str, outcome: str, seconds: float) -> None:
        """Count one request."""
        upstream = decision.upstream if decision.upstream in self._upstreams else "none"
        shape = client if client in _SHAPES else "other"
        source = decision.resolved_by if decision.resolved_by in _SOURCES else "none"
        self.requests[upstream, shape, decision.shape or "none", outcome, source] += 1
        times = self.times[shape, outcome]
        times.counts[bisect_left(BUCKETS, seconds)] += 1
        times.seconds += seconds
        if decision.attempts > 1:
            self.retries[upstream] += decision.attempts - 1

    def text(self) -> bytes:
        """Return the exposition."""
        # Prometheus' library takes memory that only those who look need to spend.
        from gateway.admin.exposition import exposition

        return exposition(self)
