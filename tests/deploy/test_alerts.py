"""The alert rules: promtool takes them, and each fires when it should and at no other time."""

from typing import Any

import pytest
import yaml

from tests.deploy.programs import check_operators, debian, run
from tests.deploy.queries import ALERTS, alerts
from tests.documents import ROOT, blocks

CASES = ALERTS.with_name("alerts_test.yaml")


def test_promtool_takes_them() -> None:
    said = run(debian("promtool", "prometheus"), "check", "rules", ALERTS)
    assert f"SUCCESS: {len(alerts())} rules found" in said


def test_each_fires_when_it_should() -> None:
    said = run(debian("promtool", "prometheus"), "test", "rules", CASES)
    assert "SUCCESS" in said


def test_each_has_a_case_where_it_fires_and_one_where_it_does_not() -> None:
    cases: list[Any] = [
        case
        for test in yaml.safe_load(CASES.read_text("utf-8"))["tests"]
        for case in test["alert_rule_test"]
    ]
    for rule in alerts():
        fires = {
            bool(case.get("exp_alerts")) for case in cases if case["alertname"] == rule["alert"]
        }
        assert fires == {True, False}, rule["alert"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_operator_takes_them_as_the_document_writes_them() -> None:
    (command,) = (
        block.text
        for block in blocks(ROOT / "docs" / "deployment.md")
        if "PrometheusRule" in block.text
    )
    written = run("sh", "-c", command[: command.rindex("|")])
    rule = yaml.safe_load(written)
    assert [each["alert"] for group in rule["spec"]["groups"] for each in group["rules"]] == [
        each["alert"] for each in alerts()
    ]
    check_operators(rule)
