"""Anthropic's Claude Code on models that live at chat only, or at responses only."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.config.load import load
from gateway.shapes import Json, Shape
from tests.clients.programs import CLAUDE_CODE
from tests.clients.running import running_gateway
from tests.clients.scripted_model import NAME, ScriptedModel, scripted_model
from tests.clients.scripted_responses import ENCRYPTED
from tests.rows import module_fixture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CONFIGURATION = """\
upstreams:
  local: {base_url: BASE_URL}
models: {"claude-*": MODEL}
"""
"""All that the gateway is configured with: three lines."""
BASH = {"Bash": {"command": "echo shell-$((40+2))", "description": "Add"}}
QUIET = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_TELEMETRY": "1",
    "NO_PROXY": "*",
}
"""It asks nobody but the gateway."""


@pytest.fixture(scope="module", params=[Shape.CHAT, Shape.RESPONSES])
def model(request: pytest.FixtureRequest) -> Iterator[ScriptedModel]:
    with scripted_model(request.param) as made:
        yield made


@module_fixture
def gateway_url(model: ScriptedModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    file = tmp_path_factory.mktemp("gateway") / "config.yaml"
    file.write_text(CONFIGURATION.replace("BASE_URL", model.base_url).replace("MODEL", NAME))
    settings = load(file, {"GATEWAY_ADMIN__PORT": "0"})
    with running_gateway(settings) as made:
        yield made.base_url.removesuffix("/v1")


def claude(home: Path, gateway_url: str, *arguments: str, **environment: str) -> Json:
    """Return what `claude -p` says at its end, as JSON."""
    program = CLAUDE_CODE.installed() / "node_modules" / ".bin" / "claude"
    done = subprocess.run(
        [str(program), "-p", "--output-format", "json", *arguments],
        cwd=home,
        env={
            **QUIET,
            "ANTHROPIC_AUTH_TOKEN": "sk-any",
            "ANTHROPIC_BASE_URL": gateway_url,
            "HOME": str(home),
            "PATH": os.environ.get("PATH", ""),
            **environment,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    said: Json = json.loads(done.stdout)
    return said


def test_claude_code_runs_a_shell_tool_and_tells_the_result(
    model: ScriptedModel, gateway_url: str, tmp_path: Path
) -> None:
    model.script = [BASH]
    model.requests.clear()
    model.others.clear()
    said = claude(tmp_path, gateway_url, "--allowedTools", "Bash", "--", "Run it.")
    assert said["is_error"] is False
    assert said["result"].startswith("The tools said: ")
    assert "shell-42" in said["result"]
    assert said["num_turns"] == 2
    first, second = model.requests
    assert first["model"] == second["model"] == NAME
    field = "messages" if model.shape is Shape.CHAT else "input"
    begun = first[field]
    assert second[field][: len(begun)] == begun
    assert "x-anthropic-billing-header" not in json.dumps(first)
    for word in ("cache_control", "context_management", "metadata"):
        assert word not in first
    if model.shape is Shape.RESPONSES:
        (reasoning,) = [item for item in second["input"] if item.get("type") == "reasoning"]
        assert reasoning["encrypted_content"] == ENCRYPTED
