"""`gateway resolve`: the route as text and as JSON."""

import json
import re
from pathlib import Path

from gateway.shapes import Shape
from tests.cli.commands import run


def test_resolve_prints_the_route_and_marks_what_decided(config: Path) -> None:
    result = run("resolve", "acme-writer-v2", "--config", str(config), COLUMNS="200")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0] == (
        "acme-writer-v2 → openai /v1/completions  (translated from /v1/chat/completions)"
    )
    (deciding,) = [line for line in lines[1:] if line.startswith("→")]
    assert re.match(r"→\s+job\s+completions\s+the record of its fine-tuning job names", deciding)


def test_resolve_prints_an_alias_and_a_shutdown_date(config: Path) -> None:
    result = run("resolve", "my-bot", "--from", "completions", "--config", str(config))
    assert result.output.startswith("my-bot → openai /v1/completions as acme-writer-v2\n")
    dated = run("resolve", "davinci-002", "--config", str(config)).output
    assert "shutdown date: 2026-09-28; replacement: " in dated


def test_resolve_prints_what_a_rewritten_name_stands_for(config: Path) -> None:
    config.write_text(config.read_text().replace("models:\n", 'models:\n  "acme/*": "*"\n'))
    asked = ("resolve", "acme/acme-writer-v2", "--config", str(config))
    output = run(*asked, COLUMNS="200").output
    assert output.startswith("acme/acme-writer-v2 → openai /v1/completions as acme-writer-v2")
    assert "rule 'acme/*' leads to acme-writer-v2" in output


def test_resolve_prints_names_as_they_are(config: Path) -> None:
    result = run("resolve", "[red]no-such[/]", "--config", str(config))
    assert result.exit_code == 0
    assert result.output.startswith("[red]no-such[/] → openai")


def test_resolve_prints_json(config: Path) -> None:
    result = run("resolve", "acme-writer-v2", "--json", "--config", str(config))
    printed = json.loads(result.output)
    assert (printed["endpoint"], printed["resolved_by"]) == ("/v1/completions", "job")
    assert [piece["source"] for piece in printed["evidence"] if piece["decides"]] == ["job"]


def test_resolve_asks_for_a_request_with_features(config: Path) -> None:
    asked = ("resolve", "gpt-5.4-mini", "--json", "--config", str(config))
    without = json.loads(run(*asked).output)
    assert without["endpoint"] == "/v1/chat/completions"
    featured = run(*asked, "--tools", "--reasoning")
    assert featured.exit_code == 0
    assert json.loads(featured.output)["endpoint"] in {shape.endpoint for shape in Shape}
