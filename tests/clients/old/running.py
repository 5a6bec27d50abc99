"""Runs a program of the past, unchanged, before `"*": gpt-5.4-mini` and the scripted emulator."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.config.settings import ModelRule
from tests.authorities import for_programs
from tests.clients.environments import NotInstallable, node_modules, python_environment
from tests.clients.old.scripted import Say, ScriptedEmulator
from tests.clients.running import Stage, stage
from tests.processes import PATIENCE

ALIAS = ModelRule("*", model="gpt-5.4-mini")
"""What README.md and docs/compatibility.md recommend, all else by default."""
PROGRAMS = Path(__file__).with_name("programs")
_REQUIREMENTS = Path(__file__).with_name("python-2023.txt")
_NPM = ("chatgpt@5.2.5", "chatgpt4@npm:chatgpt@4.7.2", "langchain@0.0.140")


@dataclass(frozen=True)
class Outcome:
    """What came of a program: its `result`, or the `error` that ended it."""

    result: Any = None
    error: Any = None

    @property
    def good(self) -> Any:
        """The result of a program that came to its end."""
        assert self.error is None, self.error
        return self.result


@dataclass(frozen=True)
class Scene:
    """A gateway with nothing but the alias, and an upstream that says what the test wants."""

    stage: Stage
    upstream: ScriptedEmulator

    @property
    def base_url(self) -> str:
        return self.stage.base_url

    def says(self, say: Say) -> None:
        """Let the model say this from now on, and forget what arrived."""
        self.upstream.say = say
        self.upstream.journal.clear()

    def bodies(self) -> list[Any]:
        """The bodies of the requests for generation that arrived, and were answered with 200."""
        served = [each for each in self.upstream.journal if each.status == 200]
        return [json.loads(each.body) for each in served if each.path != "/v1/embeddings"]

    def statuses(self) -> list[int | None]:
        """The statuses with which the upstream answered, in order."""
        return [each.status for each in self.upstream.journal]


@contextmanager
def scene() -> Iterator[Scene]:
    """Set the scene: a fresh gateway, which has learned nothing yet."""
    upstream = ScriptedEmulator(lambda text: text)
    with stage(ALIAS, upstream=upstream) as made:
        yield Scene(made, upstream)


def or_skipped(make: Callable[[], Path]) -> Path:
    """Return an environment, or skip the test, saying why it cannot be made here."""
    try:
        return make()
    except NotInstallable as error:
        pytest.skip(f"cannot be installed here: {error}")


def python_of_2023() -> Path:
    """Return the Python of the environment with the programs of 2023."""
    lines = _REQUIREMENTS.read_text("utf-8").splitlines()
    pinned = [line for line in lines if not line.startswith("#")]
    # Nothing is compiled: a Python for which there are no wheels any more has no such programs.
    options = ("--no-deps", "--only-binary=:all:")
    return or_skipped(lambda: python_environment("programs-of-2023", pinned, *options))


class Programs:
    """A process that runs programs: `run("with_dspy", "alone", …)`."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(self, *asked: str) -> Outcome:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the process ended with {self._process.wait(PATIENCE)}"
        return Outcome(**json.loads(line))


@contextmanager
def python_programs(scene: Scene) -> Iterator[Programs]:
    """Run the process for the programs in Python; they know the gateway from their settings."""
    python = python_of_2023()
    home = python.parent.parent / "home"
    shutil.rmtree(home, ignore_errors=True)  # where they keep what they have asked before
    home.mkdir()
    settings = {"OPENAI_API_BASE": scene.base_url, "OPENAI_API_KEY": "sk-test"}
    command = [str(python), "-W", "ignore", str(PROGRAMS / "serve.py")]
    with _process(command, home, {**settings, "MPLBACKEND": "agg"}) as programs:
        yield programs


@contextmanager
def node_programs(scene: Scene) -> Iterator[Programs]:
    """Run the process for the programs in JavaScript."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not installed")
    home = or_skipped(lambda: node_modules("npm-programs-of-2023", _NPM)).parent
    source = (PROGRAMS / "npm.mjs").read_text("utf-8")
    command = ["node", "--input-type=module", "--eval", source, scene.base_url]
    with _process(command, home, {}) as programs:
        yield programs


@contextmanager
def _process(command: Sequence[str], folder: Path, settings: dict[str, str]) -> Iterator[Programs]:
    with subprocess.Popen(
        command,
        cwd=folder,
        env=for_programs(HOME=str(folder), **settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Programs(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE) == 0
