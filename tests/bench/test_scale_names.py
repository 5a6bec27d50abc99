"""The report of the scale bench's third part."""

import json
from collections import Counter
from dataclasses import replace

from bench.cases import Case
from bench.measure import Sample
from bench.scale_names import Report, Row

ONE = Case("one", "one model", 32)
EACH = replace(ONE, name="each", title="10,000 models in turn")


def row(gateway: str, case: Case, *costs: float) -> Row:
    return Row(gateway, case, [Sample(1, 1.0, 0, cost, 1.0, 1.0, 0, 0) for cost in costs])


def report() -> Report:
    rows = [
        row("configured", ONE, 50.0, 100.0),
        row("10,000 learned", ONE, 60.0, 110.0),
        row("configured", EACH, 200.0, 300.0),
        row("10,000 learned", EACH),
    ]
    return Report(rows, Counter(learned=10_000), {"configured": 32 << 20})


def test_a_ratio_is_to_the_configured_gateway_in_the_same_round() -> None:
    lines = report().text().splitlines()
    assert "| one model; 10,000 learned | 85.0 (60.0-110.0) | 1.15 | 0 |" in lines
    assert "| 10,000 models in turn; configured | 250.0 (200.0-300.0) | 1.00 | 0 |" in lines
    assert "| 10,000 models in turn; 10,000 learned | no result | | |" in lines


def test_it_says_how_endpoints_were_found_and_what_that_takes() -> None:
    said = "Endpoints of the last: 10,000 learned. Memory in MB: 32 (configured)."
    assert report().text().endswith(said)


def test_figures_are_json() -> None:
    figures = json.loads(json.dumps(report().figures))
    assert figures["rows"][1]["ratio"] == [1.2, 1.1]
    assert figures["resolved_by"] == {"learned": 10_000}
