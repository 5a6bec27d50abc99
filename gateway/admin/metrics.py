"""Counters for operators, in Prometheus' format.

Label values come from the configuration and from closed sets only: a client that invents model
names or paths cannot make new series.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from gateway.exchange.message import Decision
from gateway.resolve.evidence import Source
from gateway.shapes import Shape

CONTENT_TYPE = CONTENT_TYPE_LATEST

_BUCKETS = (0.005, 0.02, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
_BOUNDS = [*map(floatToGoString, _BUCKETS), "+Inf"]
_SHAPES = frozenset(Shape)
_SOURCES = frozenset(Source)


class _Times:
    """How many requests of one kind took how long."""

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * len(_BOUNDS)
        """Per bucket, not cumulated; the last one has no bound."""
        self.seconds = 0.0


class Metrics(Collector):
    """The observer of finished requests.

    Counts in plain numbers, which become Prometheus' families when somebody asks for them: a
    request costs a tenth of what the library's own counters and their locks would.
    """

    def __init__(self, upstreams: frozenset[str]) -> None:
        self._upstreams = upstreams
        self._requests: defaultdict[tuple[str, ...], int] = defaultdict(int)
        self._retries: defaultdict[str, int] = defaultdict(int)
        self._times: defaultdict[tuple[str, str], _Times] = defaultdict(_Times)
        self.registry = CollectorRegistry()
        self.registry.register(self)

    def finished(self, decision: Decision, client: str, outcome: str, seconds: float) -> None:
        """Count one request."""
        upstream = decision.upstream if decision.upstream in self._upstreams else "none"
        shape = client if client in _SHAPES else "other"
        source = decision.resolved_by if decision.resolved_by in _SOURCES else "none"
        self._requests[upstream, shape, decision.shape or "none", outcome, source] += 1
        times = self._times[shape, outcome]
        times.counts[bisect_left(_BUCKETS, seconds)] += 1
        times.seconds += seconds
        if decision.attempts > 1:
            self._retries[upstream] += decision.attempts - 1

    def collect(self) -> Iterator[Metric]:
        """Yield the families (called by the registry)."""
        requests = CounterMetricFamily(
            "gateway_requests",
            "Requests that have ended, by where they came in, where they went, and how they ended.",
            labels=("upstream", "client_shape", "home_shape", "outcome", "resolved_by"),
        )
        for labels, count in self._requests.items():
            requests.add_metric(labels, count)
        yield requests
        retries = CounterMetricFamily(
            "gateway_retries",
            "Upstream attempts beyond the first: wrong endpoints and parameters that were mended.",
            labels=("upstream",),
        )
        for upstream, count in self._retries.items():
            retries.add_metric((upstream,), count)
        yield retries
        yield self._seconds()

    def text(self) -> bytes:
        """Return the exposition."""
        return generate_latest(self.registry)

    def _seconds(self) -> Metric:
        family = HistogramMetricFamily(
            "gateway_request_seconds",
            "Time from a request's first byte to its reply's last.",
            labels=("client_shape", "outcome"),
        )
        for labels, times in self._times.items():
            buckets = list(zip(_BOUNDS, map(float, accumulate(times.counts)), strict=True))
            family.add_metric(labels, buckets, times.seconds)
        return family
