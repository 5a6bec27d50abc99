"""Finished spans, and their attributes. None of them has a key, a body or a model's text.

Names follow OpenTelemetry's conventions for HTTP (1.44) and for generative AI (0.1), where these
have one; names of the gateway's own begin with `gateway.`.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from gateway.config.checks.addresses import host_of, port_of
from gateway.observe.record import RequestRecord
from gateway.observe.tracing.context import Context
from gateway.observe.tracing.spans import FAILED, CallSpan, RequestSpan, operation_at

Value = str | int | float | bool
Attributes = dict[str, Value]

FIRST_BYTE: Final = "gateway.first_byte"
"""The event at the first byte of a reply's body."""

SERVER_ATTRIBUTES: Final = (
    "http.request.method",
    "http.route",
    "url.path",
    "http.response.status_code",
    "error.type",
    "gen_ai.operation.name",
    "gen_ai.request.model",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "gateway.request_id",
    "gateway.client",
    "gateway.outcome",
    "gateway.upstream",
    "gateway.upstream_shape",
    "gateway.resolved_by",
    "gateway.attempts",
    "gateway.translation",
)
CLIENT_ATTRIBUTES: Final = (
    "http.request.method",
    "server.address",
    "server.port",
    "http.response.status_code",
    "http.request.resend_count",
    "error.type",
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.request.stream",
    "gen_ai.response.model",
    "gen_ai.response.time_to_first_chunk",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "gateway.upstream",
    "gateway.outcome",
)

_COUNTS = frozenset({"gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"})
_LONGEST = 512
"""Characters of a text."""


class Span(NamedTuple):
    """A finished span, ready for export. Times are Unix nanoseconds."""

    name: str
    context: Context
    parent: Context | None
    is_server: bool
    started: int
    ended: int
    attributes: Mapping[str, Value]
    first_byte: int
    """When the first byte of the body had arrived: the event `FIRST_BYTE`; 0 if none had."""
    has_failed: bool


def spans_of(request: RequestSpan) -> list[Span]:
    """Return all spans of the request, which has ended."""
    answered = [call for call in request.calls if not call.error]
    only = answered[0] if len(answered) == 1 else None
    calls = [_call_span(request, call, is_only=call is only) for call in request.calls]
    return [_server_span(request), *calls]


def _server_span(request: RequestSpan) -> Span:
    record = request.record
    failed = record.outcome in FAILED
    values: tuple[Value | None, ...] = (
        request.method,
        request.route,
        request.path[:_LONGEST],
        record.status,
        _error_of(record) if failed else "",
        operation_at(request.route.removeprefix("/v1")) if request.method == "POST" else "",
        record.model_asked[:_LONGEST],
        record.input_tokens,
        record.output_tokens,
        record.request_id,
        record.client,
        record.outcome.value,
        record.upstream,
        record.endpoint,
        record.resolved_by,
        record.attempts,
        record.report,
    )
    first = record.first_byte_ms
    return Span(
        f"{request.method} {request.route}".strip(),
        request.context,
        request.parent,
        is_server=True,
        started=request.started,
        ended=request.ended,
        attributes=_attributes(SERVER_ATTRIBUTES, values),
        first_byte=0 if first is None else request.started + round(first * 1e6),
        has_failed=failed,
    )


def _call_span(request: RequestSpan, call: CallSpan, *, is_only: bool) -> Span:
    """Return a call's span; with `is_only`, the call has the tokens of the request."""
    record = request.record
    streamed = call.is_stream and bool(call.operation)
    values: tuple[Value | None, ...] = (
        call.method,
        host_of(call.address),
        port_of(call.address),
        call.status,
        call.resends,
        call.error,
        call.operation,
        call.target.provider if call.operation else "",
        call.model[:_LONGEST],
        streamed,
        call.answered_by,
        (call.first - call.started) / 1e9 if streamed and call.first else 0,
        record.input_tokens if is_only else None,
        record.output_tokens if is_only else None,
        call.target.upstream,
        call.cut_by,
    )
    return Span(
        f"{call.operation} {call.model[:_LONGEST]}".strip() if call.operation else call.method,
        call.context,
        request.context,
        is_server=False,
        started=call.started,
        ended=call.ended,
        attributes=_attributes(CLIENT_ATTRIBUTES, values),
        first_byte=call.first,
        has_failed=bool(call.error),
    )


def _error_of(record: RequestRecord) -> str:
    """Return the class of a failed request's error."""
    return record.reason or record.outcome.value


def _attributes(names: Sequence[str], values: Sequence[Value | None]) -> Attributes:
    """Return the attributes that apply: a 0 is a value for tokens only."""
    return {
        name: value
        for name, value in zip(names, values, strict=True)
        if value or (value == 0 and name in _COUNTS)
    }
