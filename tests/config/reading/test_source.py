"""Settings are read in another process, now and again."""

import sys
from pathlib import Path

import pytest

from gateway.checks import config_checks
from gateway.config.checks.problems import ConfigError
from gateway.config.load import load
from gateway.config.reading.source import Source


def test_settings_come_with_their_files_and_what_is_doubtful(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("upstreams: {u: {base_url: 'http://example.com', api_key_file: key}}")
    (tmp_path / "key").write_text("k")
    environ = {"GATEWAY_SERVER_PORT": "1"}
    source = Source(path, environ, {"server.port": 9})
    settings, warnings = source.begin()()
    assert settings == load(path, environ, {"server.port": 9})
    assert len(warnings) >= 1
    assert source.files.as_read.keys() == {path, tmp_path / "key"}


def test_what_other_layers_doubt_is_among_the_warnings(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("models: {a: {reasoning_effort: BOGUS}}")
    _, before = Source(path, {}).begin()()
    _, warnings = Source(path, {}, doubts=config_checks.doubts).begin()()
    (more,) = set(warnings) - set(before)
    assert more.startswith("models.a.reasoning_effort: is not one of")


def test_what_the_running_gateway_cannot_apply_is_refused() -> None:
    running = load(None, {})
    with pytest.raises(ConfigError, match=r"server\.port: cannot be changed while"):
        Source(None, {"GATEWAY_SERVER__PORT": "1"}).begin(running)()
    settings, _ = Source(None, {"GATEWAY_LOG__LEVEL": "debug"}).begin(running)()
    assert settings.log.level == "debug"


def test_settings_are_read_here_where_there_can_be_no_other_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    settings, _ = Source(None, {}).begin()()
    assert settings == load(None, {})
