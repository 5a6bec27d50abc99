"""The metrics in Prometheus' text format."""

from gateway.admin.counters.exposition import CONTENT_TYPE, exposition, families
from gateway.admin.counters.metrics import Metrics
from gateway.errors import Reason
from gateway.exchange.decision import Decision
from gateway.upstream.health import Health
from gateway.upstream.slots import UpstreamStats
from tests.admin.counters.test_metrics import SUCCESS
from tests.observe.ended import finished_now


def test_the_type_is_prometheus_text() -> None:
    assert CONTENT_TYPE.startswith("text/plain; version=")


def test_times_are_a_histogram_that_adds_up() -> None:
    metrics = Metrics(frozenset({"openai"}))
    for seconds in (0.001, 0.005, 0.3, 1000.0):
        metrics.finished(finished_now(Decision("openai"), "chat", SUCCESS, 200, seconds))
    text = exposition(families(metrics)).decode()
    more = 'outcome="success",upstream="openai"'
    for bound, count in (
        ("0.005", 2.0),
        ("0.02", 2.0),
        ("0.5", 3.0),
        ("300.0", 3.0),
        ("+Inf", 4.0),
    ):
        where = f'gateway_request_seconds_bucket{{client_shape="chat",le="{bound}",{more}}}'
        assert f"{where} {count}" in text
    assert f'gateway_request_seconds_count{{client_shape="chat",{more}}} 4.0' in text
    assert f'gateway_request_seconds_sum{{client_shape="chat",{more}}} 1000.306' in text


def test_what_goes_on_at_each_upstream_is_asked_when_somebody_looks() -> None:
    now = {"own": UpstreamStats(3, 2, 7), "proxied": UpstreamStats(1, None, 0)}
    metrics = Metrics(frozenset(now), lambda: now)
    text = exposition(families(metrics)).decode()
    assert 'gateway_upstream_in_flight{upstream="own"} 3.0' in text
    assert 'gateway_upstream_queued{upstream="own"} 7.0' in text
    assert 'gateway_upstream_idle_connections{upstream="own"} 2.0' in text
    assert 'gateway_upstream_in_flight{upstream="proxied"} 1.0' in text
    assert 'idle_connections{upstream="proxied"}' not in text
    now["own"] = UpstreamStats(0, 5, 0)
    assert (
        'gateway_upstream_in_flight{upstream="own"} 0.0' in exposition(families(metrics)).decode()
    )


def test_stores_are_shown_as_they_are_when_somebody_looks() -> None:
    metrics = Metrics(frozenset())
    text = exposition(families(metrics)).decode()
    assert "gateway_shared_memory_up{" not in text
    assert "gateway_responses_not_stored_total 0.0" in text
    metrics.stores = lambda: {"memory": True, "responses": False}
    metrics.not_stored = lambda: 3
    text = exposition(families(metrics)).decode()
    assert 'gateway_shared_memory_up{store="memory"} 1.0' in text
    assert 'gateway_shared_memory_up{store="responses"} 0.0' in text
    assert "gateway_responses_not_stored_total 3.0" in text


def test_addresses_are_shown_as_they_are_when_somebody_looks() -> None:
    metrics = Metrics(frozenset({"local"}))
    assert "gateway_upstream_address_up{" not in exposition(families(metrics)).decode()
    a, b = Health("http://a/v1"), Health("http://b/v1")
    b.failed(Reason.REFUSED)
    metrics.addresses = lambda: {"local": (a, b)}
    text = exposition(families(metrics)).decode()
    assert 'gateway_upstream_address_up{address="http://a/v1",upstream="local"} 1.0' in text
    assert 'gateway_upstream_address_up{address="http://b/v1",upstream="local"} 0.0' in text
    failures = "gateway_upstream_address_failures_total"
    assert f'{failures}{{address="http://a/v1",upstream="local"}} 0.0' in text
    assert f'{failures}{{address="http://b/v1",upstream="local"}} 1.0' in text


def test_sockets_are_counted_by_kind() -> None:
    metrics = Metrics(frozenset())
    text = exposition(families(metrics)).decode()
    assert "gateway_open_sockets{" not in text
    traffic = metrics.sockets.opened("responses")
    metrics.sockets.opened("realtime")
    metrics.sockets.ended("realtime", 1012)
    traffic.received, traffic.sent = 10, 2000
    text = exposition(families(metrics)).decode()
    assert 'gateway_open_sockets{kind="responses"} 1.0' in text
    assert 'gateway_open_sockets{kind="realtime"} 0.0' in text
    assert 'gateway_sockets_closed_total{code="1012",kind="realtime"} 1.0' in text
    assert 'gateway_socket_bytes_total{direction="received",kind="responses"} 10.0' in text
    assert 'gateway_socket_bytes_total{direction="sent",kind="responses"} 2000.0' in text
