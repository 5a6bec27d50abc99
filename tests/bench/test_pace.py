"""The report of the pace bench."""

import json

from bench.cases import PAIRS
from bench.contenders import GATEWAY, NGINX
from bench.measure import Sample
from bench.pace import CONVERSATION, Report, Row, rows
from gateway.shapes import Shape


def sample(p99_ms: float) -> Sample:
    return Sample(100, 100.0, 0, 1.0, 0.5, p99_ms, 0, 32, p99_ms * 2)


def report() -> Report:
    found = [row for row in rows() if row.contender == GATEWAY][:3]
    for row, all_p99 in zip(found, ((1.0, 3.0), (2.0, 3.5), (4.0, 7.5)), strict=True):
        row.streams = [sample(p99) for p99 in all_p99]
    for row in found[1:]:
        row.large_ms, row.large_replies = [12.0, 14.0], 10
    return Report([*found, Row("nothing", NGINX, None, problem="not here")])


def test_a_rise_is_over_the_streams_alone_in_the_same_round() -> None:
    lines = report().text().splitlines()[4:]
    assert lines == [
        "| gateway: nothing | 0.50 | 2.00 | 4.00 | - | - | - | 0 |",
        "| gateway: 3 MB passed on | 0.50 | 2.75 | 5.50 | 0.75 (0.50 to 1.00) | 10 | 13 | 0 |",
        "| gateway: chat→responses | 0.50 | 5.75 | 11.50 | 3.75 (3.00 to 4.50) | 10 | 13 | 0 |",
        "| nginx: nothing | not here | | | | | | |",
    ]


def test_figures_are_json() -> None:
    figures = json.loads(json.dumps(report().figures))
    assert figures[2]["p99_rise_ms"] == [3.0, 4.5]


def test_a_conversation_of_3_mb_is_beside_the_streams_in_every_pair() -> None:
    assert 2_900_000 < len(CONVERSATION.body(Shape.CHAT, "m")) < 3_200_000
    beside = {row.title for row in rows() if row.contender == GATEWAY}
    assert beside >= {pair.title for pair in PAIRS if pair.agents}
