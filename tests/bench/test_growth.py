"""The growth bench, with conversations too short to say anything."""

import json

from bench import growth
from bench.cases import PAIRS
from bench.growth import Point, Report
from tests.rows import module_fixture


@module_fixture
def report() -> Report:
    return growth.run(turns=(1, 2), seconds=0.0)


def test_every_pair_is_measured_at_every_length(report: Report) -> None:
    measured = [(point.pair.title, point.turns) for point in report.points]
    assert measured == [(pair.title, n) for pair in PAIRS if pair.agents for n in (1, 2)]
    assert all(point.own > 0 and point.own_ratio > 0 for point in report.points)


def test_figures_are_json_and_the_image_has_a_line_for_each_pair(report: Report) -> None:
    assert len(json.loads(json.dumps(report.figures))) == len(report.points)
    assert all(report.image().count(f">{pair.title}<") for pair in PAIRS if pair.agents)


def test_tables_have_a_row_for_each_pair_and_a_column_for_each_length() -> None:
    pair = PAIRS[1]
    points = [
        Point(pair, 1, 2_000, 50.0, 90.0, 20.0, 2.5, 4.5),
        Point(pair, 3_000, 1_600_000, 12_000.0, 50_000.0, 6_000.0, 2.0, 8.3),
    ]
    text = Report(points).text()
    assert "| turns | 1 (2 KB) | 3,000 (1,600 KB) |" in text
    assert "| chat→responses | 50 (2.5) | 12,000 (2.0) |" in text
    assert "| chat→responses | 25.0 | 7.5 |" in text
    assert "| chat→responses | 90 (4.5) | 50,000 (8.3) |" in text
