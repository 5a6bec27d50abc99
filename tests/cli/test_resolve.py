"""`gateway resolve`: the route as text and as JSON."""

import errno
import json
import os
import re
from dataclasses import replace
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import pytest

from gateway.demo import emulator
from gateway.resolve.evidence import Route, Source
from gateway.resolve.resolver import Resolver
from gateway.shapes import Shape
from tests import kinds
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


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31mb", "m" * 513])
def test_a_name_that_no_request_may_have_is_refused(name: str, config: Path) -> None:
    result = run("resolve", name, "--config", str(config))
    assert result.exit_code == 2
    assert "'model' must be at most 512 printable characters." in " ".join(result.stderr.split())


def test_a_pipe_gets_whole_lines(monkeypatch: pytest.MonkeyPatch, config: Path) -> None:
    def none(_: int) -> NoReturn:
        raise OSError(errno.ENOTTY, "not a terminal")

    monkeypatch.setattr(os, "get_terminal_size", none)
    monkeypatch.delenv("COLUMNS", raising=False)
    lines = run("resolve", "gpt-4o-mini", "--config", str(config)).output.splitlines()
    (listed,) = [line for line in lines if line.split()[:1] == ["capability"]]
    assert listed.endswith("in the model list, which does not say at which endpoint")


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
    assert result.stdout.startswith("[red]no-such[/] → openai")


@pytest.mark.parametrize(
    ("model", "verdict"),
    [
        ("nonesuch", "Error: 'nonesuch' is not in the model list of openai"),
        (
            "gpt-4o-minni",
            "Error: 'gpt-4o-minni' is not in the model list of openai; did you mean 'gpt-4o-mini'",
        ),
        (
            "ft:gpt-4o-mini:acme::none",
            "Error: 'ft:gpt-4o-mini:acme::none' is not in the model list",
        ),
    ],
)
def test_a_model_that_is_not_listed_ends_with_1_and_the_nearest_names(
    config: Path, model: str, verdict: str
) -> None:
    result = run("resolve", model, "--config", str(config))
    assert result.exit_code == 1
    assert result.stderr.startswith(verdict)
    printed = run("resolve", model, "--json", "--config", str(config))
    assert printed.exit_code == 1
    found = json.loads(printed.stdout)
    assert found["verdict"] == "not there"
    assert bool(found["nearest"]) == ("did you mean" in result.stderr)


@pytest.mark.parametrize(("day", "shown"), [("2026-12-01", False), ("2028-01-01", True)])
def test_a_model_that_is_not_there_has_no_shutdown_to_come(
    monkeypatch: pytest.MonkeyPatch, config: Path, day: str, shown: bool
) -> None:
    class Calendar(date):
        @classmethod
        def today(cls) -> "Calendar":
            return cls.fromisoformat(day)

    monkeypatch.setattr(import_module("gateway.cli.resolve"), "date", Calendar)
    arguments = ("resolve", "gpt-4o-minni", "--config", str(config))
    assert ("shutdown date:" in run(*arguments).stdout) is shown
    assert bool(json.loads(run(*arguments, "--json").stdout)["retired"]) is shown
    there = run("resolve", "gpt-4o-mini", "--config", str(config))
    assert "shutdown date: 2027-01-14" in there.stdout


def test_a_missing_model_of_an_alias_is_named_as_it_is_sent(config: Path) -> None:
    config.write_text(config.read_text().replace("models:\n", "models:\n  lost: gpt-4o-minni\n"))
    result = run("resolve", "lost", "--config", str(config))
    assert result.exit_code == 1
    assert "'lost', sent as 'gpt-4o-minni', is not in the model list of openai" in result.stderr
    checked = run("check", "--config", str(config))
    assert checked.exit_code == 1
    assert "lost → gpt-4o-minni: not found" in checked.stderr


def test_a_rule_with_an_endpoint_is_trusted(config: Path) -> None:
    rule = "models:\n  here: {model: hidden, endpoint: chat}\n"
    config.write_text(config.read_text().replace("models:\n", rule))
    assert run("resolve", "here", "--config", str(config)).exit_code == 0


def test_a_refused_key_ends_with_1(config: Path) -> None:
    result = run("resolve", "my-bot", "--config", str(config), OPENAI_API_KEY="")
    assert result.exit_code == 1
    assert result.stderr == (
        "not checked: the model list of openai could not be read (GET /models: status 401; "
        "set OPENAI_API_KEY)\n"
    )
    result = run("resolve", "my-bot", "--config", str(config), OPENAI_API_KEY="wrong")
    assert "status 401; check OPENAI_API_KEY)" in result.stderr
    printed = run("resolve", "my-bot", "--json", "--config", str(config), OPENAI_API_KEY="")
    assert json.loads(printed.stdout)["verdict"] == "unchecked"


def test_an_upstream_that_is_not_there_ends_with_1() -> None:
    result = run("resolve", "m", "--upstream", "http://127.0.0.1:1/v1", GATEWAY_ADMIN__PORT="0")
    assert result.exit_code == 1
    assert result.stderr.startswith("not checked: the model list of command-line could not be read")


def test_an_upstream_without_a_list_is_not_a_problem(upstream: emulator.Served) -> None:
    elsewhere = upstream.base_url.removesuffix("/v1") + "/elsewhere"
    result = run("resolve", "m", "--upstream", elsewhere)
    assert result.exit_code == 0
    assert "m → command-line /v1/chat/completions" in result.stdout
    assert "not checked: the model list of command-line could not be read" in result.stderr


def test_deployments_are_not_checked(monkeypatch: pytest.MonkeyPatch, config: Path) -> None:
    route = Route(
        *("azure", "support", "support", kinds.AZURE, Shape.CHAT, (Shape.CHAT,)), Source.DEFAULT
    )

    async def resolved(*_: object, **__: object) -> Route:
        return replace(route, upstream="openai")

    monkeypatch.setattr(Resolver, "explain", resolved)
    result = run("resolve", "support", "--config", str(config))
    assert result.exit_code == 0
    assert result.stderr == "not checked: the model list does not have deployments\n"


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


def test_what_is_suggested_is_not_what_is_refused(config: Path) -> None:
    """Names are sent without the prefix that clients write, and suggested with it."""
    rules = 'models:\n  "openai/*": {model: "*", upstream: openai}\n'
    config.write_text(config.read_text().replace("models:\n", rules))
    for asked in ("openai/openai/gpt-4o-mini", "openai/gpt-4o-minni"):
        result = run("resolve", asked, "--config", str(config))
        refused, _, suggested = result.stderr.partition(" is not in the model list of openai; ")
        assert refused == f"Error: '{asked}', sent as '{asked.partition('/')[2]}',"
        assert suggested.startswith("did you mean 'openai/gpt-4o-mini'")
