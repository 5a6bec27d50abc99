"""Export by OTLP with OpenTelemetry's SDK, the extra `otel`: imported only if it is configured."""

from collections.abc import Sequence
from uuid import uuid4

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags, TraceState
from opentelemetry.trace.status import Status, StatusCode

from gateway import __version__
from gateway.config.operator_settings import TracingSettings
from gateway.observe.tracing.attributes import FIRST_BYTE, Span
from gateway.observe.tracing.context import Context

_PATH = "/v1/traces"
_SCOPE = InstrumentationScope("endpoint-gateway", __version__)
_UNSET, _ERROR = Status(StatusCode.UNSET), Status(StatusCode.ERROR)


class OTLPCollector:
    """A `Collector` that is reached by OTLP over HTTP, in protobuf.

    Where the configuration says nothing, the SDK's environment variables apply:
    `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, and the timeout, certificates and compression
    of `OTEL_EXPORTER_OTLP_…`.
    """

    def __init__(self, settings: TracingSettings) -> None:
        base = settings.endpoint or ""
        self.endpoint = base if base.endswith(_PATH) else base + _PATH
        self._resource = _resource()
        self._status = 0
        """The status of the collector's last reply."""
        session = requests.Session()
        # No proxy, and no password of a .netrc, that the configuration does not name.
        session.trust_env = False
        session.max_redirects = 0
        session.hooks["response"].append(self._note)
        self._exporter = OTLPSpanExporter(
            self.endpoint,
            headers={name: value.reveal() for name, value in settings.headers},
            session=session,
        )

    def export(self, spans: Sequence[Span]) -> str:
        """Export spans, with the exporter's own retries; see `Collector`."""
        self._status = 0
        made = [_readable(span, self._resource) for span in spans]
        try:
            result = self._exporter.export(made)
        except requests.RequestException:
            return self._problem()
        except Exception as error:  # noqa: BLE001 - of whatever the library uses
            return type(error).__name__
        if result is SpanExportResult.SUCCESS:
            return ""
        return self._problem()

    def close(self) -> None:
        """Close the connections; see `Collector`."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def _problem(self) -> str:
        if self._status:
            return f"status {self._status}"
        return "it cannot be reached, or does not answer in time"

    def _note(self, response: requests.Response, *_: object, **__: object) -> None:
        self._status = response.status_code


def _resource() -> Resource:
    """Return the resource that describes this process; attributes of the environment win."""
    own = Resource.create(
        {
            "service.name": "endpoint-gateway",
            "service.version": __version__,
            "service.instance.id": str(uuid4()),
        }
    )
    return own.merge(OTELResourceDetector().detect())


def _readable(span: Span, resource: Resource) -> ReadableSpan:
    """Return a span as the SDK has it."""
    return ReadableSpan(
        span.name,
        context=_context(span.context),
        parent=_context(span.parent) if span.parent is not None else None,
        resource=resource,
        attributes=span.attributes,
        events=[Event(FIRST_BYTE, timestamp=span.first_byte)] if span.first_byte else [],
        kind=SpanKind.SERVER if span.is_server else SpanKind.CLIENT,
        status=_ERROR if span.has_failed else _UNSET,
        start_time=span.started,
        end_time=span.ended,
        instrumentation_scope=_SCOPE,
    )


def _context(context: Context) -> SpanContext:
    state = TraceState.from_header([context.state.decode("ascii")]) if context.state else None
    return SpanContext(
        int(context.trace_id, 16),
        int(context.span_id, 16),
        is_remote=False,
        trace_flags=TraceFlags(context.flags),
        trace_state=state,
    )
