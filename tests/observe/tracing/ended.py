"""Spans of requests that have ended."""

from gateway.observe.outcomes import Outcome
from gateway.observe.record import RequestRecord
from gateway.observe.tracing.context import Context
from gateway.observe.tracing.spans import CallSpan, RequestSpan, Target

CONTEXT = Context(b"a" * 32, b"b" * 16, 1)
TARGET = Target("up", "openai", "https://up.test/v1")


def record(outcome: Outcome, reason: str = "", tokens: int | None = None) -> RequestRecord:
    return RequestRecord(
        time=1.0,
        request_id="req-1",
        client="team-a",
        model_asked="asked",
        model_sent="sent",
        upstream="up",
        address="",
        shape="chat",
        endpoint="chat",
        resolved_by="config",
        attempts=1,
        status=200,
        outcome=outcome,
        reason=reason,
        first_byte_ms=2.0,
        ms=3.0,
        input_tokens=tokens,
        output_tokens=tokens,
        report="dropped=seed",
        warnings="",
    )


def open_request() -> RequestSpan:
    path = "/v1/chat/completions"
    return RequestSpan(CONTEXT, None, "POST", path, path)


def call() -> CallSpan:
    return CallSpan(CONTEXT.child(), TARGET, "POST", "/chat/completions", "sent")


def ended_request(outcome: Outcome, calls: int = 1) -> RequestSpan:
    request = open_request()
    request.calls += [call() for _ in range(calls)]
    request.end(record(outcome))
    return request
