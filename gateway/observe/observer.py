"""Records finished requests, and logs failures."""

from collections.abc import Callable, Iterable
from time import time
from typing import TYPE_CHECKING, Protocol

from gateway.config.operator_settings import LogSettings
from gateway.errors import Reason, UpstreamError, reason_of
from gateway.exchange.decision import Decision, UpstreamFailure
from gateway.observe.failure_log import FailureLog
from gateway.observe.outcomes import FAILURES, Ending, Outcome, outcome_of
from gateway.observe.record import FinishedRequest, RequestSink
from gateway.observe.sockets import SocketCounts
from gateway.shapes import Send, UpstreamCall, UpstreamReply

if TYPE_CHECKING:
    from gateway.observe.request_log import RequestLog

_CLIENTS = frozenset({Outcome.CLIENT_ERROR, Outcome.CLIENT_LIMITED})


class Observer(Protocol):
    """Records requests, and counts sockets."""

    @property
    def sockets(self) -> SocketCounts:
        """The counts of clients' sockets, which the gateway keeps."""

    @property
    def in_flight(self) -> dict[str, int]:
        """The requests served now, by the client's shape or `other`; the gateway counts them."""

    def finished(
        self, decision: Decision, shape: str, ending: Ending, status: int, seconds: float
    ) -> None:
        """Record a finished request.

        `shape` is the shape that the client called, or `other`; `status` is the status of its
        reply, 0 if it got none.
        """


class Counter(RequestSink, Protocol):
    """Counts requests and failed upstream calls."""

    in_flight: dict[str, int]
    """See `Observer`."""
    sockets: SocketCounts
    """See `Observer`."""

    def upstream_failed(self, failure: UpstreamFailure) -> None:
        """Count one failed call."""


class RequestObserver:
    """Hands finished requests to the counter, further sinks and the log; logs failures."""

    def __init__(
        self,
        counter: Counter,
        failures: FailureLog,
        sinks: Iterable[RequestSink] = (),
        log: "RequestLog | None" = None,
    ) -> None:
        self.in_flight = counter.in_flight
        self.sockets = counter.sockets
        self._counter = counter
        self._failures = failures
        self._log = log
        logs = () if log is None else (log,)
        self._take = [each.finished for each in (counter, *sinks, *logs)]

    def finished(
        self, decision: Decision, shape: str, ending: Ending, status: int, seconds: float
    ) -> None:
        """Record one request; see `Observer`."""
        request = FinishedRequest(decision, shape, ending, status, seconds, time())
        for take in self._take:
            take(request)
        if ending.reason or decision.failures:
            self._failed(decision, ending)
        if decision.misplaced_rule:
            self._failures.rule_misplaced(decision.misplaced_rule, decision.endpoint)

    def lookup_failed(self, failure: UpstreamFailure) -> None:
        """Record a failed look-up, which fails no request."""
        self._counter.upstream_failed(failure)
        self._failures.upstream_failed(failure)

    def flush(self) -> None:
        """Write what the log of requests still has to write."""
        if self._log is not None:
            self._log.flush()

    def _failed(self, decision: Decision, ending: Ending) -> None:
        for failure in _failures(decision, ending):
            if outcome_of(failure.reason) in FAILURES:
                self._counter.upstream_failed(failure)
                self._failures.upstream_failed(failure)
        if ending.outcome in _CLIENTS and ending.reason:
            self._failures.client_refused(decision.client or "unknown", ending.reason)
        elif ending.outcome is Outcome.INTERNAL_ERROR and ending.reason:
            self._failures.gateway_failed(ending.reason, ending.message)


def _failures(decision: Decision, ending: Ending) -> tuple[UpstreamFailure, ...]:
    """Return the failed calls: those recorded so far, or else the one that ended the request."""
    if decision.failures or ending.outcome not in FAILURES:
        return decision.failures
    upstream = decision.upstream or "none"
    return (UpstreamFailure(upstream, Reason(ending.reason), ending.status, ending.message),)


def request_log(settings: LogSettings) -> "RequestLog | None":
    """Return the log of requests, if there is to be one: only then is it loaded."""
    if not settings.requests:
        return None
    from gateway.observe.request_log import RequestLog

    return RequestLog(settings)


def reporting(send: Send, failed: Callable[[UpstreamFailure], None]) -> Send:
    """Return a `Send` for look-ups that reports upstream failures to `failed`.

    A status below 500 is an answer: not every key may list models, and not every server has the
    path.
    """

    async def ask(call: UpstreamCall) -> UpstreamReply:
        try:
            reply = await send(call)
        except UpstreamError as error:
            status, message = error.upstream_status, error.message
            failed(UpstreamFailure(call.upstream, error.reason, status, message))
            raise
        if reply.status >= 500:
            failed(UpstreamFailure(call.upstream, reason_of(reply.status), reply.status))
        return reply

    return ask
