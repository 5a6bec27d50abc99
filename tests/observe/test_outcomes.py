"""How requests end: by status, by error, and by the error in a stream."""

import pytest

from gateway.errors import (
    AuthenticationFailed,
    GatewayError,
    InvalidRequest,
    ModelNotFound,
    PermissionDenied,
    Reason,
    ShuttingDown,
    TruncatedStream,
    UpstreamError,
    UpstreamReplied,
    UpstreamTimeout,
    UpstreamUnavailable,
    reason_of,
)
from gateway.exchange.decision import Decision
from gateway.observe.outcomes import Ending, Outcome, broken_by, ended, ended_with, outcome_of

ASKED = Decision("local", attempts=1)


@pytest.mark.parametrize(
    ("status", "outcome", "reason"),
    [
        (200, Outcome.SUCCESS, ""),
        (204, Outcome.SUCCESS, ""),
        (302, Outcome.SUCCESS, ""),
        (400, Outcome.CLIENT_ERROR, ""),
        (401, Outcome.CLIENT_ERROR, ""),
        (404, Outcome.CLIENT_ERROR, ""),
        (429, Outcome.RATE_LIMITED, "rate_limited"),
        (500, Outcome.UPSTREAM_ERROR, "server_error"),
        (503, Outcome.UPSTREAM_ERROR, "server_error"),
        (999, Outcome.UPSTREAM_ERROR, "server_error"),
    ],
)
def test_a_relayed_status_decides(status: int, outcome: Outcome, reason: str) -> None:
    ending = ended(ASKED, status)
    assert (ending.outcome, ending.reason) == (outcome, reason)
    assert ending.status == (status if reason else 0)


def test_an_error_that_no_upstream_was_asked_for_is_no_upstreams() -> None:
    assert ended(Decision(), 503) == Ending(Outcome.SHUTTING_DOWN)
    assert ended(Decision(), 500) == Ending(Outcome.INTERNAL_ERROR)


@pytest.mark.parametrize("status", [501, 505, 508])
def test_what_a_client_has_sent_is_not_a_bug_of_the_gateways(status: int) -> None:
    assert ended(Decision(), status) == Ending(Outcome.CLIENT_ERROR)
    assert ended_with(GatewayError("m", status=status)) == Ending(Outcome.CLIENT_ERROR)


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (InvalidRequest("m"), Outcome.CLIENT_ERROR, ""),
        (ModelNotFound("m"), Outcome.CLIENT_ERROR, ""),
        (AuthenticationFailed("m"), Outcome.CLIENT_ERROR, "invalid_api_key"),
        (
            PermissionDenied("m", code="model_not_allowed"),
            Outcome.CLIENT_ERROR,
            "model_not_allowed",
        ),
        (ShuttingDown("m"), Outcome.SHUTTING_DOWN, ""),
        (UpstreamUnavailable("m", reason=Reason.STOPPING), Outcome.SHUTTING_DOWN, ""),
        (UpstreamUnavailable("m", reason=Reason.BUSY), Outcome.UPSTREAM_ERROR, "busy"),
        (UpstreamUnavailable("m", reason=Reason.DNS), Outcome.UPSTREAM_ERROR, "dns"),
        (UpstreamTimeout("m"), Outcome.UPSTREAM_ERROR, "idle_timeout"),
        (UpstreamError("m"), Outcome.UPSTREAM_ERROR, "bad_reply"),
        (TruncatedStream("m"), Outcome.UPSTREAM_ERROR, "truncated"),
        (UpstreamReplied("m"), Outcome.UPSTREAM_ERROR, "error_reply"),
        (UpstreamReplied("m", status=429), Outcome.RATE_LIMITED, "rate_limited"),
        (UpstreamReplied("m", code="rate_limit_exceeded"), Outcome.RATE_LIMITED, "rate_limited"),
        (UpstreamReplied("m", status=400), Outcome.CLIENT_ERROR, ""),
        (UpstreamReplied("m", upstream_status=503), Outcome.UPSTREAM_ERROR, "server_error"),
        (
            UpstreamReplied("m", upstream_status=429, status=429),
            Outcome.RATE_LIMITED,
            "rate_limited",
        ),
        (UpstreamReplied("m", upstream_status=409, status=429), Outcome.CLIENT_ERROR, ""),
        (UpstreamError("m", upstream_status=404, status=404), Outcome.CLIENT_ERROR, ""),
        (GatewayError("m", status=429, code="busy"), Outcome.CLIENT_LIMITED, "busy"),
        (GatewayError("m"), Outcome.INTERNAL_ERROR, "server_error"),
    ],
)
def test_an_error_decides_before_and_within_a_stream(
    error: GatewayError, outcome: Outcome, reason: str
) -> None:
    ending = ended_with(error)
    assert (ending.outcome, ending.reason) == (outcome, reason)
    if outcome is Outcome.UPSTREAM_ERROR:
        ending = ending._replace(outcome=Outcome.STREAM_BROKEN)
    assert ended(ASKED, 200, error) == broken_by(error) == ending


def test_without_an_upstream_a_429_is_the_gateways_own() -> None:
    assert ended(Decision(), 429).outcome is Outcome.CLIENT_LIMITED


def test_an_error_under_a_status_of_success_is_the_upstreams() -> None:
    decision = Decision("local", attempts=1)
    decision.failed("other", UpstreamUnavailable("down"))
    assert ended(decision, 200).outcome is Outcome.SUCCESS
    decision.failed("local", UpstreamReplied("no"), final=True)
    assert ended(decision, 200).outcome is Outcome.UPSTREAM_ERROR


def test_every_reason_has_an_outcome_that_is_not_a_success() -> None:
    outcomes = {outcome_of(reason) for reason in Reason}
    assert Outcome.SUCCESS not in outcomes
    assert outcomes <= set(Outcome)


def test_the_reason_for_a_status_is_one_of_four() -> None:
    assert [reason_of(status) for status in (200, 404, 409, 429, 500, 599)] == [
        Reason.ERROR_REPLY,
        Reason.REJECTED,
        Reason.REJECTED,
        Reason.RATE_LIMITED,
        Reason.SERVER_ERROR,
        Reason.SERVER_ERROR,
    ]


def test_an_error_that_is_known_from_its_beginning_counts_once() -> None:
    decision = Decision("local", attempts=1)
    decision.failed("local", UpstreamReplied("too many", status=429, code="rate_limit"), final=True)
    known = ended(decision, 200)
    assert ended(decision, 200, TruncatedStream("cut")) == known
    assert not known.reason
