"""The spans of a request while it runs.

These spans are much cheaper than those of OpenTelemetry's SDK, which are made of them outside of
the request's path (`attributes.py`, `otlp.py`).
"""

from copy import copy
from dataclasses import dataclass
from time import time_ns
from types import MappingProxyType
from typing import Final

from gateway.observe.outcomes import Outcome
from gateway.observe.record import RequestRecord
from gateway.observe.tracing.context import Context
from gateway.observe.tracing.response_model import response_model, shows_model

_CLIENTS = {Outcome.CLIENT_ERROR, Outcome.CLIENT_LIMITED, Outcome.CLIENT_CLOSED}
FAILED = frozenset(Outcome) - {Outcome.SUCCESS, *_CLIENTS}
"""Outcomes that are errors of the server span. A client's own mistakes are not (HTTP spans)."""

_OPERATIONS: Final = MappingProxyType(
    {
        "/chat/completions": "chat",
        "/responses": "chat",
        "/messages": "chat",
        "/completions": "text_completion",
        "/embeddings": "embeddings",
    }
)
"""`gen_ai.operation.name` by path below `/v1`."""


def operation_at(path: str) -> str:
    """Return the operation at a path below `/v1`; empty for all that is not generative."""
    return _OPERATIONS.get(path, "")


@dataclass(frozen=True, slots=True)
class Target:
    """An upstream as spans name it."""

    upstream: str
    provider: str
    """`gen_ai.provider.name`."""
    base_url: str
    """The first of its addresses."""


class CallSpan:
    """One call of an upstream. Callers `end()` it; otherwise it ends with its request."""

    __slots__ = (
        "address",
        "answered_by",
        "awaits_model",
        "beginning",
        "context",
        "cut_by",
        "ended",
        "error",
        "first",
        "is_stream",
        "method",
        "model",
        "operation",
        "resends",
        "started",
        "status",
        "target",
    )

    def __init__(
        self, context: Context, target: Target, method: str, path: str, model: str
    ) -> None:
        self.context = context
        self.target = target
        self.method = method
        self.operation = operation_at(path)
        self.model = model
        self.started = time_ns()
        self.ended = 0
        self.status = 0
        self.error = ""
        self.resends = 0
        self.address = target.base_url
        """The base URL that the call was last sent to."""
        self.first = 0
        """When the first byte of the body arrived; 0 before that."""
        self.is_stream = False
        self.beginning = b""
        """The beginning of the body, in which the model's name may be."""
        self.awaits_model = bool(self.operation)
        """Whether more of the body is needed to find the model's name."""
        self.answered_by = ""
        """The model that the upstream says has answered."""
        self.cut_by = ""
        """The outcome of the request that ended before the call had."""

    def arrived(self, piece: bytes = b"") -> None:
        """Note that a piece of the body has arrived."""
        if not self.first:
            self.first = time_ns()
        if piece and self.awaits_model:
            self.beginning += piece
            self.awaits_model = not shows_model(self.beginning)

    def end(self, error: str = "") -> None:
        """Note the end of the call, once; `error` is from a closed set."""
        if not self.ended:
            self.ended = time_ns()
            self.error = self.error or error

    def closed(self, ended: int, outcome: Outcome) -> "CallSpan":
        """End the call with its request, unless it has ended; return a copy that stays as it is."""
        if not self.ended and outcome is not Outcome.SUCCESS:
            self.cut_by = outcome.value
        self.ended = self.ended or ended
        if self.operation:
            self.answered_by = response_model(self.beginning)
        self.beginning = b""
        return copy(self)


class RequestSpan:
    """One request, and the calls that it leads to."""

    __slots__ = (
        "calls",
        "context",
        "ended",
        "method",
        "parent",
        "path",
        "record",
        "route",
        "started",
    )
    ended: int
    record: RequestRecord

    def __init__(
        self, context: Context, parent: Context | None, method: str, path: str, route: str
    ) -> None:
        self.context = context
        self.parent = parent
        self.method = method
        self.path = path
        self.route = route
        self.started = time_ns()
        self.calls: list[CallSpan] = []

    @property
    def size(self) -> int:
        """How many spans the request has, with those of its calls."""
        return 1 + len(self.calls)

    def end(self, record: RequestRecord) -> None:
        """End the request, and the calls that are still open; nothing changes it any more."""
        self.ended = ended = time_ns()
        self.record = record
        has_failed = record.outcome in FAILED
        if self.calls and has_failed and not any(call.error for call in self.calls):
            # An error that only reading the reply has shown.
            self.calls[-1].error = record.reason or record.outcome.value
        self.calls = [call.closed(ended, record.outcome) for call in self.calls]
