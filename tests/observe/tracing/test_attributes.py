"""Finished spans: names, attributes, errors and times."""

import pytest

from gateway.observe.outcomes import Outcome
from gateway.observe.tracing.attributes import CLIENT_ATTRIBUTES, SERVER_ATTRIBUTES, spans_of
from gateway.observe.tracing.spans import CallSpan
from tests.observe.tracing.ended import CONTEXT, TARGET, call, ended_request, open_request, record


def test_a_server_span_has_what_its_record_has() -> None:
    request = open_request()
    request.end(record(Outcome.SUCCESS, tokens=0))
    (server,) = spans_of(request)
    assert server.name == "POST /v1/chat/completions"
    assert server.first_byte == server.started + 2_000_000
    assert server.attributes == {
        "http.request.method": "POST",
        "http.route": "/v1/chat/completions",
        "url.path": "/v1/chat/completions",
        "http.response.status_code": 200,
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "asked",
        "gen_ai.usage.input_tokens": 0,
        "gen_ai.usage.output_tokens": 0,
        "gateway.request_id": "req-1",
        "gateway.client": "team-a",
        "gateway.outcome": "success",
        "gateway.upstream": "up",
        "gateway.upstream_shape": "chat",
        "gateway.resolved_by": "config",
        "gateway.attempts": 1,
        "gateway.translation": "dropped=seed",
    }


def test_every_name_is_used() -> None:
    assert len(set(SERVER_ATTRIBUTES)) == len(SERVER_ATTRIBUTES)
    assert len(set(CLIENT_ATTRIBUTES)) == len(CLIENT_ATTRIBUTES)


@pytest.mark.parametrize(
    ("outcome", "failed"),
    [
        (Outcome.SUCCESS, False),
        (Outcome.CLIENT_ERROR, False),
        (Outcome.CLIENT_CLOSED, False),
        (Outcome.CLIENT_LIMITED, False),
        (Outcome.STREAM_BROKEN, True),
        (Outcome.RATE_LIMITED, True),
        (Outcome.UPSTREAM_ERROR, True),
        (Outcome.INTERNAL_ERROR, True),
        (Outcome.SHUTTING_DOWN, True),
    ],
)
def test_outcomes_set_the_status(outcome: Outcome, failed: bool) -> None:
    (server,) = spans_of(ended_request(outcome, calls=0))
    assert server.has_failed is failed
    assert server.attributes.get("error.type") == (outcome.value if failed else None)


def test_tokens_belong_to_the_only_call_that_answered() -> None:
    request = open_request()
    first, second = call(), call()
    first.end("404")
    second.end()
    request.calls += [first, second]
    request.end(record(Outcome.SUCCESS, tokens=7))
    _, refused, answered = spans_of(request)
    assert "gen_ai.usage.input_tokens" not in refused.attributes
    assert answered.attributes["gen_ai.usage.input_tokens"] == 7
    assert answered.attributes["gen_ai.usage.output_tokens"] == 7


def test_a_stream_has_the_time_to_its_first_chunk() -> None:
    request = open_request()
    streamed = call()
    streamed.is_stream = True
    streamed.arrived(b'data: {"model": "m"}\n\n')
    request.calls.append(streamed)
    request.end(record(Outcome.SUCCESS))
    span = spans_of(request)[1]
    seconds = (streamed.first - streamed.started) / 1e9
    assert span.attributes["gen_ai.response.time_to_first_chunk"] == seconds
    assert span.attributes["gen_ai.response.model"] == "m"
    assert span.attributes["gen_ai.request.stream"] is True


def test_a_call_that_is_not_generative_has_a_name_and_no_model() -> None:
    request = open_request()
    files = CallSpan(CONTEXT.child(), TARGET, "GET", "/files", "")
    files.is_stream = True
    files.arrived(b'{"model": "m"}')
    request.calls.append(files)
    request.end(record(Outcome.SUCCESS))
    span = spans_of(request)[1]
    assert span.name == "GET"
    assert not any(name.startswith("gen_ai.") for name in span.attributes)
