"""OpenAI's Codex, as it comes but for the upstream, on a model that lives at chat only.

Its catalogue decides by the model's name how it sends its tools: at the top of the request, or in
an item of the input; all of them, or those of MCP servers only once it has searched for them.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.config.operator_settings import AdminSettings
from gateway.config.settings import ModelRule, Settings, UpstreamSettings
from gateway.shapes import Json, Shape
from tests import kinds
from tests.clients.environments import NotInstallable, node_modules
from tests.clients.running import RunningGateway, running_gateway
from tests.clients.scripted_model import NAME, ScriptedModel, scripted_model
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not (shutil.which("node") and shutil.which("npm")), reason="node and npm are not installed"
    ),
]

PACKAGE = "@openai/codex@0.171.0"
WEATHER = Path(__file__).with_name("weather_mcp.py")
IN_INPUT, SEARCHING = "gpt-6-luna", "gpt-5.5"
"""Names of Codex's catalogue: its tools are in an input item, or partly to be searched for."""

CHAT = (Shape.CHAT,)
LINE = {"cmd": "echo shell-$((40+2))"}
SHELL = {
    "exec_command": LINE,
    # Codex gives models of that kind JavaScript to write.
    "functions__exec": {
        "input": f"const r = await tools.exec_command({json.dumps(LINE)}); text(r.output);"
    },
}


@pytest.fixture(scope="module")
def codex() -> Path:
    try:
        modules = node_modules("npm-codex-0.171.0", [PACKAGE])
    except NotInstallable as error:
        pytest.skip(f"{PACKAGE} cannot be installed here: {error}")
    return modules / ".bin" / "codex"


@pytest.fixture(scope="module")
def model() -> Iterator[ScriptedModel]:
    with scripted_model() as made:
        yield made


@pytest.fixture(scope="module")
def gateway(model: ScriptedModel) -> Iterator[RunningGateway]:
    upstream = UpstreamSettings("local", model.base_url, kinds.OPENAI)
    rules = (ModelRule("gpt-*", model=NAME, endpoints=CHAT), ModelRule(NAME, endpoints=CHAT))
    with running_gateway(Settings((upstream,), models=rules, admin=AdminSettings())) as made:
        yield made


class Codex:
    """Runs `codex exec` in a home and a working directory of its own."""

    def __init__(
        self, program: Path, base_url: str, folder: Path, *, built_in: bool = False
    ) -> None:
        """`built_in`: its own provider at another address, which opens a WebSocket first."""
        self._program = program
        self._folder = folder
        self._home = folder / "home"
        self._home.mkdir()
        if built_in:
            self._configuration = [f"openai_base_url = {json.dumps(base_url)}"]
            return
        provider = {"name": "gateway", "base_url": base_url, "env_key": "KEY"}
        lines = [f"{key} = {json.dumps(value)}" for key, value in provider.items()]
        self._configuration = ['model_provider = "gateway"', "[model_providers.gateway]", *lines]

    def serve(self, name: str, script: Path) -> None:
        """Give it an MCP server."""
        command, arguments = json.dumps(sys.executable), json.dumps([str(script)])
        self._configuration += [f"[mcp_servers.{name}]", f"command = {command}"]
        self._configuration += [f"args = {arguments}"]

    def answer(self, model: str, words: str, *more: str) -> str:
        """Return its last words; what it wrote to its log is `errors` then."""
        (self._home / "config.toml").write_text("\n".join(self._configuration))
        answer = self._folder / "told.txt"
        command = [str(self._program), "exec", "--skip-git-repo-check", "-m", model]
        done = subprocess.run(
            [*command, "--output-last-message", str(answer), *more, words],
            cwd=self._folder,
            env={
                "PATH": os.environ.get("PATH", ""),
                "HOME": str(self._home),
                "CODEX_HOME": str(self._home),
                "KEY": "sk-any",
                "CODEX_API_KEY": "sk-any",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        self.errors = done.stderr
        return answer.read_text()


@pytest.fixture
def agent(codex: Path, gateway: RunningGateway, tmp_path: Path) -> Codex:
    return Codex(codex, gateway.base_url, tmp_path)


def names(request: Json) -> list[str]:
    return [tool[tool["type"]]["name"] for tool in request["tools"]]


@pytest.mark.parametrize("name", [NAME, SEARCHING, IN_INPUT])
def test_codex_runs_a_shell_tool_and_tells_the_result(
    agent: Codex, model: ScriptedModel, name: str
) -> None:
    model.script = [SHELL]
    model.requests.clear()
    model.others.clear()
    answer = agent.answer(name, "Run it.")
    assert answer.startswith("The tools said: ")
    assert "shell-42" in answer
    first, second = model.requests
    assert model.others == []
    assert ("functions__exec" if name == IN_INPUT else "exec_command") in names(first)
    assert second["messages"][: len(first["messages"])] == first["messages"]
    assert [each["role"] for each in second["messages"][-2:]] == ["assistant", "tool"]
    assert first["model"] == NAME
    assert "client_metadata" not in first


@pytest.mark.parametrize("name", [NAME, SEARCHING])
def test_codex_calls_the_tool_of_an_mcp_server(
    agent: Codex, model: ScriptedModel, name: str
) -> None:
    agent.serve("weather", WEATHER)
    forecast = {"mcp__weather__forecast": {"city": "Oslo"}}
    searching = [{"tool_search": {"query": "weather forecast"}}, forecast]
    model.script = searching if name == SEARCHING else [forecast]
    model.requests.clear()
    answer = agent.answer(name, "How is the weather in Oslo?")
    assert "sunny in Oslo" in answer
    offered = [names(request) for request in model.requests]
    assert all("mcp__weather__forecast" in each for each in offered[-2:])
    assert ("mcp__weather__forecast" in offered[0]) is (name == NAME)


def test_codex_works_over_its_websocket(
    codex: Path, gateway: RunningGateway, model: ScriptedModel, tmp_path: Path
) -> None:
    agent = Codex(codex, gateway.base_url, tmp_path, built_in=True)
    model.script = [SHELL]
    model.requests.clear()
    model.others.clear()
    counts = gateway.application.kept.metrics.sockets
    before = sum(counts.closed.values())
    answer = agent.answer(NAME, "Run it.")
    assert "shell-42" in answer
    assert "Reconnecting" not in agent.errors
    assert "Falling back" not in agent.errors
    wait_until(lambda: sum(counts.closed.values()) == before + 1)
    first, second = model.requests
    assert model.others == []
    assert second["messages"][: len(first["messages"])] == first["messages"]
    assert [each["role"] for each in second["messages"][-2:]] == ["assistant", "tool"]
