"""examples/ work as they stand there, but for the gateway's port."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.config.load import load
from gateway.config.operator_settings import AdminSettings
from gateway.demo import emulator
from tests.authorities import for_programs
from tests.clients.programs import CLAUDE_CODE, CODEX, PYTHON
from tests.clients.running import openai_upstream, running_gateway, stage
from tests.documents import ROOT, blocks

EXAMPLES = ROOT / "examples"
URL = "http://127.0.0.1:8080/v1"
COMPOSE = EXAMPLES / "compose"


def run(*command: str, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env=for_programs(HOME=str(cwd), **environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def compose() -> Any:
    return yaml.safe_load((COMPOSE / "compose.yaml").read_text("utf-8"))["services"]


def test_every_example_is_in_the_list() -> None:
    listed = (EXAMPLES / "README.md").read_text("utf-8")
    folders = [path for path in EXAMPLES.iterdir() if path.is_dir()]
    assert len(folders) == 4
    for folder in folders:
        assert f"]({folder.name}/README.md)" in listed


def test_the_sidecar_serves_the_app_of_2022() -> None:
    service = compose()["gateway"]["environment"]
    own = {name: str(value) for name, value in service.items() if name != "GATEWAY_CONFIG"}
    settings = load(COMPOSE / "config.yaml", own)
    assert settings.server.host == "127.0.0.1"
    with emulator.serve() as upstream:
        here = replace(
            settings,
            upstreams=(openai_upstream(upstream.base_url),),
            admin=AdminSettings(enabled=False),
        )
        with running_gateway(here) as gateway:
            environment = {"OPENAI_BASE_URL": gateway.base_url, "OPENAI_API_KEY": "sk-demo"}
            said = run(sys.executable, "app.py", cwd=COMPOSE, **environment)
    assert said == "You said: Say hello\nanswered at /v1/chat/completions\n"


def test_the_sidecar_is_reached_by_the_app_only() -> None:
    services = compose()
    assert services["app"]["network_mode"] == "service:gateway"
    assert services["app"]["environment"]["OPENAI_BASE_URL"] == URL
    assert "ports" not in services["gateway"]
    for service in services.values():
        for volume in service["volumes"]:
            assert (COMPOSE / volume.split(":")[0]).is_file()
    assert (COMPOSE / services["gateway"]["build"] / "Dockerfile").is_file()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_langchain_says_what_the_page_shows(tmp_path: Path) -> None:
    python = PYTHON.installed() / "bin" / "python"
    example = EXAMPLES / "langchain"
    with stage() as running:
        app = (example / "app.py").read_text("utf-8").replace(URL, running.base_url)
        said = run(str(python), "-W", "ignore", "-c", app, cwd=tmp_path)
    (shown,) = (block.text for block in blocks(example / "README.md") if block.language == "text")
    assert said == shown


def test_langchain_has_the_version_that_is_run() -> None:
    required = (EXAMPLES / "langchain" / "requirements.txt").read_text("utf-8").strip()
    assert required == f"langchain-openai=={PYTHON.versions['langchain-openai']}"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_codex_answers(tmp_path: Path) -> None:
    programs = CODEX.installed() / "node_modules" / ".bin"
    with stage() as running:
        text = (EXAMPLES / "codex" / "config.toml").read_text("utf-8")
        (tmp_path / ".codex").mkdir()
        (tmp_path / ".codex" / "config.toml").write_text(text.replace(URL, running.base_url))
        codex = (str(programs / "codex"), "exec", "--skip-git-repo-check", "Say hello")
        said = run(*codex, cwd=tmp_path, OPENAI_API_KEY="sk-demo")
        assert set(running.upstream_paths()) >= {"POST /v1/chat/completions"}
    assert "You said: Say hello" in said


def test_codex_has_the_version_that_is_run() -> None:
    readme = (EXAMPLES / "codex" / "README.md").read_text("utf-8")
    assert f"@openai/codex@{CODEX.versions['@openai/codex']}\n" in readme


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_claude_code_answers(tmp_path: Path) -> None:
    programs = CLAUDE_CODE.installed() / "node_modules" / ".bin"
    settings = load(EXAMPLES / "claude-code" / "config.yaml", {})
    with emulator.serve() as upstream:
        here = replace(
            settings,
            upstreams=(openai_upstream(upstream.base_url),),
            admin=AdminSettings(enabled=False),
        )
        with running_gateway(here) as gateway:
            environment = {
                "ANTHROPIC_BASE_URL": gateway.base_url.removesuffix("/v1"),
                "ANTHROPIC_AUTH_TOKEN": "sk-demo",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            }
            claude = (str(programs / "claude"), "-p", "Say hello")
            said = run(*claude, cwd=tmp_path, **environment)
        (call,) = upstream.journal.calls("/v1/responses")
    assert said.rstrip().endswith("Say hello")
    assert b'"gpt-5.4-mini"' in call.body


def test_claude_code_has_the_version_that_is_run() -> None:
    readme = (EXAMPLES / "claude-code" / "README.md").read_text("utf-8")
    version = CLAUDE_CODE.versions["@anthropic-ai/claude-code"]
    assert f"@anthropic-ai/claude-code@{version}\n" in readme
    configuration = (EXAMPLES / "claude-code" / "config.yaml").read_text("utf-8")
    assert len(configuration.splitlines()) == 3
