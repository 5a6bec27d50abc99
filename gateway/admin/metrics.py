"""Counters for operators, in Prometheus' format.

Label values come from the configuration and from closed sets only: a client that invents model
names or paths cannot make new series.
"""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from gateway.exchange.message import Decision
from gateway.resolve.evidence import Source
from gateway.shapes import Shape

CONTENT_TYPE = CONTENT_TYPE_LATEST

_BUCKETS = (0.005, 0.02, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
_SHAPES = frozenset(Shape)
_SOURCES = frozenset(Source)


class Metrics:
    """The observer of finished requests."""

    def __init__(self, upstreams: frozenset[str]) -> None:
        self._upstreams = upstreams
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "gateway_requests",
            "Requests that have ended, by where they came in, where they went, and how they ended.",
            ("upstream", "client_shape", "home_shape", "outcome", "resolved_by"),
            registry=self.registry,
        )
        self._retries = Counter(
            "gateway_retries",
            "Upstream attempts beyond the first: wrong endpoints and parameters that were mended.",
            ("upstream",),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "gateway_request_seconds",
            "Time from a request's first byte to its reply's last.",
            ("client_shape", "outcome"),
            buckets=_BUCKETS,
            registry=self.registry,
        )

        # Looking a child up by its labels costs more than counting; the label sets are closed.
        self._children: dict[tuple[str, ...], tuple[Counter, Histogram]] = {}

    def finished(self, decision: Decision, client: str, outcome: str, seconds: float) -> None:
        """Count one request."""
        upstream = decision.upstream if decision.upstream in self._upstreams else "none"
        shape = client if client in _SHAPES else "other"
        source = decision.resolved_by if decision.resolved_by in _SOURCES else "none"
        labels = (upstream, shape, decision.shape or "none", outcome, source)
        children = self._children.get(labels)
        if children is None:
            children = self._requests.labels(*labels), self._seconds.labels(shape, outcome)
            self._children[labels] = children
        children[0].inc()
        children[1].observe(seconds)
        if decision.attempts > 1:
            self._retries.labels(upstream).inc(decision.attempts - 1)

    def text(self) -> bytes:
        """Return the exposition."""
        return generate_latest(self.registry)
