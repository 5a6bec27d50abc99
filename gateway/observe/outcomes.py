"""How a request ended: one of a closed set, decided by pure functions.

The outcome says whose turn it is: the client's (`client_error`), the operator's (`upstream_error`,
`rate_limited`, `internal_error`), or nobody's. An error that a client got as an event within a
stream counts like the same error before the stream.
"""

from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from gateway.errors import (
    AuthenticationFailed,
    GatewayError,
    PermissionDenied,
    Reason,
    ShuttingDown,
    UpstreamError,
    reason_of,
)
from gateway.exchange.decision import Decision


class Outcome(StrEnum):
    """How requests end."""

    SUCCESS = "success"
    CLIENT_ERROR = "client_error"
    """Refused, by the gateway or by the upstream (a status from 400 to 499)."""
    RATE_LIMITED = "rate_limited"
    """The upstream's 429."""
    UPSTREAM_ERROR = "upstream_error"
    """The upstream failed, is too busy, or refused the gateway's own key."""
    INTERNAL_ERROR = "internal_error"
    """The gateway itself failed."""
    SHUTTING_DOWN = "shutting_down"
    """Refused, or cut off, because the gateway stops."""
    CLIENT_CLOSED = "client_closed"
    """The client left before its reply was complete."""


class Ending(NamedTuple):
    """How one request ended, and what there is to say about it in the log.

    It holds words only, never the error itself: that would keep the request's frames alive.
    """

    outcome: Outcome
    reason: str = ""
    """Why it failed; empty: there is nothing to log. A `Reason` where an upstream failed, the
    error's code where a client was refused."""
    status: int = 0
    """The status of the upstream's error reply, 0 where it gave none."""
    message: str = ""
    """The error's message, which may quote the upstream."""


CLIENT_CLOSED = Ending(Outcome.CLIENT_CLOSED)
FAILED_INSIDE = Ending(Outcome.INTERNAL_ERROR)
"""A bug: it has a traceback in the log already."""

CUT_OFF = Ending(Outcome.SHUTTING_DOWN)
"""By the end of the grace period."""

_REFUSALS = frozenset({501, 505, 508})
"""Statuses of 500 and more with which the gateway refuses what a client has sent (RFC 9110)."""

_SUCCESS = Ending(Outcome.SUCCESS)
_CLIENT_ERROR = Ending(Outcome.CLIENT_ERROR)
_SHUTTING_DOWN = Ending(Outcome.SHUTTING_DOWN)

_OUTCOMES = MappingProxyType(
    {
        Reason.RATE_LIMITED: Outcome.RATE_LIMITED,
        Reason.REJECTED: Outcome.CLIENT_ERROR,
        Reason.STOPPING: Outcome.SHUTTING_DOWN,
    }
)
"""Of an upstream's failure; all other reasons are upstream errors."""


def outcome_of(reason: Reason) -> Outcome:
    """Return how a request ends whose upstream failed for this reason."""
    return _OUTCOMES.get(reason, Outcome.UPSTREAM_ERROR)


def ended(decision: Decision, status: int, told: GatewayError | None = None) -> Ending:
    """Return how a request ended whose reply was written to its end.

    `told` is the error that its body told as an event (`ReplyBody.failure`). Without one the status
    decides; of 500 and more it is the upstream's only where an upstream was asked.
    """
    if told is not None:
        return ended_with(told)
    if status < 400:
        noted = decision.failures
        if not noted or not noted[-1].final:
            return _SUCCESS
        return Ending(outcome_of(noted[-1].reason))
    if status == 429 or status >= 500:
        if decision.upstream:
            reason = reason_of(status)
            return Ending(outcome_of(reason), reason, status)
        if status in _REFUSALS:
            return _CLIENT_ERROR
        return _SHUTTING_DOWN if status == 503 else FAILED_INSIDE
    return _CLIENT_ERROR


def ended_with(error: GatewayError) -> Ending:
    """Return how a request ended that got an error, as its reply, as an event, or as a cut."""
    if isinstance(error, UpstreamError):
        outcome = outcome_of(error.reason)
        if outcome is Outcome.CLIENT_ERROR:
            return _CLIENT_ERROR
        if outcome is Outcome.SHUTTING_DOWN:
            return _SHUTTING_DOWN
        return Ending(outcome, error.reason, error.upstream_status, error.message)
    if isinstance(error, ShuttingDown):
        return _SHUTTING_DOWN
    if isinstance(error, AuthenticationFailed | PermissionDenied):
        return Ending(Outcome.CLIENT_ERROR, error.code or error.type)
    if error.status < 500 or error.status in _REFUSALS:
        return _CLIENT_ERROR
    return Ending(Outcome.INTERNAL_ERROR, error.code or error.type, message=error.message)
