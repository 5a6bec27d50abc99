"""Export by OTLP over HTTP, to a collector on a real socket."""

import threading
from pathlib import Path

import pytest
import requests

from gateway import __version__
from gateway.config.operator_settings import TracingSettings
from gateway.config.secret import Secret
from gateway.observe.outcomes import Outcome
from gateway.observe.tracing.attributes import spans_of
from gateway.observe.tracing.context import Context
from gateway.observe.tracing.otlp import OTLPCollector
from tests.observe.tracing.collector import collector
from tests.observe.tracing.ended import ended_request
from tests.waiting import PATIENCE

SPANS = spans_of(ended_request(Outcome.SUCCESS))


@pytest.fixture
def briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be exported is given up soon."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")


@pytest.fixture(autouse=True)
def patiently(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is exported has as long as a test."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", f"{PATIENCE:g}")


def test_spans_arrive_with_their_resource() -> None:
    with collector() as taking:
        exporter = OTLPCollector(TracingSettings(taking.endpoint))
        assert exporter.endpoint == f"{taking.endpoint}/v1/traces"
        assert exporter.export(SPANS) == ""
        exporter.close()
    server, call = taking.spans
    assert (server.trace_id, server.span_id) == ("a" * 32, "b" * 16)
    assert call.parent_id == server.span_id
    assert server.resource["service.name"] == "endpoint-gateway"
    assert server.resource["service.version"] == __version__


def test_the_environment_names_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=a,deployment.environment=test")
    with collector() as taking:
        OTLPCollector(TracingSettings(taking.endpoint)).export(SPANS)
        monkeypatch.setenv("OTEL_SERVICE_NAME", "b")
        OTLPCollector(TracingSettings(taking.endpoint)).export(SPANS)
    first, second = taking.spans[0].resource, taking.spans[2].resource
    assert (first["service.name"], second["service.name"]) == ("a", "b")
    assert first["deployment.environment"] == "test"
    assert first["service.instance.id"] != second["service.instance.id"]


def test_a_collector_gets_the_configured_fields_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    headers = (("authorization", Secret("Bearer abc")), ("x-tenant", Secret("t")))
    with collector() as taking:
        assert OTLPCollector(TracingSettings(taking.endpoint, headers)).export(SPANS) == ""
    (request,) = taking.requests
    assert (request["authorization"], request["x-tenant"]) == ("Bearer abc", "t")
    assert request["content-type"] == "application/x-protobuf"


@pytest.mark.parametrize("status", [400, 401, 503])
def test_a_refusal_is_reported_by_its_status(status: int) -> None:
    with collector() as taking:
        taking.status = status
        exporter = OTLPCollector(TracingSettings(f"{taking.endpoint}/v1/traces"))

        def close() -> None:
            """Have it not try again."""
            taking.wait_for_requests(1)
            exporter.close()

        closing = threading.Thread(target=close)
        closing.start()
        assert exporter.export(SPANS) == f"status {status}"
        closing.join()


def test_a_redirection_is_not_followed() -> None:
    with collector() as taking:
        taking.status, taking.location = 307, f"{taking.endpoint}/v1/traces"
        problem = OTLPCollector(TracingSettings(taking.endpoint)).export(SPANS)
    assert problem == "status 307"
    assert taking.spans == []


@pytest.mark.usefixtures("briefly")
def test_a_collector_that_is_down_is_reported() -> None:
    problem = OTLPCollector(TracingSettings("http://127.0.0.1:1")).export(SPANS)
    assert problem == "it cannot be reached, or does not answer in time"


def test_what_requests_raises_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Older versions of the exporter let it out."""
    exporter = OTLPCollector(TracingSettings("http://127.0.0.1:1"))

    def fail(spans: object) -> None:
        raise requests.ConnectionError

    monkeypatch.setattr(exporter._exporter, "export", fail)
    assert exporter.export(SPANS) == "it cannot be reached, or does not answer in time"


def test_a_bug_of_the_library_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = OTLPCollector(TracingSettings("http://127.0.0.1:1"))

    def fail(spans: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(exporter._exporter, "export", fail)
    assert exporter.export(SPANS) == "RuntimeError"


def test_a_state_is_exported() -> None:
    request = ended_request(Outcome.SUCCESS)
    request.parent = Context(b"a" * 32, b"c" * 16, 1, b"a=1")
    request.context = request.context._replace(state=b"a=1")
    with collector() as taking:
        OTLPCollector(TracingSettings(taking.endpoint)).export(spans_of(request))
    assert (taking.spans[0].state, taking.spans[0].parent_id) == ("a=1", "c" * 16)
