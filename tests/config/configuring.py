"""What the tests of this folder share: writing a file, loading it, collecting what is refused."""

import errno
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest

from gateway.config.load import ConfigError, load
from gateway.config.reading import child_process
from gateway.config.settings import CredentialPolicy, Settings, UpstreamSettings

NOTHING: Mapping[str, Any] = {}


def loaded(
    folder: Path,
    text: str,
    environ: Mapping[str, str] = NOTHING,
    overrides: Mapping[str, Any] = NOTHING,
) -> Settings:
    """The settings of a file with this text."""
    path = folder / "gateway.yaml"
    path.write_text(text, "utf-8")
    return load(path, environ, overrides)


def refused(
    folder: Path,
    text: str,
    environ: Mapping[str, str] = NOTHING,
    overrides: Mapping[str, Any] = NOTHING,
) -> list[str]:
    """The problems of a file with this text, without the folder's name; [] when there are none."""
    try:
        loaded(folder, text, environ, overrides)
    except ConfigError as error:
        return [str(problem).replace(f"{folder}/", "") for problem in error.problems]
    return []


def upstream(name: str = "a", **keys: Any) -> UpstreamSettings:
    """An upstream that gets no credential, with these keys."""
    given = {"base_url": "https://a.example/v1", "credential": CredentialPolicy.NONE, **keys}
    return UpstreamSettings(name, **given)


def check_refusal(folder: Path, text: str, problem: str) -> None:
    """Assert that a file with this text is refused with a problem that names its place."""
    found = "\n".join(refused(folder, text)) + "\n"
    assert problem in found
    assert re.match(r"gateway\.yaml(:1)?: ", found)


def read_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be no other process: starting it takes longer than many a test.

    It has its own tests, and programs use it (`tests/processes.py`).
    """

    def call(*_: object) -> NoReturn:
        raise OSError(errno.EAGAIN, "no other process here")

    monkeypatch.setattr(child_process, "Call", call)
