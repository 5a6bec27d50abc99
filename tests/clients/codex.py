"""OpenAI's Codex, run as `codex exec` in a home and a working directory of its own."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.authorities import for_programs
from tests.clients.programs import CODEX

KEY = "sk-any"
PROVIDER = "KEY"
"""The variable that a provider of the user's own takes its key from."""

LINE = {"cmd": "echo shell-$((40+2))"}
SHELL = {
    "exec_command": LINE,
    # Codex gives models of that kind JavaScript to write.
    "functions__exec": {
        "input": f"const r = await tools.exec_command({json.dumps(LINE)}); text(r.output);"
    },
}
"""The calls of a scripted model that run a line in Codex's shell; the output has `shell-42`."""


def custom_provider(base_url: str) -> list[str]:
    """Return the lines of a configuration with a provider of the user's own, over HTTP."""
    provider = {"name": "gateway", "base_url": base_url, "env_key": PROVIDER}
    lines = [f"{key} = {json.dumps(value)}" for key, value in provider.items()]
    return ['model_provider = "gateway"', "[model_providers.gateway]", *lines]


def built_in_provider(base_url: str) -> list[str]:
    """Return the lines of a configuration with the built-in provider, which opens a WebSocket."""
    return [f"openai_base_url = {json.dumps(base_url)}"]


@dataclass(frozen=True)
class Run:
    """What came of a run: its last words, what it printed on the way, and its exit code."""

    code: int
    answer: str
    log: str


class Codex:
    """Runs `codex exec`; `configuration` has the lines of its file.

    Skips the test where it cannot be installed.
    """

    def __init__(self, configuration: list[str], folder: Path) -> None:
        self._program = CODEX.installed() / "node_modules" / ".bin" / "codex"
        self._folder = folder
        self._home = folder / "home"
        self._home.mkdir()
        self._configuration = configuration

    def serve(self, name: str, script: Path) -> None:
        """Give it an MCP server."""
        command, arguments = json.dumps(sys.executable), json.dumps([str(script)])
        self._configuration += [f"[mcp_servers.{name}]", f"command = {command}"]
        self._configuration += [f"args = {arguments}"]

    def answer(self, model: str, words: str, *more: str) -> str:
        """Return its last words."""
        run = self.run(model, words, *more)
        assert run.code == 0, run.log
        return run.answer

    def run(self, model: str, words: str, *more: str, **variables: str) -> Run:
        """Give it a task."""
        (self._home / "config.toml").write_text("\n".join(self._configuration))
        answer = self._folder / "told.txt"
        answer.unlink(missing_ok=True)
        command = [str(self._program), "exec", "--skip-git-repo-check", "-m", model]
        done = subprocess.run(
            [*command, "--output-last-message", str(answer), *more, words],
            cwd=self._folder,
            env={**self._environment(), **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        said = answer.read_text() if answer.exists() else ""
        return Run(done.returncode, said, done.stdout + done.stderr)

    def _environment(self) -> Mapping[str, str]:
        home = str(self._home)
        return for_programs(HOME=home, CODEX_HOME=home, CODEX_API_KEY=KEY, **{PROVIDER: KEY})
