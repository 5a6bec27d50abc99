"""LangChain and LlamaIndex, which always send a temperature, on models that take none."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.authorities import for_programs
from tests.clients.programs import PYTHON
from tests.clients.running import Stage, stage
from tests.processes import PATIENCE
from tests.rows import module_fixture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
RUNS = Path(__file__).with_name("frameworks_runs.py")
SAID = "You said: Hello there"


@module_fixture
def running() -> Iterator[Stage]:
    with stage() as made:
        yield made


class Framework:
    """Asks models with each of the framework's classes."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, model: str) -> dict[str, str]:
        """Return what each class has said."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{model}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the process ended with {self._process.wait(PATIENCE)}"
        said: dict[str, str] = json.loads(line)
        return said


@contextmanager
def started(name: str, running: Stage) -> Iterator[Framework]:
    python = PYTHON.installed() / "bin" / "python"
    running.upstream.journal.clear()
    with subprocess.Popen(
        [python, "-W", "ignore", RUNS, name, running.base_url],
        env=for_programs(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Framework(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


def check_a_responses_only_reasoning_model(running: Stage, framework: Framework) -> None:
    said = framework.ask("gpt-5-codex")
    assert len(said) >= 4
    assert set(said.values()) <= {SAID, f"{SAID} | {SAID}"}
    assert set(running.upstream_paths()) == {"POST /v1/responses"}
    for record in running.upstream.journal:
        assert record.status == 200
        assert "temperature" not in json.loads(record.body)


def test_langchain_reaches_a_responses_only_reasoning_model_in_every_way(running: Stage) -> None:
    with started("langchain", running) as framework:
        check_a_responses_only_reasoning_model(running, framework)


def test_llama_index_reaches_it_too_and_a_base_model_gets_the_temperature(running: Stage) -> None:
    with started("llama_index", running) as framework:
        check_a_responses_only_reasoning_model(running, framework)
        running.upstream.journal.clear()
        said = framework.ask("davinci-002")
    assert all("Hello there" in text for text in said.values())
    assert set(running.upstream_paths()) == {"POST /v1/completions"}
    assert {json.loads(each.body)["temperature"] for each in running.upstream.journal} == {0.1}
