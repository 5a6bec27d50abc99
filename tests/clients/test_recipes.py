"""docs/clients.md is true: each recipe is followed, with the real program and all its defaults."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients import recipes
from tests.clients.anthropic_client import SDKS
from tests.clients.programs import (
    AGENTS,
    AI_SDK_PROVIDERS,
    CLAUDE_CODE,
    CODEX,
    LANGCHAIN_ANTHROPIC,
    NODE,
    NODE_24,
    OPENAI_3,
    PYDANTIC_AI,
    PYTHON,
    SOCKETS_NODE,
    Programs,
    npm,
)
from tests.clients.running import Stage, stage
from tests.documents import ROOT, marked_table
from tests.rows import module_fixture
from tests.waiting import PATIENCE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ALL = "GATEWAY_TEST_ALL_CLIENTS"
SAID = "You said: Say hello"
CHAT, RESPONSES = "POST /v1/chat/completions", "POST /v1/responses"
MESSAGES = "POST /v1/messages"


@dataclass(frozen=True)
class Recipe:
    """What runs it, where the upstream is asked, and what is said how often at least."""

    programs: Programs
    upstream: tuple[str, ...]
    said: str = SAID
    times: int = 1
    on_request: bool = False
    also: Programs | None = None
    """Another version that follows it, too."""
    runtime: Programs | None = None
    """The Node that it needs, if not any."""


RECIPES: Mapping[str, Recipe] = {
    "codex": Recipe(CODEX, (CHAT,)),
    "codex-built-in": Recipe(CODEX, (CHAT,)),
    # It puts reminders of its own before the words.
    "claude-code": Recipe(CLAUDE_CODE, (RESPONSES,), said="Say hello"),
    "anthropic-python": Recipe(SDKS["python-2.14.0"], (CHAT, MESSAGES), times=2),
    "anthropic-node": Recipe(SDKS["node"], (CHAT, RESPONSES), times=2),
    "ai-sdk": Recipe(NODE, (CHAT,)),
    "ai-sdk-providers": Recipe(AI_SDK_PROVIDERS, (CHAT, RESPONSES), times=2),
    "langchain": Recipe(PYTHON, (RESPONSES,) * 2, times=2),
    "langchain-anthropic": Recipe(LANGCHAIN_ANTHROPIC, (CHAT, RESPONSES), times=2, on_request=True),
    "llamaindex": Recipe(PYTHON, (RESPONSES,) * 2, times=2),
    "openai-python": Recipe(OPENAI_3, (CHAT, RESPONSES), times=2, also=PYTHON),
    "openai-node": Recipe(NODE, (CHAT, RESPONSES), times=2),
    "websockets": Recipe(OPENAI_3, (CHAT,) * 2),
    "websockets-node": Recipe(SOCKETS_NODE, (CHAT,)),
    "realtime": Recipe(OPENAI_3, ()),
    "agents-sdk": Recipe(AGENTS, (CHAT,)),
    "pydantic-ai": Recipe(PYDANTIC_AI, (RESPONSES,) * 2, times=2, on_request=True),
    "llm": Recipe(OPENAI_3, (CHAT, CHAT, RESPONSES), times=3),
    "continue": Recipe(npm("@continuedev/cli", "1.5.47"), (RESPONSES,)),
    "opencode": Recipe(
        npm("opencode-ai", "1.18.33", scripts=True),
        # Each run also asks for a title.
        (CHAT,) * 2 + (RESPONSES,) * 2,
        said='You said: "Say hello"',
        times=2,
        on_request=True,
    ),
    "cline": Recipe(npm("cline", "3.0.65"), (CHAT, RESPONSES), times=2, on_request=True),
    "copilot-cli": Recipe(
        npm("@github/copilot", "1.0.102", scripts=True),
        (CHAT, RESPONSES, RESPONSES),
        # It puts the time before the words.
        said="Say hello",
        times=3,
        on_request=True,
    ),
    "qwen-code": Recipe(
        npm("@qwen-code/qwen-code", "0.24.4"),
        # Each run also asks what is worth to be remembered.
        (RESPONSES,) * 4,
        said="Say hello",
        times=2,
        on_request=True,
        runtime=NODE_24,
    ),
    "pi": Recipe(
        npm("@mariozechner/pi-coding-agent", "0.73.1"),
        (CHAT, RESPONSES, RESPONSES),
        times=3,
        on_request=True,
    ),
    "aider": Recipe(
        Programs("pip", "aider-0.86.2", {"aider-chat": "0.86.2"}),
        (CHAT, RESPONSES),
        on_request=True,
    ),
    "promptfoo": Recipe(
        npm("promptfoo", "0.123.1"),
        (CHAT, RESPONSES, RESPONSES),
        said="3 passed",
        on_request=True,
        runtime=NODE_24,
    ),
}


@module_fixture
def running() -> Iterator[Stage]:
    with stage(with_anthropic=True) as made:
        yield made


def environment_of(recipe: Recipe) -> Path:
    if recipe.on_request and not os.environ.get(ALL):
        pytest.skip(f"takes hundreds of megabytes; {ALL}=1 runs it")
    return recipe.programs.installed()


@pytest.mark.alone
@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_gets_an_answer(running: Stage, tmp_path: Path, name: str) -> None:
    follow(name, running, tmp_path, environment_of(RECIPES[name]))


@pytest.mark.alone
@pytest.mark.parametrize("name", [name for name, recipe in RECIPES.items() if recipe.also])
def test_another_version_gets_one_too(running: Stage, tmp_path: Path, name: str) -> None:
    other = RECIPES[name].also
    assert other is not None
    follow(name, running, tmp_path, other.installed())


def follow(name: str, running: Stage, home: Path, environment: Path) -> None:
    """Follow a recipe, and check what was said and what has reached the upstream."""
    recipe = RECIPES[name]
    running.upstream.journal.clear()
    runtime = None if recipe.runtime is None else recipe.runtime.installed()
    done = recipes.run(name, running.base_url, home, environment, runtime)
    assert done.code == 0, done
    assert done.said.count(recipe.said) >= recipe.times, done
    # What Codex says where its built-in provider gets no WebSocket.
    assert "Reconnecting" not in done.warned
    posts = [path for path in running.upstream_paths() if path.startswith("POST")]
    assert sorted(posts) == list(recipe.upstream)
    assert {record.status for record in running.upstream.journal} <= {101, 200}


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="there is no /proc")
def test_what_a_program_leaves_running_is_ended(tmp_path: Path) -> None:
    with subprocess.Popen(
        ["cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        env={"HOME": str(tmp_path)},
        start_new_session=True,
    ) as left:
        assert left.stdin is not None
        assert left.stdout is not None
        try:
            # Popen returns before the kernel has set what /proc shows; an answer comes after it.
            left.stdin.write(b"started")
            assert left.stdout.read(7) == b"started"
            recipes.end_processes_of(tmp_path / "of another")
            assert left.poll() is None
            recipes.end_processes_of(tmp_path)
            assert left.wait(PATIENCE) == -signal.SIGKILL
        finally:
            left.kill()


def test_every_recipe_of_the_document_is_followed_here() -> None:
    assert recipes.names() == set(RECIPES)


def test_the_document_names_the_versions_that_are_run() -> None:
    for client, version, *_ in marked_table(ROOT / "docs" / "clients.md", "clients"):
        name = client[1:].partition("]")[0].lower().replace(" ", "-")
        recipe = RECIPES[name]
        documented = set(re.findall(r"\d+(?:\.\d+)+", version))
        assert documented, client
        for programs in filter(None, (recipe.programs, recipe.also)):
            run = set(programs.versions.values())
            assert documented & run, client
            documented -= run
        assert not documented, client


def test_the_document_names_every_version_of_anthropics_sdk() -> None:
    document = (ROOT / "docs" / "clients.md").read_text("utf-8")
    for programs in SDKS.values():
        for version in programs.versions.values():
            assert version in document
