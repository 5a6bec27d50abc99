"""An agent of OpenAI's own framework, which speaks the Responses API, on models that do not."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from gateway.config.store_settings import ResponsesSettings
from tests.authorities import for_programs
from tests.clients.environments import python_with
from tests.clients.running import Stage, stage
from tests.processes import PATIENCE
from tests.rows import module_fixture
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
VERSION = "0.24.0"
RUNS = Path(__file__).with_name("agents_runs.py")
CHAT_ONLY = "gpt-3.5-turbo"


class Agent:
    """Gives an agent its work: `agent.work("call weather")`."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def work(self, words: str, model: str, *, streamed: bool = False, kept: bool = False) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"says": words, "model": model, "streamed": streamed, "kept": kept}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the process ended with {self._process.wait(PATIENCE)}"
        return json.loads(line)


@contextmanager
def agent_at(base_url: str, *transport: str) -> Iterator[Agent]:
    """Run the process that has the agent, until the block ends."""
    with subprocess.Popen(
        [python_with("openai-agents", VERSION), RUNS, base_url, *transport],
        env=for_programs(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Agent(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


@module_fixture
def running() -> Iterator[Stage]:
    with stage(responses=ResponsesSettings(store="memory://")) as both:
        yield both


@module_fixture
def agent(running: Stage) -> Iterator[Agent]:
    with agent_at(running.base_url) as made:
        yield made


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("streamed", [False, True])
def test_an_agent_calls_its_tool_and_tells_the_result(
    running: Stage, agent: Agent, *, streamed: bool, kept: bool
) -> None:
    before = len(running.upstream_paths())
    done = agent.work("please call weather", CHAT_ONLY, streamed=streamed, kept=kept)
    assert done["output"] == "The tool said: sunny"
    assert done["tools"] == [{"city": "please call weather"}]
    assert done["items"] == ["tool_call_item", "tool_call_output_item", "message_output_item"]
    assert done["requests"] == 2
    assert done["tokens"] > 0
    assert done["events"].count("response.completed") == (2 if streamed else 0)
    assert running.upstream_paths()[before:] == ["POST /v1/chat/completions"] * 2
    (first, second) = [json.loads(each.body) for each in list(running.upstream.journal)[-2:]]
    assert [message["role"] for message in first["messages"]] == ["system", "user"]
    assert [message["role"] for message in second["messages"]][2:] == ["assistant", "tool"]


def test_an_agent_on_a_model_without_tools_is_told_so(agent: Agent) -> None:
    done = agent.work("please call weather", "davinci-002")
    assert done["error"].startswith("BadRequestError: ")
    assert "'tools' is not supported for model 'davinci-002'" in done["error"]


def test_an_agent_works_over_one_websocket_and_learns_why_it_is_refused(running: Stage) -> None:
    """All with one process: that alone takes seconds to begin."""
    counts = running.gateway.application.kept.metrics.sockets
    closed, open_before = sum(counts.closed.values()), counts.open["responses"]
    with agent_at(running.base_url, "websocket") as agent:
        for streamed, kept in product((False, True), (False, True)):
            before = len(running.upstream_paths())
            for _ in range(2):
                done = agent.work("please call weather", CHAT_ONLY, streamed=streamed, kept=kept)
                assert done["output"] == "The tool said: sunny"
                assert done["tools"] == [{"city": "please call weather"}]
                assert done["requests"] == 2
                assert done["events"].count("response.completed") == (2 if streamed else 0)
            assert running.upstream_paths()[before:] == ["POST /v1/chat/completions"] * 4
            second = json.loads(list(running.upstream.journal)[-1].body)
            roles = [message["role"] for message in second["messages"]]
            assert roles == ["system", "user", "assistant", "tool"]
        assert counts.open["responses"] == open_before + 1
        assert sum(counts.closed.values()) == closed
        done = agent.work("please call weather", "davinci-002")
        assert "'tools' is not supported for model 'davinci-002'" in done["error"]
        again = agent.work("please call weather", CHAT_ONLY)
        assert again["output"] == "The tool said: sunny"
    wait_until(lambda: counts.open["responses"] == open_before)
