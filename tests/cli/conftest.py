"""An upstream for commands, and a configuration that leads to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.demo import emulator
from tests.config.configuring import read_in_this_process


@pytest.fixture(autouse=True)
def _reads_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    read_in_this_process(monkeypatch)


@pytest.fixture(scope="session")
def upstream() -> Iterator[emulator.Served]:
    with emulator.serve() as served:
        yield served


@pytest.fixture
def config(upstream: emulator.Served, tmp_path: Path) -> Path:
    """A file before the emulator, with a good alias."""
    path = tmp_path / "gateway.yaml"
    path.write_text(
        "upstreams:\n"
        f"  openai: {{base_url: {upstream.base_url}, kind: openai}}\n"
        "models:\n"
        "  my-bot: {model: acme-writer-v2, template: raw}\n"
        "admin: {enabled: false}\n"
    )
    return path
