"""The dashboard is complete, and a real Prometheus answers all that it and the alerts ask."""

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.addresses import held_port
from tests.deploy.programs import debian
from tests.deploy.prometheus import prometheus
from tests.deploy.queries import JOB, alerts, dashboard, panels, queries
from tests.deploy.watched import TOKEN, watched
from tests.waiting import wait_until


def test_every_panel_says_what_it_shows() -> None:
    for panel in panels():
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["targets"]
    every = dashboard()["panels"]
    assert len({panel["id"] for panel in every}) == len(every)


def test_panels_do_not_overlap() -> None:
    for one, other in combinations([panel["gridPos"] for panel in dashboard()["panels"]], 2):
        assert _beside(one, other, "x", "w") or _beside(one, other, "y", "h")
    assert all(place["x"] + place["w"] <= 24 for place in (p["gridPos"] for p in panels()))


def _beside(one: Any, other: Any, place: str, size: str) -> bool:
    apart = one[place] + one[size] <= other[place] or other[place] + other[size] <= one[place]
    return bool(apart)


def test_everything_is_asked_of_the_source_that_is_chosen() -> None:
    source = {"type": "prometheus", "uid": "${datasource}"}
    names = [variable["name"] for variable in dashboard()["templating"]["list"]]
    assert names == ["datasource", "job", "upstream", "client", "model"]
    for panel in panels():
        assert panel["datasource"] == source
        for target in panel["targets"]:
            assert target["datasource"] == source
            assert 'job="$job"' in target["expr"]


def test_alerts_say_how_bad_it_is_and_what_to_do() -> None:
    names = [rule["alert"] for rule in alerts()]
    assert len(set(names)) == len(names)
    for rule in alerts():
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert rule["annotations"].keys() == {"summary", "description"}
        assert rule["annotations"]["description"].endswith(".")


@pytest.mark.slow
def test_a_real_prometheus_answers_every_query(tmp_path: Path) -> None:
    debian("prometheus")
    with (
        watched(tmp_path) as gateway,
        prometheus(gateway.admin, TOKEN, held_port(), tmp_path) as asked,
    ):
        wait_until(lambda: asked.has(f'up{{job="{JOB}"}} == 1'))
        wait_until(lambda: asked.has("gateway_requests_total"))
        for query in queries():
            asked.ask(query.expression)
        wait_until(lambda: all(rule["health"] != "unknown" for rule in asked.rules()))
        assert {rule["name"]: rule.get("lastError", "") for rule in asked.rules()} == {
            rule["alert"]: "" for rule in alerts()
        }
