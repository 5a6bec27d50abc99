"""The report of the scale bench."""

import json
from collections import Counter

from bench import scale_names
from bench.cases import cases
from bench.measure import Sample
from bench.scale import Report, Row, Streams

MEGABYTE = 1 << 20


def sample(cpu_us: float, streaming: int = 0) -> Sample:
    return Sample(100, 5_000.0, 0, cpu_us, 1.5, 2.5, 210 * MEGABYTE, streaming)


def report() -> Report:
    (case,) = cases(quick=False, named="request_c32")
    rows = [
        Row(case, "gateway, 2 workers", [sample(50.0), sample(70.0)], [0.5, 0.6]),
        Row(case, "nginx, 2 workers", problem="failed: no result"),
    ]
    streams = [Streams("gateway, 1 worker", 20 * MEGABYTE, sample(20.0, 10_000))]
    return Report(rows, streams, scale_names.Report([], Counter(), {}))


def test_workers_show_how_even_their_shares_are() -> None:
    title = "request, 32 connections"
    lines = report().text().splitlines()
    shown = "60.0 (50.0-70.0) | 5,000 | 1.50 | 2.50 | 55% | 0"
    assert f"| {title}: gateway, 2 workers | {shown} |" in lines
    assert f"| {title}: nginx, 2 workers | failed: no result | | | | | |" in lines


def test_streams_show_what_each_takes() -> None:
    shown = "10,000 | 20 | 210 | 19.5 | 20.0 | 5,000 | 1.50 | 2.50 | 0"
    assert f"| gateway, 1 worker | {shown} |" in report().text().splitlines()


def test_figures_are_json() -> None:
    figures = json.loads(json.dumps(report().figures))
    assert figures["workers"][0]["busiest_share"] == [0.5, 0.6]
    assert figures["streams"][0]["open"] == 10_000
