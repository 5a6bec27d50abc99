"""The record of one finished request, for the log, the metrics and the admin page.

A record is made only when something reads it. It has names, numbers and the gateway's own texts,
and never a key, a body or a model's text.
"""

from typing import Protocol

import msgspec

from gateway.exchange.decision import Decision
from gateway.observe.outcomes import Ending, Outcome
from gateway.resolve.evidence import Evidence


class RequestRecord(msgspec.Struct, frozen=True, gc=False):
    """One finished request. Texts that do not apply are empty, numbers 0 or None."""

    time: float
    """When the request ended: Unix time in seconds."""
    request_id: str
    """The `x-request-id` of the reply."""
    client: str
    """The client's name in the configuration (`clients`)."""
    model_asked: str
    """The client's name of the model; up to 512 characters of the client's."""
    model_sent: str
    """The upstream's name of the model."""
    upstream: str
    address: str
    """The upstream's base URL that took the last attempt, if it has several."""
    shape: str
    """What the client called: a shape, or `other`."""
    endpoint: str
    """The shape of the last attempt, or `other` for a request that was passed on; else empty."""
    resolved_by: str
    attempts: int
    """How often the request was sent, the sender's own repetitions included."""
    status: int
    """The status of the client's reply; 0 if it got none."""
    outcome: Outcome
    reason: str
    """Why the request failed: an upstream's `Reason`, or the code of a refused client's error."""
    first_byte_ms: float | None
    """Milliseconds to the first byte of the reply's body; None if there was none."""
    ms: float
    """Milliseconds to the end of the request."""
    input_tokens: int | None
    """The input tokens as the upstream counted them; None if it did not say."""
    output_tokens: int | None
    report: str
    """What the translation dropped, changed or emulated: `x-gateway-translation`."""
    warnings: str
    """`x-gateway-warning`."""
    pieces: tuple[Evidence, ...] = ()
    """The evidence of the route, strongest first."""

    @property
    def evidence(self) -> tuple[str, ...]:
        """The evidence in words, strongest first."""
        return tuple(f"{piece.source}: {piece.detail}" for piece in self.pieces)


class FinishedRequest(msgspec.Struct, frozen=True, gc=False):
    """A request that has ended, with the facts of which its record is made, if it is needed."""

    decision: Decision
    """The request's decision, which no longer changes."""
    shape: str
    """What the client called: a shape, or `other`."""
    ending: Ending
    status: int
    """The status of the client's reply; 0 if it got none."""
    seconds: float
    time: float
    """When it ended: Unix time in seconds."""

    @property
    def endpoint(self) -> str:
        """The shape of the last attempt, or `other` for a request that was passed on.

        Empty for a request that was refused before anything was sent, or that called no upstream.
        """
        decision = self.decision
        return decision.shape or ("other" if decision.upstream and decision.attempts else "")

    @property
    def reason(self) -> str:
        """Why it failed; see `RequestRecord`."""
        failures = self.decision.failures
        return self.ending.reason or (failures[-1].reason if failures else "")

    def record(self) -> RequestRecord:
        """Return the record."""
        decision = self.decision
        first_byte, tokens = decision.first_byte, decision.tokens
        return RequestRecord(
            self.time,
            decision.request_id,
            decision.client,
            decision.model_asked,
            decision.model_sent,
            decision.upstream,
            decision.address,
            self.shape,
            self.endpoint,
            decision.resolved_by,
            decision.attempts + decision.resends,
            self.status,
            self.ending.outcome,
            self.reason,
            None if first_byte is None else first_byte * 1e3,
            self.seconds * 1e3,
            None if tokens is None else tokens[0],
            None if tokens is None else tokens[1],
            decision.translation,
            decision.warning,
            decision.evidence,
        )


class RequestSink(Protocol):
    """Takes finished requests: a log, a page, a tracer."""

    def finished(self, request: FinishedRequest) -> None:
        """Take one request. This is called within the request's task, so it must be quick."""
