"""The unit: systemd takes it, and finds little that the service could do to the machine."""

import re
import sys
from pathlib import Path

import pytest

from gateway.config.settings import ServerSettings
from tests.cli.commands import parse
from tests.deploy.programs import DEPLOY, debian, run

UNIT = DEPLOY / "systemd" / "endpoint-gateway.service"
MOST_EXPOSURE = 20
"""Tenths of systemd's points; of 100, as a service without any restrictions has nearly."""


def setting(name: str) -> str:
    (value,) = re.findall(rf"^{name}=(.*)$", UNIT.read_text("utf-8"), re.MULTILINE)
    assert isinstance(value, str)
    return value


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The unit with the program where it is here."""
    text = UNIT.read_text("utf-8")
    program = setting("ExecStart").split()[0]
    unit = tmp_path / UNIT.name
    unit.write_text(text.replace(program, sys.executable))
    return unit


def test_systemd_takes_it(installed: Path) -> None:
    assert run(debian("systemd-analyze", "systemd"), "verify", "--man=no", installed) == ""


def test_it_is_hardened(installed: Path) -> None:
    analyze = debian("systemd-analyze", "systemd")
    run(analyze, "security", "--offline=yes", f"--threshold={MOST_EXPOSURE}", installed)


def test_it_runs_a_command_that_there_is() -> None:
    program, command, *arguments = setting("ExecStart").split()
    assert program.endswith("/bin/gateway")
    parse(command, arguments)


def test_its_own_user_can_read_what_the_document_installs() -> None:
    assert setting("DynamicUser") == "yes"
    document = (DEPLOY.parent / "docs" / "deployment.md").read_text("utf-8")
    modes = re.findall(r"^install -Dm (\d+) \S+ (\S+)", document, re.MULTILINE)
    configuration = setting("ExecStart").rpartition(" ")[2]
    environment = setting("EnvironmentFile").removeprefix("-")
    assert modes == [("644", configuration), ("600", environment)]


def test_a_reload_is_a_hangup_and_the_end_is_a_drain() -> None:
    assert setting("ExecReload") == "/bin/kill -HUP $MAINPID"
    assert setting("KillMode") == "mixed"
    assert float(setting("TimeoutStopSec")) == ServerSettings().grace_period + 5
