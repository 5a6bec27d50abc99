"""Spans while their request runs: ends, errors, and what is cut short."""

import pytest

from gateway.observe.outcomes import Outcome
from gateway.observe.tracing.spans import CallSpan, operation_at
from tests.observe.tracing.ended import CONTEXT, TARGET, call, open_request, record


def test_paths_have_the_operations_of_the_conventions() -> None:
    paths = ("/chat/completions", "/responses", "/messages", "/completions", "/embeddings")
    found = [operation_at(path) for path in (*paths, "/files", "/messages/batches")]
    assert found == ["chat", "chat", "chat", "text_completion", "embeddings", "", ""]


def test_a_call_ends_once() -> None:
    span = call()
    span.end("refused")
    ended = span.ended
    span.end("dns")
    assert (span.ended, span.error) == (ended, "refused")


def test_the_status_is_an_error_before_others() -> None:
    span = call()
    span.error = "500"
    span.end("truncated")
    assert span.error == "500"


def test_the_first_arrival_counts() -> None:
    span = call()
    span.arrived()
    first = span.first
    span.arrived(b'data: {"model": "a"}\n')
    span.arrived(b'data: {"model": "b"}\n')
    assert (span.first, span.beginning) == (first, b'data: {"model": "a"}\n')


def test_what_has_no_model_keeps_nothing_of_its_body() -> None:
    span = CallSpan(CONTEXT.child(), TARGET, "GET", "/files/f1/content", "")
    span.arrived(b"a")
    assert (bool(span.first), span.beginning) == (True, b"")


@pytest.mark.parametrize(
    ("outcome", "cut_by"),
    [(Outcome.SUCCESS, ""), (Outcome.CLIENT_CLOSED, "client_closed")],
)
def test_open_calls_end_with_their_request(outcome: Outcome, cut_by: str) -> None:
    request = open_request()
    left = call()
    request.calls.append(left)
    request.end(record(outcome))
    (ended,) = request.calls
    assert (ended.ended, ended.cut_by, ended.error) == (request.ended, cut_by, "")
    assert request.size == 2
    left.end("truncated")
    assert ended.error == ""


def test_an_error_that_only_the_request_knows_is_the_last_calls() -> None:
    request = open_request()
    calls = [call(), call()]
    for each in calls:
        each.end()
    request.calls += calls
    request.end(record(Outcome.UPSTREAM_ERROR, "error_reply"))
    assert [each.error for each in request.calls] == ["", "error_reply"]


def test_a_call_that_failed_is_to_blame() -> None:
    request = open_request()
    calls = [call(), call()]
    calls[0].end("refused")
    calls[1].end()
    request.calls += calls
    request.end(record(Outcome.UPSTREAM_ERROR))
    assert [each.error for each in request.calls] == ["refused", ""]
