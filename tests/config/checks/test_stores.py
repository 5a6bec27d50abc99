"""What is stored outside the process needs a secret, and Redis an extra."""

from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from gateway.config.checks import stores
from tests.config.configuring import refused

KEYED = ["memory: {url: redis://h}", "memory: {url: rediss://h}", "responses: {store: redis://h}"]
SECRET = f"secret: {'s' * 32}\n"


@pytest.mark.parametrize("text", [*KEYED, "memory: {url: sqlite:///m.sqlite}"])
def test_it_is_refused_without_a_secret(tmp_path: Path, text: str) -> None:
    (problem,) = refused(tmp_path, text)
    assert "needs a secret" in problem
    assert "openssl rand -hex 32" in problem
    assert refused(tmp_path, SECRET + text) == []


def test_a_file_of_responses_has_a_secret_of_its_own(tmp_path: Path) -> None:
    assert refused(tmp_path, "responses: {store: sqlite:///r.sqlite}") == []
    assert refused(tmp_path, "memory: {url: 'memory://'}\nresponses: {store: 'memory://'}") == []


@pytest.mark.parametrize("workers", [2, 9])
def test_several_workers_cannot_keep_responses_in_the_memory_of_one(
    tmp_path: Path, workers: int
) -> None:
    text = "responses: {store: 'memory://'}"
    (problem,) = refused(tmp_path, text, {}, {"server.workers": workers})
    assert "responses.store: is the memory of one process" in problem
    assert "sqlite:///path" in problem
    file = "responses: {store: sqlite:///r.sqlite}"
    for text in (file, "memory: {url: 'memory://'}", "responses: {store: null}"):
        assert refused(tmp_path, text, {}, {"server.workers": workers}) == []


@pytest.mark.parametrize("text", KEYED)
def test_a_missing_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    def find_nothing(_: str) -> ModuleSpec | None:
        return None

    monkeypatch.setattr(stores, "find_spec", find_nothing)
    (problem,) = refused(tmp_path, SECRET + text)
    assert "needs the extra redis" in problem
    assert "pip install 'endpoint-gateway[redis]'" in problem
