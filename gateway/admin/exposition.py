"""From the counts to Prometheus' text format. Loaded when somebody asks for the metrics."""

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from gateway.admin.metrics import BUCKETS, Metrics

CONTENT_TYPE = CONTENT_TYPE_LATEST

_BOUNDS = [*map(floatToGoString, BUCKETS), "+Inf"]


def exposition(metrics: Metrics) -> bytes:
    """Return all that was counted so far, for Prometheus to scrape."""
    registry = CollectorRegistry()
    registry.register(_Families(metrics))
    return generate_latest(registry)


class _Families(Collector):
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "gateway_requests",
            "Requests that have ended, by where they came in, where they went, and how they ended.",
            labels=("upstream", "client_shape", "home_shape", "outcome", "resolved_by"),
        )
        for labels, count in self._metrics.requests.items():
            requests.add_metric(labels, count)
        yield requests
        retries = CounterMetricFamily(
            "gateway_retries",
            "Upstream attempts beyond the first: wrong endpoints and parameters that were mended.",
            labels=("upstream",),
        )
        for upstream, count in self._metrics.retries.items():
            retries.add_metric((upstream,), count)
        yield retries
        yield self._seconds()

    def _seconds(self) -> Metric:
        family = HistogramMetricFamily(
            "gateway_request_seconds",
            "Time from a request's first byte to its reply's last.",
            labels=("client_shape", "outcome"),
        )
        for labels, times in self._metrics.times.items():
            buckets = list(zip(_BOUNDS, map(float, accumulate(times.counts)), strict=True))
            family.add_metric(labels, buckets, times.seconds)
        return family
