"""Spans are exported at once."""

import pytest

from gateway.observe.tracing import export


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "INTERVAL", 0.02)
