"""Decides the outcome of a request, one of a closed set, by pure functions.

An outcome says who has to act: the client (`client_error`), the operator (`upstream_error`,
`rate_limited`, `stream_broken`, `internal_error`), or neither.
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
    """The outcomes of requests."""

    __hash__ = str.__hash__  # in C, which that of enums is not

    SUCCESS = "success"
    CLIENT_ERROR = "client_error"
    """Refused, by the gateway or by the upstream (a status from 400 to 499)."""
    RATE_LIMITED = "rate_limited"
    """The upstream's 429."""
    CLIENT_LIMITED = "client_limited"
    """The gateway's own 429: the client has reached its limit."""
    UPSTREAM_ERROR = "upstream_error"
    """The upstream failed, was too busy, or rejected the gateway's own key."""
    STREAM_BROKEN = "stream_broken"
    """Like `upstream_error`, but the client's reply had begun, and broke off."""
    INTERNAL_ERROR = "internal_error"
    """The gateway itself failed."""
    SHUTTING_DOWN = "shutting_down"
    """Refused or aborted because the gateway shuts down."""
    CLIENT_CLOSED = "client_closed"
    """The client disconnected before its reply was complete."""


FAILURES = frozenset({Outcome.UPSTREAM_ERROR, Outcome.STREAM_BROKEN, Outcome.RATE_LIMITED})
"""The outcomes that are an upstream's doing."""


class Ending(NamedTuple):
    """The end of one request: its outcome, and the facts for the log.

    An ending has only strings, never the error itself, which would keep the request's frames alive.
    """

    outcome: Outcome
    reason: str = ""
    """Why it failed; empty if there is nothing to log. A `Reason` for upstream failures, the
    error's code for refused clients."""
    status: int = 0
    """The status of the upstream's error reply; 0 without one."""
    message: str = ""
    """The error's message, which may quote the upstream."""


CLIENT_CLOSED = Ending(Outcome.CLIENT_CLOSED)
FAILED_INSIDE = Ending(Outcome.INTERNAL_ERROR)
"""A bug, whose traceback is already in the log."""

CUT_OFF = Ending(Outcome.SHUTTING_DOWN)
"""Aborted at the end of the grace period."""

_REFUSALS = frozenset({501, 505, 508})
"""Statuses of 500 and above with which the gateway refuses a client's request (RFC 9110)."""

_TOO_MANY = 429
"""The status of the gateway's own limits; an upstream's is an `UpstreamError`."""

SUCCESS = Ending(Outcome.SUCCESS)
_CLIENT_ERROR = Ending(Outcome.CLIENT_ERROR)
_CLIENT_LIMITED = Ending(Outcome.CLIENT_LIMITED)
_SHUTTING_DOWN = Ending(Outcome.SHUTTING_DOWN)

_OUTCOMES = MappingProxyType(
    {
        Reason.RATE_LIMITED: Outcome.RATE_LIMITED,
        Reason.REJECTED: Outcome.CLIENT_ERROR,
        Reason.STOPPING: Outcome.SHUTTING_DOWN,
    }
)
"""The outcomes by the reason of an upstream's failure; all other reasons are upstream errors."""


def outcome_of(reason: Reason) -> Outcome:
    """Return the outcome of a request whose upstream failed for this reason."""
    return _OUTCOMES.get(reason, Outcome.UPSTREAM_ERROR)


def ended(decision: Decision, status: int, error: GatewayError | None = None) -> Ending:
    """Return the ending of a request whose reply was written completely.

    `error` is the error that a stream had as an event (`ReplyBody.failure`); it counts unless the
    decision already has one. Without an error the status decides; a status from 500 on is the
    upstream's only if an upstream was called.
    """
    if error is not None and not decision.has_failed:
        return broken_by(error)
    if status < 400:
        if not decision.failures or not decision.has_failed:
            return SUCCESS
        return Ending(outcome_of(decision.failures[-1].reason))
    if status == _TOO_MANY or status >= 500:
        if decision.upstream:
            reason = reason_of(status)
            return Ending(outcome_of(reason), reason, status)
        if status in _REFUSALS:
            return _CLIENT_ERROR
        if status == _TOO_MANY:
            return _CLIENT_LIMITED
        return _SHUTTING_DOWN if status == 503 else FAILED_INSIDE
    return _CLIENT_ERROR


def broken_by(error: GatewayError) -> Ending:
    """Return the ending of a request whose reply had begun when it failed."""
    ending = ended_with(error)
    if ending.outcome is Outcome.UPSTREAM_ERROR:
        return ending._replace(outcome=Outcome.STREAM_BROKEN)
    return ending


def ended_with(error: GatewayError) -> Ending:
    """Return the ending of a request that got an error: as its reply, an event, or an abort."""
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
    if error.status == _TOO_MANY:
        return Ending(Outcome.CLIENT_LIMITED, error.code or error.type)
    if error.status < 500 or error.status in _REFUSALS:
        return _CLIENT_ERROR
    return Ending(Outcome.INTERNAL_ERROR, error.code or error.type, message=error.message)
