"""From the counters to Prometheus' text format. Loaded at the first request for the metrics."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from gateway import __version__
from gateway.admin.counters.metrics import BUCKETS, REQUEST_LABELS, Metrics, Times
from gateway.admin.counters.sums import Family, Sample
from gateway.observe.outcomes import Outcome

CONTENT_TYPE = CONTENT_TYPE_LATEST

_process = ProcessCollector(registry=None)
_BOUNDS = [*map(floatToGoString, BUCKETS), "+Inf"]


def exposition(families: Sequence[Family]) -> bytes:
    """Return the metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Written(families))
    return generate_latest(registry)


def families(metrics: Metrics) -> list[Family]:
    """Return what this process has counted."""
    return [
        Family(
            found.name,
            found.documentation,
            found.type,
            [Sample(each.name, each.labels, float(each.value)) for each in found.samples],
        )
        for found in _Families(metrics).collect()
    ]


class _Written(Collector):
    """Gives the library the families as its own."""

    def __init__(self, families: Sequence[Family]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        for family in self._families:
            metric = Metric(family.name, family.documentation, family.type)
            for sample in family.samples:
                metric.add_sample(*sample)
            yield metric


class _Families:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._counters()
        yield from self._reloads()
        for name, what, times in (
            ("gateway_request_seconds", "last", self._metrics.times),
            ("gateway_time_to_first_byte_seconds", "first", self._metrics.first_bytes),
        ):
            yield _histogram(name, f"Time from a request's head to its reply's {what} byte.", times)
        yield from self._sockets()
        yield from self._gauges()
        yield from self._of_the_process()
        yield from self._addresses()

    def _counters(self) -> Iterator[Metric]:
        yield _counter(
            "gateway_requests",
            "Finished requests, by origin, destination and outcome.",
            REQUEST_LABELS,
            self._metrics.requests,
        )
        yield _counter(
            "gateway_tokens",
            "Tokens that upstreams have counted.",
            ("upstream", "client", "model", "kind"),
            self._metrics.tokens,
        )
        yield _counter(
            "gateway_retries",
            "Upstream attempts beyond the first of a request, lost connections included.",
            ("upstream",),
            {(upstream,): count for upstream, count in self._metrics.retries.items()},
        )
        yield _counter(
            "gateway_upstream_failures",
            "Failed upstream calls, by the reason in the log.",
            ("upstream", "reason"),
            self._metrics.failures,
        )
        yield _counter(
            "gateway_responses_not_stored",
            "Replies that were delivered without being stored.",
            (),
            {(): self._metrics.not_stored()},
        )

    def _reloads(self) -> Iterator[Metric]:
        yield _counter(
            "gateway_config_reloads",
            "Configuration reloads, by result; the start does not count.",
            ("result",),
            {(result,): count for result, count in self._metrics.reloads.items()},
        )
        reloaded_at = GaugeMetricFamily(
            "gateway_config_last_reload_success_timestamp_seconds",
            "When the configuration was last reloaded (Unix time).",
            labels=(),
        )
        if self._metrics.reloaded_at is not None:
            reloaded_at.add_metric((), self._metrics.reloaded_at)
        yield reloaded_at

    def _sockets(self) -> Iterator[Metric]:
        sockets = self._metrics.sockets
        is_open = GaugeMetricFamily(
            "gateway_open_sockets", "Open WebSockets of clients.", labels=("kind",)
        )
        for kind, count in sockets.open.items():
            is_open.add_metric((kind,), count)
        yield is_open
        yield _counter(
            "gateway_sockets_closed",
            "Clients' WebSockets that were closed, by the first close code of either side.",
            ("kind", "code"),
            sockets.closed,
        )
        yield _counter(
            "gateway_socket_bytes",
            "Bytes on clients' WebSockets.",
            ("kind", "direction"),
            {
                (kind, direction): count
                for kind, traffic in sockets.traffic.items()
                for direction, count in (("received", traffic.received), ("sent", traffic.sent))
            },
        )

    def _of_the_process(self) -> Iterator[Metric]:
        in_flight = GaugeMetricFamily(
            "gateway_in_flight", "Requests in progress.", labels=("client_shape",)
        )
        for shape, count in self._metrics.in_flight.items():
            in_flight.add_metric((shape,), count)
        build = GaugeMetricFamily(
            "gateway_build_info", "Always 1: the version is a label.", labels=("version",)
        )
        build.add_metric((__version__,), 1)
        yield from (in_flight, build)
        yield from _process.collect()

    def _gauges(self) -> Iterator[Metric]:
        in_flight, queued, idle = (
            GaugeMetricFamily(name, description, labels=("upstream",))
            for name, description in (
                ("gateway_upstream_in_flight", "Requests that occupy one of max_connections."),
                ("gateway_upstream_queued", "Requests that wait for one of max_connections."),
                ("gateway_upstream_idle_connections", "Open connections without a request."),
            )
        )
        for upstream, figures in self._metrics.figures().items():
            in_flight.add_metric((upstream,), figures.in_flight)
            queued.add_metric((upstream,), figures.queued)
            if figures.idle is not None:
                idle.add_metric((upstream,), figures.idle)
        up = GaugeMetricFamily(
            "gateway_shared_memory_up",
            "Whether a store outside the process works.",
            labels=("store",),
        )
        for store, works in self._metrics.stores().items():
            up.add_metric((store,), works)
        yield from (in_flight, queued, idle, up)

    def _addresses(self) -> Iterator[Metric]:
        labels = ("upstream", "address")
        up = GaugeMetricFamily(
            "gateway_upstream_address_up",
            "Whether an address of an upstream answered last; 0: of several, it is left out.",
            labels=labels,
        )
        failures = CounterMetricFamily(
            "gateway_upstream_address_failures",
            "Failures of an address, look-ups and requests answered elsewhere included.",
            labels=labels,
        )
        for upstream, addresses in self._metrics.addresses().items():
            for each in addresses:
                up.add_metric((upstream, each.address), each.up)
                failures.add_metric((upstream, each.address), each.failures)
        yield from (up, failures)


def _histogram(
    name: str, description: str, all_times: Mapping[tuple[str, str, Outcome], Times]
) -> Metric:
    labels = ("upstream", "client_shape", "outcome")
    family = HistogramMetricFamily(name, description, labels=labels)
    for values, times in all_times.items():
        if times.is_empty:
            continue
        buckets = list(zip(_BOUNDS, map(float, accumulate(times.counts)), strict=True))
        family.add_metric(values, buckets, times.seconds)
    return family


def _counter(
    name: str, description: str, labels: Sequence[str], counts: Mapping[tuple[str, ...], int]
) -> Metric:
    family = CounterMetricFamily(name, description, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family
