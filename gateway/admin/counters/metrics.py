"""Counters for operators, in Prometheus' format.

Label values come from the configuration and from closed sets only: a client that invents model
names or paths cannot make new series.
"""

import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.admin.counters.sums import Family
from gateway.exchange.decision import UpstreamFailure
from gateway.observe.outcomes import Outcome
from gateway.observe.record import FinishedRequest
from gateway.observe.sockets import SocketCounts
from gateway.resolve.evidence import Source
from gateway.shapes import Shape

BUCKETS = (0.005, 0.02, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds of the histogram's buckets, in seconds; the last bucket has none."""

REQUEST_LABELS = (
    *("upstream", "client", "model", "client_shape", "upstream_shape"),
    *("outcome", "status", "resolved_by"),
)

_MOST_SERIES = 4096

_SHAPES = frozenset(Shape)
_SOURCES = frozenset(Source)


class Times:
    """The durations of requests with the same labels."""

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        """Per bucket, not cumulative."""
        self.seconds = 0.0

    @property
    def is_empty(self) -> bool:
        """Whether nothing was counted."""
        return not any(self.counts)


class Count:
    """The number of requests with the same labels."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0


class Tokens:
    """The tokens of requests with the same labels."""

    __slots__ = ("input", "output")

    def __init__(self) -> None:
        self.input = self.output = 0


@dataclass(slots=True)
class _Series:
    """All that is counted of requests with the same labels."""

    upstream: str
    requests: Count
    times: Times
    first_bytes: Times
    tokens: Tokens


class Figures(Protocol):
    """The current state of one upstream."""

    @property
    def in_flight(self) -> int:
        """Requests that occupy one of `max_connections`."""

    @property
    def idle(self) -> int | None:
        """Open connections without a request; None if unknown."""

    @property
    def queued(self) -> int:
        """Requests that wait for one of `max_connections`."""


class AddressFigures(Protocol):
    """The current state of one address of an upstream."""

    @property
    def address(self) -> str:
        """Its base URL."""

    @property
    def up(self) -> bool:
        """Whether it answered last."""

    @property
    def failures(self) -> int:
        """Its failures since the start."""


def _no_label(asked: str, sent: str) -> str:  # noqa: ARG001
    return "other"


def _status(status: int) -> str:
    """Return the label of a status: `none` for no reply, `other` for what HTTP does not have."""
    if not status:
        return "none"
    return str(status) if 100 <= status < 600 else "other"


class Metrics:
    """Counts finished requests.

    The counters are integers, converted to Prometheus' families on request: that costs a third of
    the library's own counters with their locks. `figures` returns each upstream's `Figures` by its
    name; it is called for each exposition.
    """

    def __init__(
        self,
        upstreams: frozenset[str],
        figures: Callable[[], Mapping[str, Figures]] = dict,
        model_label: Callable[[str, str], str] = _no_label,
    ) -> None:
        self._upstreams = upstreams
        self.figures = figures
        self._model_label = model_label
        self._counts: defaultdict[tuple[str, ...], Count] = defaultdict(Count)
        self._tokens: defaultdict[tuple[str, ...], Tokens] = defaultdict(Tokens)
        self._series: dict[tuple[str | int | None, ...], _Series] = {}
        """The series of requests by their facts, so that equal requests find theirs at once."""
        self.in_flight = dict.fromkeys((*Shape, "other"), 0)
        """Requests that are served now, by the client's shape; the gateway counts them."""
        self.sockets = SocketCounts()
        """Clients' sockets; the gateway counts them, too."""
        self.retries: defaultdict[str, int] = defaultdict(int)
        self.failures: defaultdict[tuple[str, ...], int] = defaultdict(int)
        """By upstream and reason."""
        self.times: defaultdict[tuple[str, str, Outcome], Times] = defaultdict(Times)
        """By upstream, client's shape and outcome. Not by client: each is 14 series."""
        self.reloads = {"success": 0, "failure": 0}
        """By result; the start does not count."""
        self.reloaded_at: float | None = None
        """When the configuration was last reloaded (Unix time)."""
        self.first_bytes: defaultdict[tuple[str, str, Outcome], Times] = defaultdict(Times)
        """The time to the first byte of the reply's body, by the same labels as `times`."""

        self.addresses: Callable[[], Mapping[str, Sequence[AddressFigures]]] = dict
        """Returns the addresses of each upstream, by its name; called for each exposition."""
        self.stores: Callable[[], Mapping[str, bool]] = dict
        """Returns whether the stores outside the process work, by name; called as `addresses`."""
        self.not_stored: Callable[[], int] = int
        """Returns how many replies could not be stored; called as `addresses`."""

    def follow(
        self,
        upstreams: frozenset[str],
        figures: Callable[[], Mapping[str, Figures]],
        model_label: Callable[[str, str], str],
    ) -> None:
        """Count for these upstreams as well; use `figures` and `model_label` from now on."""
        self._upstreams |= upstreams
        self.figures = figures
        self._model_label = model_label

    def reloaded(self, *, done: bool, counts: bool = True) -> None:
        """Note a reload; of several workers one counts it."""
        self.reloads["success" if done else "failure"] += counts
        if done:
            self.reloaded_at = time.time()

    @property
    def requests(self) -> Mapping[tuple[str, ...], int]:
        """The number of finished requests, by `REQUEST_LABELS`."""
        return {labels: count.value for labels, count in self._counts.items()}

    @property
    def tokens(self) -> Mapping[tuple[str, ...], int]:
        """The tokens that upstreams have counted, by upstream, client, model, and direction."""
        return {
            (*labels, kind): count
            for labels, tokens in self._tokens.items()
            for kind, count in (("input", tokens.input), ("output", tokens.output))
            if count
        }

    def finished(self, request: FinishedRequest) -> None:
        """Count one request."""
        decision = request.decision
        facts = (
            decision.upstream,
            decision.client,
            decision.model_asked,
            decision.model_sent,
            request.shape,
            decision.shape or decision.attempts,
            request.ending.outcome,
            request.status,
            decision.resolved_by,
        )
        series = self._series.get(facts)
        if series is None:
            series = self._found(facts, request)
        series.requests.value += 1
        times, seconds = series.times, request.seconds
        bucket = bisect_left(BUCKETS, seconds)
        times.counts[bucket] += 1
        times.seconds += seconds
        first_byte = decision.first_byte
        if first_byte is not None:
            if first_byte is not seconds:  # they are where the reply was written as a whole
                bucket, seconds = bisect_left(BUCKETS, first_byte), first_byte
            times = series.first_bytes
            times.counts[bucket] += 1
            times.seconds += seconds
        attempts = decision.attempts + decision.resends
        if attempts > 1:
            self.retries[series.upstream] += attempts - 1
        if decision.tokens is not None:
            inputs, outputs = decision.tokens
            series.tokens.input += inputs or 0
            series.tokens.output += outputs or 0

    def _found(self, facts: tuple[str | int | None, ...], request: FinishedRequest) -> "_Series":
        """Return the series of requests like this one, which are found at once from now on."""
        decision = request.decision
        upstream = decision.upstream if decision.upstream in self._upstreams else "none"
        shape = request.shape if request.shape in _SHAPES else "other"
        source = decision.resolved_by if decision.resolved_by in _SOURCES else "none"
        client = decision.client or "none"
        model = self._model_label(decision.model_asked, decision.model_sent)
        sent = request.endpoint or "none"
        outcome, status = request.ending.outcome, _status(request.status)
        series = _Series(
            upstream,
            self._counts[upstream, client, model, shape, sent, outcome, status, source],
            self.times[upstream, shape, outcome],
            self.first_bytes[upstream, shape, outcome],
            self._tokens[upstream, client, model],
        )
        if len(self._series) >= _MOST_SERIES:  # clients choose the names of models
            self._series.clear()
        self._series[facts] = series
        return series

    def upstream_failed(self, failure: UpstreamFailure) -> None:
        """Count one call that an upstream failed."""
        upstream = failure.upstream if failure.upstream in self._upstreams else "none"
        self.failures[upstream, failure.reason] += 1

    def families(self) -> list[Family]:
        """Return what was counted, in Prometheus' form."""
        # Prometheus' library takes memory, which only gateways that are scraped should spend.
        from gateway.admin.counters.exposition import families

        return families(self)
