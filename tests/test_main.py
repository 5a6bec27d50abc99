"""`python -m gateway` is the command line."""

import runpy
import sys

import pytest

from gateway import __version__


def test_the_package_can_be_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["gateway", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("gateway", run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"gateway, version {__version__}\n"


def test_importing_it_runs_nothing() -> None:
    assert "main" in runpy.run_module("gateway.__main__", run_name="imported")
