"""The growth bench's replies, too short to say anything."""

import json

from bench import growth_replies
from bench.cases import PAIRS
from bench.growth_replies import Point, Report


def test_every_pair_is_measured_whole_and_streamed() -> None:
    report = growth_replies.run(calls=(1,), deltas=(4,), seconds=0.0)
    pairs = [pair.title for pair in PAIRS if pair.agents]
    assert [(p.pair.title, p.streamed) for p in report.points] == [
        *((pair, False) for pair in pairs),
        *((pair, True) for pair in pairs),
    ]
    assert len(json.loads(json.dumps(report.figures))) == len(report.points)


def test_tables_are_by_call_and_by_delta() -> None:
    pair = PAIRS[1]
    points = [
        Point(pair, False, 10, 50.0, 70.0, 2.5),
        Point(pair, True, 2_000, 18_000.0, 20_000.0, 9.0),
    ]
    lines = Report(points).text().splitlines()
    assert lines[4:7] == ["| calls | 10 |", "|---|---|", "| responses→chat | 5.0 (2.5) |"]
    assert lines[-3:] == ["| deltas | 2,000 |", "|---|---|", "| responses→chat | 9.0 (9.0) |"]
