"""Traces of `gateway serve`: by each of its workers, and until its end."""

import signal
from pathlib import Path

import pytest

from tests.door.doors import CHAT, chat, connect
from tests.door.upstream import recording_upstream
from tests.observe.tracing.collector import collector
from tests.processes import gateway_process, script_process
from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow


FLUSHING_LONG = f"""
from gateway.cli import main
from gateway.observe.tracing import export
export.FLUSH_SECONDS = {PATIENCE}
main(["serve", "--config", "config.yaml"])
"""
"""Two seconds are not enough for a collector that a busy machine stops."""


def test_workers_export_what_they_have_at_their_end(tmp_path: Path) -> None:
    with collector() as taking, recording_upstream() as upstream:
        configuration = f"""
server: {{port: 0, workers: 2}}
admin: {{enabled: false}}
upstreams: {{up: {{base_url: "{upstream.base_url}", kind: openai}}}}
tracing: {{endpoint: "{taking.endpoint}"}}
"""
        (tmp_path / "config.yaml").write_text(configuration)
        with script_process(FLUSHING_LONG, folder=tmp_path) as gateway:
            base_url = gateway.line_with("gateway: ").removeprefix("gateway: ")
            for _ in range(40):
                with connect(base_url) as client:
                    client.request("POST", CHAT, chat())
                    assert client.reply().status == 200
            gateway.signal(signal.SIGTERM)
            assert gateway.ended() == 0
        spans = taking.spans
    assert len(spans) == 80
    instances = {span.resource["service.instance.id"] for span in spans}
    assert 1 <= len(instances) <= 2
    assert len({span.span_id for span in spans}) == 80


def test_check_and_serve_say_that_a_collector_cannot_be_reached_only_once(tmp_path: Path) -> None:
    with recording_upstream() as upstream:
        variables = {
            "GATEWAY_ADMIN__PORT": "0",
            "GATEWAY_TRACING__ENDPOINT": "http://127.0.0.1:1",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
        }
        arguments = ("serve", "--port", "0", "--upstream", upstream.base_url)
        with gateway_process(*arguments, folder=tmp_path, **variables) as gateway:
            base_url = gateway.line_with("gateway: ").removeprefix("gateway: ")
            for _ in range(2):
                with connect(base_url) as client:
                    client.request("POST", CHAT, chat())
                    assert client.reply().status == 200
            line = gateway.line_with("tracing: ")
            gateway.signal(signal.SIGTERM)
            assert gateway.ended() == 0
    assert "spans are lost: the collector at http://127.0.0.1:1/v1/traces does not accept" in line
    assert not [line for line in gateway.lines if "opentelemetry" in line or "urllib3" in line]
