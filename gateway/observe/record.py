"""The record of one finished request: what the log, the metrics and the admin page show of it.

It has names, numbers and the gateway's own texts: never a key, a body or a model's text.
"""

from time import time
from typing import Protocol

import msgspec

from gateway.exchange.decision import Decision
from gateway.observe.outcomes import Ending, Outcome
from gateway.resolve.evidence import Evidence


class RequestRecord(msgspec.Struct, frozen=True, gc=False):
    """One finished request. Texts that do not apply are empty, and so are their numbers."""

    time: float
    """When its record was made, at its end: Unix time in seconds."""
    request_id: str
    """The `x-request-id` of its reply."""
    client: str
    """The name under `clients`."""
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
    """The shape of the last attempt, or `other` for a request that was passed on."""
    resolved_by: str
    attempts: int
    """How often it was sent, with the sender's own repetitions."""
    status: int
    """The status of the client's reply; 0 if it got none."""
    outcome: Outcome
    reason: str
    """Why it failed: an upstream's `Reason`, or the code of a refused client's error."""
    first_byte_ms: float | None
    """Milliseconds to the first byte of the reply's body; None if there was none."""
    ms: float
    """Milliseconds to the end."""
    input_tokens: int | None
    """As the upstream counted them; None if it did not say."""
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


class RecordObserver(Protocol):
    """Takes the records of finished requests: a log, a page, a tracer."""

    def finished(self, record: RequestRecord) -> None:
        """Take one record. Called within the request's task, so it must be quick."""


def record_of(
    decision: Decision, shape: str, ending: Ending, status: int, seconds: float
) -> RequestRecord:
    """Return the record of a request that ends now; `shape` is its route's label."""
    first_byte = decision.first_byte
    tokens = decision.tokens
    return RequestRecord(
        time(),
        decision.request_id,
        decision.client,
        decision.model_asked,
        decision.model_sent,
        decision.upstream,
        decision.address,
        shape,
        decision.shape or ("other" if decision.upstream else ""),
        decision.resolved_by,
        decision.attempts + decision.repeats,
        status,
        ending.outcome,
        ending.reason or (decision.failures[-1].reason if decision.failures else ""),
        None if first_byte is None else first_byte * 1e3,
        seconds * 1e3,
        None if tokens is None else tokens[0],
        None if tokens is None else tokens[1],
        decision.translation,
        decision.warning,
        decision.evidence,
    )
