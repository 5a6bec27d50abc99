"""LangChain and LlamaIndex, which always send a temperature, on models that take none."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.programs import PYTHON
from tests.clients.running import Stage, stage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
RUNS = Path(__file__).with_name("frameworks_runs.py")
SAID = "You said: Hello there"


@pytest.fixture(scope="module")
def running() -> Iterator[Stage]:
    with stage() as made:
        yield made


def told(running: Stage, framework: str, model: str) -> dict[str, str]:
    """Return what each of the framework's ways to ask has said."""
    python = PYTHON.installed() / "bin" / "python"
    running.upstream.journal.clear()
    done = subprocess.run(
        [python, "-W", "ignore", RUNS, framework, running.base_url, model],
        env={"PATH": os.environ.get("PATH", ""), "NO_PROXY": "*"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, str] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize("framework", ["langchain", "llama_index"])
def test_a_responses_only_reasoning_model_is_reached_in_every_way(
    running: Stage, framework: str
) -> None:
    said = told(running, framework, "gpt-5-codex")
    assert len(said) >= 4
    assert set(said.values()) <= {SAID, f"{SAID} | {SAID}"}
    assert set(running.upstream_paths()) == {"POST /v1/responses"}
    for record in running.upstream.journal:
        assert record.status == 200
        assert "temperature" not in json.loads(record.body)


def test_a_base_model_gets_the_temperature(running: Stage) -> None:
    said = told(running, "llama_index", "davinci-002")
    assert all("Hello there" in text for text in said.values())
    assert set(running.upstream_paths()) == {"POST /v1/completions"}
    assert {json.loads(each.body)["temperature"] for each in running.upstream.journal} == {0.1}
