"""npm's chatgpt and langchain of early 2023, unchanged, on `"*": gpt-5.4-mini`."""

from collections.abc import Iterator

import pytest

from tests.clients.old import lines
from tests.clients.old.running import Programs, Scene, node_programs, scene
from tests.clients.old.scripted import SAID
from tests.rows import module_fixture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
GREETING = SAID + lines.greeting("?")


@module_fixture
def old() -> Iterator[Scene]:
    with scene() as made:
        yield made


@pytest.fixture(autouse=True)
def nothing_is_refused(old: Scene) -> Iterator[None]:
    """What the catalogue knows of the model is heeded before the first call, not fixed later."""
    yield
    assert not {400, 404} & set(old.statuses())


@module_fixture
def programs(old: Scene) -> Iterator[Programs]:
    with node_programs(old) as made:
        yield made


@pytest.mark.parametrize("version", ["chatgpt5", "chatgpt4", "chatgpt4_below_v1"])
def test_a_conversation_whole_and_streamed(old: Scene, programs: Programs, version: str) -> None:
    old.says(lines.greeting)
    done = programs.run(version).good
    assert done["first"] == done["second"] == done["pieces"][-1] == GREETING
    assert len(set(done["pieces"])) > 2
    for body in old.bodies():
        assert "presence_penalty" not in body


@pytest.mark.parametrize("agent", ["completions_agent", "chat_agent"])
def test_a_react_agent_stops_before_it_makes_up_what_its_tool_says(
    old: Scene, programs: Programs, agent: str
) -> None:
    old.says(lines.weather)
    assert programs.run(agent).good == {"answer": "It is sunny.", "asked": ["Paris"]}
    assert len(old.bodies()) == 2


def test_langchain_with_its_defaults_whole_and_streamed(old: Scene, programs: Programs) -> None:
    old.says(lines.greeting)
    done = programs.run("defaults").good
    assert done["whole"] == done["streamed"] == "".join(done["pieces"]) == GREETING
