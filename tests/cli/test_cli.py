"""All commands: that they are there, and how they fail."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway import __version__
from tests.cli.commands import ANY_PORTS, run


def test_the_version_and_the_commands_are_told() -> None:
    for option in ("-V", "--version"):
        assert run(option).output == f"gateway, version {__version__}\n"
    help_text = run("-h").output
    for command in ("serve", "demo", "resolve", "translate", "check", "healthcheck", "key"):
        assert command in help_text


@pytest.mark.parametrize("command", ["serve", "check"])
def test_a_missing_extra_is_told_in_one_line(
    tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "gateway.observe.tracing.otlp", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    path = tmp_path / "gateway.yaml"
    path.write_text('tracing: {endpoint: "http://127.0.0.1:1"}\n')
    result = run(command, "--config", str(path), **ANY_PORTS)
    assert result.exit_code == 1
    assert f"{path}:1: tracing.endpoint: needs the extra otel, which is not installed" in (
        result.output
    )
    assert result.output.count("Error: ") == 1


def test_a_command_that_there_is_none_of_is_wrong_usage() -> None:
    result = run("launch")
    assert result.exit_code == 2
    assert "No such command 'launch'" in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("serve",),
        ("check",),
        ("resolve", "gpt-4o-mini"),
        ("translate", "--from", "chat", "--to", "chat"),
    ],
)
def test_a_bad_configuration_is_refused_with_file_line_and_advice(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("server:\n  port: 8080\nupstream:\n  openai: {}\n")
    result = run(*arguments, "--config", str(path))
    assert result.exit_code == 1
    assert f"{path}:3: upstream: unknown key 'upstream'; did you mean 'upstreams'?" in result.output


@pytest.mark.parametrize("command", ["serve", "check"])
def test_a_template_with_a_mistake_is_refused_with_file_and_line(
    tmp_path: Path, command: str
) -> None:
    (tmp_path / "bad").write_text("{% if %}" * 1000)
    path = tmp_path / "gateway.yaml"
    path.write_text("models:\n  bot: {template: {name: jinja, path: bad}}\n")
    result = run(command, "--config", str(path), **ANY_PORTS)
    assert result.exit_code == 1
    assert f"{path}:2: models.bot.template: is not a template of Jinja" in result.output
    assert result.output.count("\n") == 2


@pytest.mark.parametrize("command", ["serve", "check"])
def test_what_cannot_be_built_is_told_in_one_line(tmp_path: Path, command: str) -> None:
    (tmp_path / "bad").write_text("no database" * 100)
    path = tmp_path / "gateway.yaml"
    path.write_text("responses: {store: sqlite:///bad}\n")
    result = run(command, "--config", str(path), **ANY_PORTS)
    assert result.exit_code == 1
    assert f"{path}:1: responses.store: names an SQLite file that cannot be used: it" in (
        result.output
    )
    # No address is announced that will never serve.
    assert result.output.startswith("Error: 1 problem in the configuration:\n")
    assert result.output.count("\n") == 2
    assert isinstance(result.exception, SystemExit)


@pytest.mark.parametrize(
    "setting", ["responses: {store: sqlite:///bad}", "memory: {url: sqlite:///bad}"]
)
def test_a_damaged_database_is_told_in_one_line(tmp_path: Path, setting: str) -> None:
    (tmp_path / "bad").write_bytes(b"SQLite format 3\x00" + b"x" * 4096)
    path = tmp_path / "gateway.yaml"
    path.write_text(f"secret: {'s' * 40}\n{setting}\n")
    result = run("serve", "--config", str(path), **ANY_PORTS)
    assert result.exit_code == 1
    name = setting.replace(": {", ".").partition(": ")[0]
    file = tmp_path / "bad"
    assert result.output.startswith(f"Error: {name}: its SQLite file {file} cannot be used: ")
    assert result.output.count("\n") == 1


@pytest.mark.parametrize("failure", [ValueError("so it is"), OSError("so it is")])
def test_what_only_building_shows_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr("gateway.app.build", fail)
    path = tmp_path / "gateway.yaml"
    path.write_text("")
    assert run("check", "--config", str(path)).output == "Error: so it is\n"


@pytest.mark.parametrize("arguments", [("check",), ("resolve", "bot")])
def test_only_serving_creates_the_files_of_stores(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(
        f"secret: {'s' * 40}\nupstreams: {{a: {{base_url: 'http://127.0.0.1:1/v1'}}}}\n"
        "models: {bot: {model: m, upstream: a, endpoint: chat}}\n"
        "memory: {url: 'sqlite:///m.sqlite'}\nresponses: {store: 'sqlite:///r.sqlite'}\n"
    )
    assert "bot → " in run(*arguments, "--config", str(path)).output
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    missing = run("check", "--config", str(tmp_path / "none.yaml"))
    assert missing.exit_code == 1
    assert "none.yaml" in missing.output
    assert run("check", "--config", str(tmp_path)).exit_code == 2
    assert run("translate", "--from", "edits", "--to", "chat").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--config", ""), "No such option '--config' here; it belongs after a command: gateway "),
        (("--tools", "resolve", "m"), "after a command: gateway resolve --tools …"),
        (("--zzz", "serve"), "No such option '--zzz'"),
        (("serve", "--config", ""), "'--config': it is empty; name a file, or leave the option"),
        (("check", "--config="), "'--config': it is empty; name a file, or leave the option"),
        (("resolve", ""), "'MODEL': it is empty; name a model"),
        (("resolve", " "), "'MODEL': it is empty; name a model"),
    ],
)
def test_what_is_empty_or_out_of_place_is_wrong_usage(
    arguments: tuple[str, ...], said: str
) -> None:
    result = run(*arguments)
    assert (result.exit_code, said in result.output) == (2, True)


LIGHT = [("-V",), ("-h",), ("healthcheck", "--help"), ("healthcheck",)]
HEAVY = {"pydantic", "uvicorn", "starlette", "httpcore2", "jinja2", "nacl"}


@pytest.mark.parametrize("arguments", LIGHT)
def test_what_a_command_needs_is_imported_when_it_runs(arguments: tuple[str, ...]) -> None:
    code = (
        "import atexit, sys\nfrom gateway.cli import main\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        f"main({list(arguments)})"
    )
    environment = {**os.environ, "GATEWAY_SERVER__PORT": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    imported = set(ended.stderr.split())
    assert "gateway.cli" in imported
    assert HEAVY & imported == set()
