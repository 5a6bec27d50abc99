"""The counters, whose labels come from closed sets."""

from typing import Any

import pytest

from gateway import __version__
from gateway.admin.counters import metrics as metrics_module
from gateway.admin.counters.exposition import exposition
from gateway.admin.counters.metrics import Metrics
from gateway.errors import Reason
from gateway.exchange.decision import Decision, UpstreamFailure
from gateway.observe.outcomes import Ending, Outcome
from gateway.shapes import Shape
from tests.observe.ended import finished_now

SUCCESS = Ending(Outcome.SUCCESS)


def count(decision: Decision, shape: str = "chat", ending: Ending = SUCCESS) -> str:
    metrics = Metrics(frozenset({"openai"}))
    metrics.finished(finished_now(decision, shape, ending, 200, 0.1))
    return exposition(metrics.families()).decode()


def test_requests_are_counted_by_labels_from_closed_sets() -> None:
    decision = Decision("openai", Shape.CHAT, resolved_by="id", attempts=2, client="team-a")
    text = count(decision, "completions")
    labels = (
        'client="team-a",client_shape="completions",model="other",outcome="success",'
        'resolved_by="id",status="200",upstream="openai",upstream_shape="chat"'
    )
    assert f"gateway_requests_total{{{labels}}} 1.0" in text
    assert 'gateway_retries_total{upstream="openai"} 1.0' in text


def test_messages_are_a_shape_of_clients_and_of_upstreams() -> None:
    text = count(Decision("openai", Shape.MESSAGES, resolved_by="default"), "messages")
    assert 'client_shape="messages"' in text
    assert 'upstream_shape="messages"' in text


def test_what_was_refused_before_it_was_sent_is_told_from_what_was_passed_on() -> None:
    metrics, refused = Metrics(frozenset({"openai"})), Ending(Outcome.CLIENT_ERROR)
    for attempts in (0, 1, 0):
        decision = Decision("openai", attempts=attempts)
        metrics.finished(finished_now(decision, "other", refused, 404, 0.1))
    text = exposition(metrics.families()).decode()
    assert 'upstream="openai",upstream_shape="none"} 2.0' in text
    assert 'upstream="openai",upstream_shape="other"} 1.0' in text


def test_without_clients_of_its_own_the_client_is_none() -> None:
    assert 'gateway_requests_total{client="none",' in count(Decision())


def test_failed_calls_are_counted_by_upstream_and_reason() -> None:
    metrics = Metrics(frozenset({"openai"}))
    for upstream in ("openai", "openai", "evil"):
        metrics.upstream_failed(UpstreamFailure(upstream, Reason.DNS))
    text = exposition(metrics.families()).decode()
    assert 'gateway_upstream_failures_total{reason="dns",upstream="openai"} 2.0' in text
    assert 'gateway_upstream_failures_total{reason="dns",upstream="none"} 1.0' in text
    assert "evil" not in text


def test_what_a_client_invents_makes_no_series() -> None:
    invented: dict[str, Any] = {"upstream": "evil", "resolved_by": "evil"}
    text = count(Decision(**invented), "/v1/evil")
    assert "evil" not in text


@pytest.mark.parametrize(
    ("status", "label"), [(200, "200"), (0, "none"), (599, "599"), (999, "other"), (99, "other")]
)
def test_a_status_is_one_that_http_has(status: int, label: str) -> None:
    metrics = Metrics(frozenset({"openai"}))
    metrics.finished(finished_now(Decision("openai"), "chat", SUCCESS, status, 0.1))
    assert f'status="{label}"' in exposition(metrics.families()).decode()


def test_tokens_and_first_bytes_are_counted_where_they_are_known() -> None:
    text = count(Decision("openai", Shape.CHAT, first_byte=0.3, tokens=(5, 2)))
    labels = 'client="none",kind="{}",model="other",upstream="openai"'
    assert f"gateway_tokens_total{{{labels.format('input')}}} 5.0" in text
    assert f"gateway_tokens_total{{{labels.format('output')}}} 2.0" in text
    assert "gateway_time_to_first_byte_seconds_sum{" in text
    unknown = count(Decision("openai"))
    assert "gateway_tokens_total{" not in unknown
    assert "gateway_time_to_first_byte_seconds_sum{" not in unknown


def test_the_process_and_the_version_are_there() -> None:
    text = count(Decision("openai"))
    assert f'gateway_build_info{{version="{__version__}"}} 1.0' in text
    assert "process_resident_memory_bytes " in text
    assert 'gateway_in_flight{client_shape="chat"} 0.0' in text


def test_names_that_clients_invent_take_no_memory_beyond_a_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics_module, "_MOST_SERIES", 2)
    metrics = Metrics(frozenset({"openai"}))
    for name in ("a", "b", "c", "a"):
        decision = Decision("openai", model_asked=name)
        metrics.finished(finished_now(decision, "chat", SUCCESS, 200, 0.1))
        assert len(metrics._series) <= 2
    assert list(metrics.requests.values()) == [4]
