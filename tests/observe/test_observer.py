"""Requests and look-ups: all requests are counted, only failures are logged."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress

import pytest

from gateway.admin.counters.metrics import Metrics
from gateway.errors import (
    AuthenticationFailed,
    GatewayError,
    PermissionDenied,
    Reason,
    UpstreamError,
    UpstreamReplied,
    UpstreamUnavailable,
)
from gateway.exchange.decision import Decision, UpstreamFailure
from gateway.observe.failure_log import FailureLog
from gateway.observe.observer import RequestObserver, reporting
from gateway.observe.outcomes import CLIENT_CLOSED, Ending, ended, ended_with
from gateway.shapes import UpstreamCall, UpstreamReply
from tests.fakes import Answer, FakeUpstream, error_reply, json_reply


class Seen:
    def __init__(self) -> None:
        self.metrics = Metrics(frozenset({"local", "other"}))
        self.observer = RequestObserver(self.metrics, FailureLog(lambda: 0.0))

    def finish(self, decision: Decision, ending: Ending) -> None:
        self.observer.finished(decision, "chat", ending, 200, 0.1)

    @property
    def failures(self) -> dict[tuple[str, ...], int]:
        return dict(self.metrics.failures)


@pytest.fixture
def seen() -> Seen:
    return Seen()


def test_good_requests_and_departures_leave_no_line(
    seen: Seen, caplog: pytest.LogCaptureFixture
) -> None:
    seen.finish(Decision("local"), ended(Decision("local"), 200))
    seen.finish(Decision("local"), ended(Decision("local"), 404))
    seen.finish(Decision("local"), CLIENT_CLOSED)
    assert sum(seen.metrics.requests.values()) == 3
    assert (seen.failures, caplog.messages) == ({}, [])


def test_every_failure_is_counted_and_the_first_is_logged(
    seen: Seen, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        seen.finish(Decision("local"), ended(Decision("local"), 503))
    assert seen.failures == {("local", Reason.SERVER_ERROR): 3}
    assert caplog.messages == ["upstream local: server_error: it failed (status 503)"]


def test_failures_on_the_way_are_those_of_the_upstreams_that_failed(
    seen: Seen, caplog: pytest.LogCaptureFixture
) -> None:
    decision = Decision("local,other")
    decision.failed("other", UpstreamUnavailable("no name", reason=Reason.DNS))
    decision.failed("local", UpstreamReplied("no such key", upstream_status=401))
    seen.finish(decision, ended(decision, 200))
    assert seen.failures == {("other", Reason.DNS): 1}
    assert caplog.messages == ["upstream other: dns: no name"]


def test_a_failure_that_was_noted_and_then_raised_is_one(seen: Seen) -> None:
    decision = Decision()
    error = UpstreamError("m", reason=Reason.TLS)
    decision.failed("local", error)
    seen.finish(decision, ended_with(error))
    assert seen.failures == {("local", Reason.TLS): 1}


def test_a_rule_that_leads_to_the_wrong_endpoint_is_one_line(
    seen: Seen, caplog: pytest.LogCaptureFixture
) -> None:
    decision = Decision("local", endpoint="/v1/responses", misplaced_rule="gpt-*")
    for _ in range(3):
        seen.finish(decision, ended(decision, 200))
    (line,) = caplog.messages
    assert line == (
        "rule gpt-*: endpoint_refused: its endpoint refuses the model, which answers at "
        "/v1/responses; change the rule"
    )


def test_a_refused_client_is_named(seen: Seen, caplog: pytest.LogCaptureFixture) -> None:
    denied = PermissionDenied("The model 'secret-model' …", code="model_not_allowed")
    for _ in range(2):
        seen.finish(Decision(client="team-a"), ended_with(denied))
        seen.finish(Decision(), ended_with(AuthenticationFailed("sk-secret")))
    assert caplog.messages == [
        "client team-a: model_not_allowed: its request was refused",
        "client unknown: invalid_api_key: its request was refused",
    ]
    assert seen.failures == {}


def test_the_gateways_own_failure_is_logged_as_such(
    seen: Seen, caplog: pytest.LogCaptureFixture
) -> None:
    seen.finish(Decision("local"), ended_with(GatewayError("Too long.")))
    assert caplog.messages == ["gateway itself: server_error: Too long."]
    assert seen.failures == {}


# --- look-ups --------------------------------------------------------------------------------


CALL = UpstreamCall("local", "GET", "/models")


def asked(answer: Answer) -> list[UpstreamFailure]:
    noted: list[UpstreamFailure] = []

    def answers(_: UpstreamCall) -> Answer:
        return answer

    send = reporting(FakeUpstream(answers).send, noted.append)
    asyncio.run(_ask(send(CALL)))
    return noted


async def _ask(asking: Awaitable[UpstreamReply]) -> None:
    with suppress(UpstreamUnavailable):
        await asking


def test_an_upstream_that_cannot_be_asked_is_noted() -> None:
    error = UpstreamUnavailable("refused it was", reason=Reason.REFUSED)
    assert asked(error) == [UpstreamFailure("local", Reason.REFUSED, 0, "refused it was")]


def test_a_status_of_500_and_more_is_noted() -> None:
    (noted,) = asked(error_reply(503, "no"))
    assert (noted.upstream, noted.reason, noted.status) == ("local", Reason.SERVER_ERROR, 503)


@pytest.mark.parametrize("status", [401, 403, 404, 405, 429])
def test_every_other_status_is_an_answer(status: int) -> None:
    assert asked(error_reply(status, "no")) == []
    assert asked(json_reply({"data": []})) == []


def test_the_error_is_still_raised() -> None:
    def answers(_: UpstreamCall) -> Answer:
        return UpstreamReplied("no")

    async def scenario() -> None:
        with pytest.raises(UpstreamReplied):
            await reporting(FakeUpstream(answers).send, lambda _: None)(CALL)

    asyncio.run(scenario())
