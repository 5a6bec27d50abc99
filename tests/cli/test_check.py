"""`gateway check`: what it prints, and how it exits."""

import json
from pathlib import Path

from gateway.demo import emulator
from tests.cli.commands import run
from tests.interfaces import own_address


def test_check_resolves_the_aliases(config: Path) -> None:
    result = run("check", "--config", str(config))
    assert result.exit_code == 0
    assert "my-bot → acme-writer-v2 at openai: /v1/completions" in result.output
    assert f"{config}: good (1 upstream, 1 rule)" in result.output


def test_check_without_a_file_checks_the_defaults() -> None:
    result = run("check")
    assert (result.exit_code, result.output) == (
        0,
        (
            "upstream openai: https://api.openai.com/v1, kind openai, credential caller\n"
            "the defaults: good (1 upstream, 0 rules)\n"
        ),
    )


def test_check_finds_aliases_that_lead_nowhere(config: Path) -> None:
    rules = "  broken: {model: no-such-model}\n  'glob-*': {model: no-such-model}\n"
    rules += "  'good-?': acme-writer-v2\n  'acme/*': '*-nosuch'\n  '[ab]c': no-such-model\n"
    config.write_text(config.read_text().replace("models:\n", f"models:\n{rules}"))
    result = run("check", "--config", str(config))
    assert result.exit_code == 1
    assert "broken → no-such-model: not found" in result.output
    assert "my-bot → acme-writer-v2" in result.output
    assert "glob-* → no-such-model: not found" in result.stderr
    assert "good-? → acme-writer-v2 at openai: /v1/completions\n" in result.stdout
    assert "acme/* → *-nosuch (not checked)" in result.stdout
    assert "[ab]c → no-such-model (not checked)" in result.stdout
    assert "2 aliases lead to no model in" in result.output


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


def test_check_and_serve_judge_the_values_of_parameters(config: Path) -> None:
    written = config.read_text()
    rule = "  hot: {model: acme-writer-v2, params: {set: {temperature: hot}}}\n"
    config.write_text(written.replace("models:\n", f"models:\n{rule}"))
    for command in ("check", "serve"):
        result = run(command, "--config", str(config))
        assert result.exit_code == 1
        assert ": models.hot.params.set.temperature: must be a number\n" in result.output
    config.write_text(
        written.replace("models:\n", f"models:\n{rule}").replace("temperature: hot", "logprobs: 3")
    )
    result = run("check", "--config", str(config))
    assert result.exit_code == 0
    assert "warning: models.hot.params.set.logprobs: must be a boolean for" in result.output


def test_check_shows_what_the_configuration_comes_to(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    clients = [{"name": f"team-{i}", "key_sha256": f"{i:064x}"} for i in range(7)]
    rules = {
        "llama-*": {"upstream": "local", "endpoint": ["chat", "completions"]},
        "gpt-*": "azure-*",
        "other*": {"reasoning_effort": "low"},
    }
    upstreams = {
        "openai": {"api_key": "sk-secret"},
        "local": {"base_url": "http://vllm/v1", "kind": "vllm"},
    }
    path.write_text(json.dumps({"upstreams": upstreams, "models": rules, "clients": clients}))
    result = run("check", "--config", str(path))
    assert result.output.splitlines() == [
        "upstream openai: https://api.openai.com/v1, kind openai, credential key",
        "upstream local: http://vllm/v1, kind vllm, credential none",
        "llama-* at local: /v1/chat/completions, /v1/completions",
        "gpt-* → azure-* (not checked)",
        "other*",
        "7 clients: team-0, team-1, team-2, team-3, team-4 and 2 more",
        f"{path}: good (2 upstreams, 3 rules)",
    ]
    path.write_text(json.dumps({"upstreams": upstreams, "clients": clients[:2]}))
    assert "2 clients: team-0, team-1\n" in run("check", "--config", str(path)).output


# --- check --probe ----------------------------------------------------------------------------


def test_probe_shows_what_every_upstream_answers(config: Path, upstream: emulator.Served) -> None:
    seen = len(upstream.journal)
    result = run("check", "--probe", "--config", str(config))
    assert result.exit_code == 0, result.output
    *_, empty, head, row, last, verdict = result.stdout.splitlines()
    assert (empty, last) == ("", "")
    assert head == "upstream  kind    key       models  completions  chat  responses  messages"
    assert row == "openai    openai  accepted  22      yes          yes   yes        yes"
    assert verdict.endswith("good (1 upstream, 1 rule)")
    asked = [upstream.journal[position] for position in range(seen, len(upstream.journal))]
    assert {call.body for call in asked if call.method == "POST"} <= {b"{", b""}


def test_probe_ends_with_1_where_an_upstream_cannot_serve(config: Path) -> None:
    text = config.read_text().replace(
        "models:\n", "  down: {base_url: 'http://127.0.0.1:1/v1'}\nmodels:\n"
    )
    config.write_text(text + "retired: {redirect: {old: no-such-model}}\n")
    result = run("check", "--probe", "--config", str(config))
    assert result.exit_code == 1
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["down", "auto", "?", "?", "?", "?", "?", "?"] in rows
    assert "upstreams.down: GET /models: Upstream 'down' cannot be reached" in result.stderr
    assert f"1 upstream in {config} cannot serve requests" in result.stderr
    assert "upstream down: refused:" not in result.output


def test_probe_ends_with_1_where_a_store_does_not_answer(config: Path) -> None:
    store = "memory: {url: 'redis://:pass-word@127.0.0.1:1/0'}\n"
    config.write_text(f"{config.read_text()}{store}secret: {'s' * 32}\n")
    result = run("check", "--probe", "--config", str(config))
    assert result.exit_code == 1
    assert "memory.url: Redis at 127.0.0.1:1 cannot be reached" in result.stderr
    assert f"1 store in {config} cannot be used" in result.stderr
    assert "pass-word" not in result.output
    assert run("check", "--config", str(config)).exit_code == 0


def test_probe_says_what_it_could_not_find_out(config: Path) -> None:
    result = run("check", "--probe", "--config", str(config), OPENAI_API_KEY="")
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["openai", "openai", "missing", "?", "?", "?", "?", "?"] in rows
    assert "warning: upstreams.openai: requires a key, and there is none to try" in result.stderr


def test_check_and_resolve_show_every_address(config: Path) -> None:
    text = config.read_text()
    url = text.split("base_url: ")[1].split(",")[0]
    config.write_text(text.replace(url, f"[{url}, http://127.0.0.1:9/v1]"))
    both = f"{url} http://127.0.0.1:9/v1"
    assert f"upstream openai: {both}, kind openai" in run("check", "--config", str(config)).output
    shown = run("resolve", "my-bot", "--config", str(config)).output
    assert shown.endswith(f"addresses: {both}\n")
    listed = json.loads(run("resolve", "my-bot", "--config", str(config), "--json").output)
    assert listed["addresses"] == both.split()
