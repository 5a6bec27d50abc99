"""OpenAI's Codex, as it comes but for the upstream, on a model that lives at chat only.

Its catalogue decides by the model's name how it sends its tools: at the top of the request, or in
an item of the input; all of them, or those of MCP servers only once it has searched for them.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.config.operator_settings import AdminSettings
from gateway.config.settings import ModelRule, Settings, UpstreamSettings
from gateway.shapes import Json, Shape
from tests import kinds
from tests.clients.codex import SHELL, Codex, custom_provider
from tests.clients.running import RunningGateway, running_gateway
from tests.clients.scripted_model import NAME, ScriptedModel, scripted_model
from tests.rows import module_fixture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

WEATHER = Path(__file__).with_name("weather_mcp.py")
IN_INPUT, SEARCHING = "gpt-6-luna", "gpt-5.5"
"""Names of Codex's catalogue: its tools are in an input item, or partly to be searched for."""

CHAT = (Shape.CHAT,)


@module_fixture
def model() -> Iterator[ScriptedModel]:
    with scripted_model() as made:
        yield made


@module_fixture
def gateway(model: ScriptedModel) -> Iterator[RunningGateway]:
    upstream = UpstreamSettings("local", model.base_url, kinds.OPENAI)
    rules = (ModelRule("gpt-*", model=NAME, endpoints=CHAT), ModelRule(NAME, endpoints=CHAT))
    with running_gateway(Settings((upstream,), models=rules, admin=AdminSettings())) as made:
        yield made


@pytest.fixture
def agent(gateway: RunningGateway, tmp_path: Path) -> Codex:
    return Codex(custom_provider(gateway.base_url), tmp_path)


def names(request: Json) -> list[str]:
    return [tool[tool["type"]]["name"] for tool in request["tools"]]


@pytest.mark.alone
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
