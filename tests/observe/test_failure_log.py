"""The log of what failed: one line a minute of each kind, and how many were left out."""

import logging

import pytest

from gateway.errors import Reason
from gateway.exchange.decision import UpstreamFailure
from gateway.log_interval import LOG_INTERVAL
from gateway.observe.failure_log import FailureLog

DOWN = UpstreamFailure("local", Reason.REFUSED, message="Upstream 'local' cannot be reached.")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(clock: Clock) -> FailureLog:
    return FailureLog(clock)


def test_a_failure_is_one_warning_with_upstream_reason_and_message(
    log: FailureLog, caplog: pytest.LogCaptureFixture
) -> None:
    log.upstream_failed(DOWN)
    assert caplog.record_tuples == [
        (
            "gateway",
            logging.WARNING,
            "upstream local: refused: Upstream 'local' cannot be reached.",
        )
    ]
    assert vars(caplog.records[0])["fields"] == {"upstream": "local", "reason": "refused"}


def test_within_a_minute_the_same_failure_is_counted_only(
    log: FailureLog, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(13):
        log.upstream_failed(DOWN)
        clock.now += LOG_INTERVAL / 13
    assert len(caplog.messages) == 1
    clock.now = 1000.0 + LOG_INTERVAL
    log.upstream_failed(DOWN)
    assert len(caplog.messages) == 2
    assert caplog.messages[1].endswith(" (12 more since the last such line)")


def test_a_line_after_a_quiet_minute_leaves_nothing_out(
    log: FailureLog, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    log.upstream_failed(DOWN)
    clock.now += LOG_INTERVAL
    log.upstream_failed(DOWN)
    assert caplog.messages[0] == caplog.messages[1]
    log.upstream_failed(DOWN)
    clock.now += LOG_INTERVAL
    log.upstream_failed(DOWN)
    clock.now += LOG_INTERVAL
    log.upstream_failed(DOWN)
    assert "(1 more" in caplog.messages[2]
    assert caplog.messages[3] == caplog.messages[0]


def test_another_upstream_and_another_reason_have_lines_of_their_own(
    log: FailureLog, caplog: pytest.LogCaptureFixture
) -> None:
    for upstream in ("a", "b"):
        for reason in (Reason.DNS, Reason.TLS):
            for _ in range(3):
                log.upstream_failed(UpstreamFailure(upstream, reason, message="m"))
    assert len(caplog.messages) == 4


def test_a_client_that_has_the_name_of_an_upstream_has_a_line_of_its_own(
    log: FailureLog, caplog: pytest.LogCaptureFixture
) -> None:
    log.upstream_failed(DOWN)
    log.client_refused("local", "refused")
    assert caplog.messages[1] == "client local: refused: its request was refused"


@pytest.mark.parametrize(
    ("reason", "status", "words"),
    [
        (Reason.SERVER_ERROR, 503, "it failed (status 503)"),
        (Reason.RATE_LIMITED, 429, "by its rate limit (status 429)"),
        (Reason.KEY_REFUSED, 0, "the key that the gateway is configured with"),
        (Reason.BAD_REPLY, 0, "its reply could not be used"),
        (Reason.ERROR_REPLY, 0, "an error in a reply with a success status"),
        (Reason.TRUNCATED, 0, "its reply ended early"),
    ],
)
def test_an_upstreams_own_words_are_never_logged(
    log: FailureLog, caplog: pytest.LogCaptureFixture, reason: Reason, status: int, words: str
) -> None:
    log.upstream_failed(UpstreamFailure("local", reason, status, "Incorrect key sk-secret"))
    assert words in caplog.text
    assert "sk-secret" not in caplog.text


def test_a_failure_of_the_gateway_itself_has_a_line(
    log: FailureLog, caplog: pytest.LogCaptureFixture
) -> None:
    log.gateway_failed("server_error", "The reply is longer than its Content-Length.")
    assert caplog.messages == [
        "gateway itself: server_error: The reply is longer than its Content-Length."
    ]


def test_an_address_that_is_left_out_has_a_line_and_so_has_its_return(
    log: FailureLog, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for reason in (Reason.REFUSED, None, Reason.REFUSED, None):
        log.address_changed("local", "http://10.0.0.2:8000/v1", reason)
    assert [record.getMessage() for record in caplog.records] == [
        "address http://10.0.0.2:8000/v1: refused: upstream local leaves it out until it answers",
        "address http://10.0.0.2:8000/v1: up: upstream local uses it again",
    ]
    clock.now += LOG_INTERVAL
    log.address_changed("local", "http://10.0.0.2:8000/v1", Reason.REFUSED)
    assert caplog.records[-1].getMessage().endswith("(1 more since the last such line)")
    fields = {"address": "http://10.0.0.2:8000/v1", "reason": "refused"}
    assert vars(caplog.records[-1])["fields"] == fields
