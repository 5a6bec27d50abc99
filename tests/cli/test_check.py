"""`gateway check`: what it prints, and how it exits."""

import json
from pathlib import Path

from tests.cli.commands import run
from tests.interfaces import own_address


def test_check_resolves_the_aliases(config: Path) -> None:
    result = run("check", "--config", str(config))
    assert result.exit_code == 0
    assert "my-bot → acme-writer-v2 at openai: /v1/completions" in result.output
    assert f"{config}: good (1 upstream(s), 1 rule(s))" in result.output


def test_check_without_a_file_checks_the_defaults() -> None:
    result = run("check")
    assert (result.exit_code, result.output) == (
        0,
        "the defaults: good (1 upstream(s), 0 rule(s))\n",
    )


def test_check_finds_aliases_that_lead_nowhere(config: Path) -> None:
    rules = "  broken: {model: no-such-model}\n  'glob-*': {model: no-such-model}\n"
    config.write_text(config.read_text().replace("models:\n", f"models:\n{rules}"))
    result = run("check", "--config", str(config))
    assert result.exit_code == 1
    assert "broken → no-such-model: not found" in result.output
    assert "my-bot → acme-writer-v2" in result.output
    assert "1 alias(es)" in result.output
    assert "glob" not in result.output


def test_redirects_are_checked_and_shown(config: Path) -> None:
    redirects = "retired: {redirect: {text-davinci-003: my-bot, davinci: no-such-model}}\n"
    config.write_text(config.read_text() + redirects)
    result = run("check", "--config", str(config))
    assert result.exit_code == 1
    assert "text-davinci-003 → acme-writer-v2 at openai: /v1/completions" in result.output
    assert "davinci → no-such-model: not found" in result.output
    shown = run("resolve", "text-davinci-003", "--config", str(config), "--json")
    route = json.loads(shown.output)
    assert (route["redirected_to"], route["model_sent"]) == ("my-bot", "acme-writer-v2")
    assert "retired.redirect puts 'my-bot' in its place" in route["evidence"][0]["detail"]


def test_check_does_not_call_nowhere_what_cannot_be_looked_up(config: Path) -> None:
    result = run("check", "--config", str(config), OPENAI_API_KEY="")
    assert result.exit_code == 0
    assert "my-bot → acme-writer-v2 at openai: /v1/chat/completions" in result.output


def test_check_finds_an_upstream_that_is_the_gateway_itself(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(
        "server: {host: 0.0.0.0}\n"
        f"upstreams:\n  me: {{base_url: 'http://{own_address()}:8080/v1', credential: none}}\n"
    )
    for command in ("check", "serve"):
        result = run(command, "--config", str(path))
        assert result.exit_code == 1
        assert "gateway.yaml:3: upstreams.me.base_url: is the gateway itself" in result.output


def test_check_warns_of_what_is_probably_not_meant(config: Path) -> None:
    result = run("check", "--config", str(config), GATEWAY_SERVER_PORT="1")
    assert (result.exit_code, result.stdout.count("warning")) == (0, 0)
    assert "warning: " in result.stderr
    assert "did you mean GATEWAY_SERVER__PORT?" in result.stderr
