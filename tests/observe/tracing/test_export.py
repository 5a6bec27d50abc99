"""The queue to a collector: batches, its limit, its end and its warnings."""

import asyncio
import logging
import threading
from collections.abc import Sequence

import pytest

from gateway.observe.outcomes import Outcome
from gateway.observe.tracing import export
from gateway.observe.tracing.attributes import Span, spans_of
from gateway.observe.tracing.export import Exporting
from gateway.observe.tracing.spans import RequestSpan
from tests.observe.tracing.ended import ended_request

PATIENCE = 20.0


class FakeCollector:
    endpoint = "http://collector.test/v1/traces"

    def __init__(self, problem: str = "") -> None:
        self.problem = problem
        self.batches: list[int] = []
        self.closed = False
        self.began = threading.Semaphore(0)
        self.go = threading.Event()
        self.go.set()

    def export(self, spans: Sequence[Span]) -> str:
        self.began.release()
        self.go.wait(PATIENCE)
        self.batches.append(len(spans))
        return self.problem

    def close(self) -> None:
        self.closed = True


def requests(number: int, calls: int = 1) -> list[RequestSpan]:
    return [ended_request(Outcome.SUCCESS, calls) for _ in range(number)]


def put_all(exporting: Exporting, number: int, calls: int = 1) -> None:
    for request in requests(number, calls):
        exporting.put(request)


def test_what_waits_is_exported_at_the_end() -> None:
    collector = FakeCollector()
    exporting = Exporting(collector)
    put_all(exporting, 3)
    asyncio.run(exporting.aclose())
    assert sum(collector.batches) == 6
    assert collector.closed


def test_without_spans_there_is_no_thread() -> None:
    collector = FakeCollector()
    asyncio.run(Exporting(collector).aclose())
    assert collector.closed
    assert collector.batches == []


def test_a_full_batch_is_exported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "INTERVAL", PATIENCE)
    collector = FakeCollector()
    exporting = Exporting(collector)
    put_all(exporting, export.BATCH // 2)
    assert collector.began.acquire(timeout=PATIENCE)
    asyncio.run(exporting.aclose())
    assert collector.batches == [export.BATCH]


def test_batches_have_a_limit_and_requests_stay_together() -> None:
    collector = FakeCollector()
    collector.go.clear()
    exporting = Exporting(collector)
    put_all(exporting, 1)
    assert collector.began.acquire(timeout=PATIENCE)
    put_all(exporting, 4, calls=export.BATCH // 2)
    collector.go.set()
    asyncio.run(exporting.aclose())
    together = 2 * (1 + export.BATCH // 2)
    assert collector.batches == [2, together, together]


def test_beyond_the_limit_spans_are_dropped(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MAX_WAITING", 4)
    collector = FakeCollector()
    collector.go.clear()
    exporting = Exporting(collector)
    put_all(exporting, 1)
    assert collector.began.acquire(timeout=PATIENCE)
    put_all(exporting, 3)
    collector.go.set()
    with caplog.at_level(logging.WARNING, "gateway"):
        asyncio.run(exporting.aclose())
    assert collector.batches == [2, 4]
    (message,) = caplog.messages
    assert message == (
        "tracing: 2 spans are lost: the collector at http://collector.test/v1/traces does not "
        "accept them: it accepts them too slowly"
    )


def test_a_collector_that_hangs_delays_the_end_for_a_while_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(export, "FLUSH_SECONDS", 0.05)
    collector = FakeCollector("status 503")
    collector.go.clear()
    exporting = Exporting(collector)
    put_all(exporting, 1)
    assert collector.began.acquire(timeout=PATIENCE)
    put_all(exporting, 2)
    with caplog.at_level(logging.WARNING, "gateway"):
        asyncio.run(exporting.aclose())
        assert collector.closed
        assert collector.batches == []
        exporting.put(ended_request(Outcome.SUCCESS))
        collector.go.set()
        assert exporting._thread is not None
        exporting._thread.join(PATIENCE)
    # Both what was being exported and what was waiting, and only once.
    (message,) = caplog.messages
    assert message.startswith("tracing: 6 spans are lost: the collector at http://collector.test")
    assert message.endswith(" does not accept them: it accepted none for 0.05 s at the end")


def test_what_was_lost_since_the_last_warning_is_logged_at_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    collector = FakeCollector("status 503")
    exporting = Exporting(collector, lambda: 1000.0)
    with caplog.at_level(logging.WARNING, "gateway"):
        exporting._export(spans_of(ended_request(Outcome.SUCCESS)))
        put_all(exporting, 2)
        asyncio.run(exporting.aclose())
        asyncio.run(Exporting(FakeCollector()).aclose())
    assert [message.partition(" spans")[0] for message in caplog.messages] == [
        "tracing: 2",
        "tracing: 4",
    ]
    assert caplog.messages[1].endswith(": status 503")


def test_a_problem_is_a_warning_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = [1000.0]
    collector = FakeCollector("status 503")
    exporting = Exporting(collector, lambda: now[0])
    with caplog.at_level(logging.WARNING, "gateway"):
        for seconds in (0.0, 30.0, 59.0, 60.0):
            now[0] = 1000.0 + seconds
            exporting._export(spans_of(ended_request(Outcome.SUCCESS)))
    assert caplog.messages == [
        f"tracing: {lost} spans are lost: the collector at http://collector.test/v1/traces does "
        "not accept them: status 503"
        for lost in (2, 6)
    ]
    fields = [record.__dict__["fields"] for record in caplog.records]
    assert fields[0] == {"collector": "http://collector.test/v1/traces", "lost": 2}
