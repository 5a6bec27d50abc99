"""langchain, pandasai, dspy and llama-index of 2023, unchanged, on `"*": gpt-5.4-mini`."""

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.demo.refusals.service import server_error
from tests.clients.old import lines
from tests.clients.old.running import Programs, Scene, python_programs, scene
from tests.clients.old.scripted import SAID
from tests.rows import module_fixture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
BOTH = pytest.mark.parametrize("model", ["gpt-3.5-turbo", "text-davinci-003"])
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
    with python_programs(old) as made:
        yield made


def sent(old: Scene) -> Any:
    """The one request that was answered."""
    (body,) = old.bodies()
    return body


# --- langchain 0.0.200 -------------------------------------------------------------------------


@pytest.mark.parametrize("agent", ["completions_agent", "chat_agent", "json_chat_agent"])
def test_a_react_agent_stops_before_it_makes_up_what_its_tool_says(
    old: Scene, programs: Programs, agent: str
) -> None:
    old.says(lines.weather)
    done = programs.run("with_langchain", agent).good
    assert done == {"answer": "It is sunny.", "asked": ["Paris"]}
    assert len(old.bodies()) == 2


def test_both_classes_with_their_defaults_whole_and_streamed(
    old: Scene, programs: Programs
) -> None:
    old.says(lines.greeting)
    done = programs.run("with_langchain", "defaults").good
    for name in ("completions", "chat"):
        assert done[name] == done[f"{name}, streamed"] == GREETING
        assert "".join(done[f"{name}, pieces"]) == GREETING
        assert len(done[f"{name}, pieces"]) > 2


def test_penalties_are_dropped_and_choices_asked_for(old: Scene, programs: Programs) -> None:
    old.says(lines.greeting)
    done = programs.run("with_langchain", "prompts").good
    assert [len(choices) for choices in done] == [2, 2]
    assert all(choice.startswith(GREETING) for choices in done for choice in choices)
    for body in old.bodies():
        assert not {"presence_penalty", "frequency_penalty"} & set(body)


def test_best_of_needs_logprobs_and_costs_nothing_without_them(
    old: Scene, programs: Programs
) -> None:
    old.says(lines.greeting)
    error = programs.run("with_langchain", "best_of").error
    assert (error["class"], error["param"]) == ("InvalidRequestError", "best_of")
    assert old.bodies() == []


def test_a_ban_of_the_old_end_of_text_is_dropped(old: Scene, programs: Programs) -> None:
    old.says(lines.greeting)
    assert programs.run("with_langchain", "biased").good == GREETING
    assert "logit_bias" not in sent(old)


# --- pandasai 0.2.15 ---------------------------------------------------------------------------


@BOTH
def test_code_is_written_run_and_told(old: Scene, programs: Programs, model: str) -> None:
    old.says(lines.code)
    assert programs.run("with_pandasai", "ask", model).good == f"{SAID}The sum is 7."
    assert len(old.bodies()) == 2


# --- dspy 2.0.4 --------------------------------------------------------------------------------


@BOTH
def test_a_question_by_signature(old: Scene, programs: Programs, model: str) -> None:
    old.says(lines.greeting)
    assert programs.run("with_dspy", "predict", model).good == GREETING


@BOTH
def test_a_client_that_backs_off_from_503_does(old: Scene, programs: Programs, model: str) -> None:
    failures = iter([503])

    def overloaded_once(text: str) -> str:
        for status in failures:
            raise server_error(status)
        return lines.greeting(text)

    old.says(overloaded_once)
    assert programs.run("with_dspy", "alone", model, "Is anybody there?").good == [GREETING]
    assert old.statuses().count(503) == 1


def test_thoughts_with_logprobs_are_refused_by_name(old: Scene, programs: Programs) -> None:
    old.says(lines.greeting)
    error = programs.run("with_dspy", "think", "text-davinci-003").error
    assert (error["class"], error["param"]) == ("InvalidRequestError", "logprobs")
    assert old.bodies() == []


def test_thoughts_of_a_chat_model_are_three(old: Scene, programs: Programs) -> None:
    old.says(lines.greeting)
    programs.run("with_dspy", "think", "gpt-3.5-turbo").good  # noqa: B018 - it came to its end
    assert old.bodies()[0]["n"] == 3


# --- llama-index 0.6 ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["GPTVectorStoreIndex", "GPTListIndex"])
def test_a_question_to_an_index(old: Scene, programs: Programs, kind: str) -> None:
    old.says(lines.greeting)
    assert programs.run("with_llama_index", "ask", kind).good == GREETING
    embedded = old.upstream.journal.calls("/v1/embeddings")
    assert bool(embedded) is (kind == "GPTVectorStoreIndex")
    assert all(each.status == 200 for each in embedded)
