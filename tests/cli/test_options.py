"""What commands share: the settings, and the caller's own key."""

import sys
from pathlib import Path

import click
import pytest

from gateway.cli.options import (
    build_application,
    own_key,
    read_settings,
    reading,
    source_of,
    suspicions,
)


def test_the_settings_become_an_application(config: Path) -> None:
    settings = read_settings(config, {"server.port": 1})
    assert settings.server.port == 1
    application = build_application(settings)
    assert application.resolver.rule_for("my-bot") is settings.models[0]


def test_a_problem_ends_the_command(tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match=r"none\.yaml"):
        read_settings(tmp_path / "none.yaml", {})


def test_the_own_key_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-own")
    assert own_key() == ((b"authorization", b"Bearer sk-own"),)
    monkeypatch.delenv("OPENAI_API_KEY")
    assert own_key() == ()


def test_what_is_probably_not_meant_is_said(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read_settings(config, {})
    assert suspicions(settings) == []
    monkeypatch.setenv("GATEWAY_SERVER_PORT", "1")
    assert len(suspicions(settings)) == 1


def test_settings_are_read_here_where_there_can_be_no_other_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    settings, _ = reading(source_of(None, {"server.port": 1}))()
    assert settings == read_settings(None, {"server.port": 1})


def test_settings_are_read_in_another_process(config: Path, tmp_path: Path) -> None:
    settings, warnings = reading(source_of(config, {"server.port": 1}))()
    assert settings == read_settings(config, {"server.port": 1})
    assert warnings == suspicions(settings)
    with pytest.raises(click.ClickException, match=r"none\.yaml"):
        reading(source_of(tmp_path / "none.yaml", {}))()
