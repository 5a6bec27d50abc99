"""The record of one finished request."""

from time import time

from gateway.errors import Reason, UpstreamUnavailable
from gateway.exchange.decision import Decision
from gateway.observe.outcomes import Ending, Outcome
from gateway.observe.record import RequestRecord
from gateway.request_ids import header_line
from gateway.resolve.evidence import Evidence, Source
from gateway.shapes import Shape
from tests.observe.ended import finished_now

SUCCESS = Ending(Outcome.SUCCESS)


def record_of(
    decision: Decision, shape: str, ending: Ending, status: int, seconds: float
) -> RequestRecord:
    return finished_now(decision, shape, ending, status, seconds).record()


def test_a_record_has_what_was_decided_and_how_it_ended() -> None:
    decision = Decision("openai", Shape.RESPONSES, attempts=2, resends=1, client="team-a")
    decision.resolved_by, decision.id_line = "id", header_line("req-1")
    decision.model_asked, decision.model_sent = "fast", "gpt-4o-mini"
    decision.first_byte, decision.tokens = 0.25, (7, None)
    decision.translation, decision.warning = "dropped=n", "old"
    record = record_of(decision, "chat", SUCCESS, 200, 0.5)
    assert abs(record.time - time()) < 60
    assert (record.request_id, record.client, record.upstream) == ("req-1", "team-a", "openai")
    assert (record.model_asked, record.model_sent) == ("fast", "gpt-4o-mini")
    assert (record.shape, record.endpoint, record.resolved_by) == ("chat", "responses", "id")
    assert (record.attempts, record.status, record.outcome) == (3, 200, "success")
    assert (record.first_byte_ms, record.ms) == (250.0, 500.0)
    assert (record.input_tokens, record.output_tokens) == (7, None)
    assert (record.report, record.warnings, record.reason) == ("dropped=n", "old", "")


def test_what_does_not_apply_is_empty() -> None:
    record = record_of(Decision(), "other", SUCCESS, 0, 0.1)
    assert (record.endpoint, record.address, record.evidence) == ("", "", ())
    assert (record.first_byte_ms, record.input_tokens, record.output_tokens) == (None, None, None)


def test_a_request_that_was_passed_on_has_no_shape() -> None:
    passed_on = Decision("openai", attempts=1)
    assert record_of(passed_on, "other", SUCCESS, 200, 0.1).endpoint == "other"


def test_a_request_that_was_refused_before_it_was_sent_has_no_endpoint() -> None:
    assert (
        record_of(Decision("openai"), "chat", Ending(Outcome.CLIENT_ERROR), 400, 0.1).endpoint == ""
    )


def test_the_evidence_is_in_words() -> None:
    pieces = (Evidence(Source.ID, "it is a fine-tune"), Evidence(Source.DEFAULT, "nothing known"))
    record = record_of(Decision("openai", evidence=pieces), "chat", SUCCESS, 200, 0.1)
    assert record.evidence == ("id: it is a fine-tune", "default: nothing known")


def test_the_reason_is_that_of_the_ending_or_of_a_call_that_failed_before() -> None:
    ending = Ending(Outcome.UPSTREAM_ERROR, Reason.DNS)
    assert record_of(Decision("openai"), "chat", ending, 502, 0.1).reason == "dns"
    decision = Decision("openai")
    decision.failed("openai", UpstreamUnavailable("down", reason=Reason.REFUSED))
    assert record_of(decision, "other", SUCCESS, 200, 0.1).reason == "refused"
