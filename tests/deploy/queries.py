"""The queries of the dashboard and of the alert rules, and what they name."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from tests.deploy.programs import DEPLOY

DASHBOARD = DEPLOY / "grafana" / "endpoint-gateway.json"
ALERTS = DEPLOY / "prometheus" / "alerts.yaml"
JOB = "endpoint-gateway"
ADDED = frozenset({"job", "instance", "le"})
"""Labels of Prometheus' own, and that of a histogram's buckets."""

_VALUES = {"$job": JOB, "$__rate_interval": "1m", "$__interval": "15s"}
_STRING = r'"(?:[^"\\]|\\.)*"'
_SELECTOR = re.compile(rf"\b((?:gateway|process)_\w+|up)\b(\{{(?:{_STRING}|[^}}\"])*\}})?")
_MATCHER = re.compile(rf"(\w+)\s*(?:=~|!~|!=|=)\s*{_STRING}")
_GROUPING = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")


@dataclass(frozen=True)
class Query:
    """A query as Prometheus gets it, where it stands, and the labels that its texts show."""

    place: str
    expression: str
    shown: frozenset[str] = frozenset()

    def metrics(self) -> dict[str, set[str]]:
        """Return the names of the metrics, each with the labels that the query takes from it."""
        found: dict[str, set[str]] = {}
        grouped = {label for group in _GROUPING.findall(self.expression) for label in _words(group)}
        for name, matchers in _SELECTOR.findall(_without_groupings(self.expression)):
            labels = set(_MATCHER.findall(matchers)) | grouped
            found.setdefault(name, set()).update(labels - ADDED)
        return found


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def _without_groupings(expression: str) -> str:
    return _GROUPING.sub("", expression)


def dashboard() -> Any:
    return json.loads(DASHBOARD.read_text("utf-8"))


def panels() -> list[Any]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def alerts() -> list[Any]:
    groups = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def queries() -> list[Query]:
    return [*_of_panels(), *_of_the_rest(), *_of_alerts()]


def _of_panels() -> Iterator[Query]:
    for panel in panels():
        for target in panel["targets"]:
            shown = frozenset(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            yield Query(f"panel {panel['title']}", _filled_in(target["expr"]), shown)


def _of_the_rest() -> Iterator[Query]:
    for variable in dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            values = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["definition"])
            assert values is not None
            asked = f"count by ({values[2]}) ({values[1]})"
            yield Query(f"variable {variable['name']}", _filled_in(asked))
    for annotation in dashboard()["annotations"]["list"]:
        yield Query(f"annotation {annotation['name']}", _filled_in(annotation["expr"]))


def _of_alerts() -> Iterator[Query]:
    for rule in alerts():
        texts = " ".join(rule["annotations"].values())
        shown = frozenset(re.findall(r"\$labels\.(\w+)", texts))
        yield Query(f"alert {rule['alert']}", rule["expr"], shown)


def _filled_in(expression: str) -> str:
    for name, value in _VALUES.items():
        expression = expression.replace(name, value)
    return re.sub(r"\$\w+", ".*", expression)
