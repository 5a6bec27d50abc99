"""A collector that takes OTLP over HTTP, on a real socket, and keeps the spans."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

PATIENCE = 20.0


@dataclass(frozen=True)
class Received:
    """A span as it was received: ids in hexadecimal."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    state: str
    kind: str
    failed: bool
    attributes: dict[str, Any]
    events: dict[str, int]
    started: int
    ended: int
    resource: dict[str, Any]

    @property
    def is_server(self) -> bool:
        return self.kind == "SPAN_KIND_SERVER"


@dataclass
class Collector:
    """What has arrived, and how requests are answered."""

    endpoint: str
    spans: list[Received] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)
    """The header fields of each request."""
    status: int = 200
    location: str = ""
    held: threading.Event = field(default_factory=threading.Event)
    """Cleared: requests are not answered."""
    changed: threading.Condition = field(default_factory=threading.Condition)

    def wait_for_requests(self, number: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.requests) >= number, PATIENCE)

    def wait_for(self, number: int) -> list[Received]:
        """Wait until so many spans have arrived in all; return them."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.spans) >= number, PATIENCE), self.spans
            return list(self.spans)

    def trace(self, calls: int) -> tuple[Received, list[Received]]:
        """Wait for one request's spans: return the server's, and those of its calls in order."""
        spans = self.wait_for(calls + 1)
        assert len(spans) == calls + 1
        (server,) = [span for span in spans if span.is_server]
        clients = sorted((s for s in spans if not s.is_server), key=lambda span: span.started)
        for client in clients:
            assert (client.kind, client.parent_id) == ("SPAN_KIND_CLIENT", server.span_id)
            assert client.trace_id == server.trace_id
        return server, clients

    def take(self, headers: dict[str, str], body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        with self.changed:
            self.requests.append(headers)
            self.changed.notify_all()
        self.held.wait(PATIENCE)
        if self.status != 200:
            return
        with self.changed:
            self.spans += [
                _received(span, _values(resource.resource.attributes))
                for resource in request.resource_spans
                for scope in resource.scope_spans
                for span in scope.spans
            ]
            self.changed.notify_all()


def _values(attributes: Any) -> dict[str, Any]:
    return {
        each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in attributes
    }


def _received(span: ProtoSpan, resource: dict[str, Any]) -> Received:
    return Received(
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.trace_state,
        ProtoSpan.SpanKind.Name(span.kind),
        span.status.code == Status.STATUS_CODE_ERROR,
        _values(span.attributes),
        {event.name: event.time_unix_nano for event in span.events},
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        resource,
    )


@contextmanager
def collector(port: int = 0) -> Iterator[Collector]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            body = self.rfile.read(int(self.headers["content-length"]))
            running.take({name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(running.status)
            if running.location:
                self.send_header("location", running.location)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        server.daemon_threads = True
        running = Collector(f"http://127.0.0.1:{server.server_port}")
        running.held.set()
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield running
        finally:
            running.held.set()
            server.shutdown()
            thread.join()
