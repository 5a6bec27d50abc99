import json
from typing import Any

import pytest

from gateway.demo.generation.scenarios import Scenario, scenario_in
from gateway.demo.generation.turns import (
    REASONING_TOKENS,
    REFUSAL,
    Conversation,
    Kind,
    Turn,
    reasoning_tokens,
    take_turn,
)
from gateway.demo.models import ALL_MODELS

MODELS = {model.id: model for model in ALL_MODELS}
TOOLS: dict[str, Any] = {"get_weather": {"type": "object"}, "clock": {"type": "object"}}


def turn(text: str, *, choice: int = 0, **more: Any) -> Turn:
    return take_turn(Conversation(text, **more), scenario_in(text), choice)


def called(text: str, **more: Any) -> list[str]:
    return [call.name for call in turn(text, tools=TOOLS, **more).calls]


def test_the_model_repeats_the_user_and_numbers_later_takes() -> None:
    assert turn("hi").candidate.text == "You said: hi"
    assert turn("hi", choice=1).candidate.text == "You said: hi (take 2)"
    assert turn("hi", seed=4).candidate.text == "You said: hi (take 5)"


def test_a_tools_output_is_reported_and_calls_no_tool_again() -> None:
    reported = turn("call clock", tools=TOOLS, tool_output="noon")
    assert (reported.kind, reported.candidate.text) == (Kind.TEXT, "The tool said: noon")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("call clock", ["clock"]),
        ("call clock, then call get_weather", ["clock", "get_weather"]),
        ("call nothing", []),
        ("What is the weather?", ["get_weather"]),
        ("The weather is fine.", []),
    ],
)
def test_a_text_calls_the_tools_that_it_names_or_asks_for(text: str, names: list[str]) -> None:
    assert called(text) == names


@pytest.mark.parametrize("choice", ["required", "=get_weather"])
def test_a_model_that_has_to_calls_again_after_a_tools_output(choice: str) -> None:
    assert called("hi", tool_choice=choice, tool_output="noon") == ["get_weather"]


def test_the_choice_of_tools_is_obeyed() -> None:
    assert called("call clock", tool_choice="none") == []
    assert called("hi", tool_choice="required") == ["get_weather"]
    assert called("hi", tool_choice="=clock") == ["clock"]
    assert called("call clock, call get_weather", parallel=False) == ["clock"]


def test_a_limit_cuts_the_arguments_and_the_calls_after_them() -> None:
    schema = {"type": "object", "properties": {"place": {"type": "string"}}}
    tools = {"clock": schema, "dice": schema}
    cut = turn("call clock, call dice", tools=tools, limit=3)
    assert [call.name for call in cut.calls] == ["clock"]
    assert (cut.finish, cut.spent) == ("length", 3)
    assert turn("call clock, call dice", tools=tools).finish == "tool_calls"


def test_a_scenario_can_refuse_or_filter() -> None:
    refused = turn("!refuse please")
    assert (refused.kind, refused.candidate.text) == (Kind.REFUSAL, REFUSAL)
    assert turn("!content-filter x").finish == "content_filter"


def test_json_is_written_where_it_is_asked_for() -> None:
    document = turn("hi", choice=1, format={"type": "json_object"}).candidate.text
    assert json.loads(document) == {"you_said": "hi", "take": 2}
    schema = {"type": "object", "properties": {"word": {"type": "string"}}}
    structured = turn("hi", format={"type": "json_schema", "schema": schema}).candidate.text
    assert json.loads(structured) == {"word": "hi"}


def test_reasoning_is_counted_and_not_shown() -> None:
    thinking = take_turn(Conversation("hi", hidden=8), Scenario(), 0)
    assert thinking.candidate.text == "You said: hi"
    assert thinking.spent == 8 + len(thinking.candidate.tokens)


@pytest.mark.parametrize(
    ("model", "effort", "tokens"),
    [
        ("gpt-4o-mini", "high", 0),
        ("gpt-5.4-mini", None, 0),
        ("gpt-5.4-mini", "low", REASONING_TOKENS),
        ("o1-pro", None, REASONING_TOKENS),
        ("o1-pro", "none", 0),
    ],
)
def test_the_model_and_the_effort_decide_on_reasoning(
    model: str, effort: str | None, tokens: int
) -> None:
    assert reasoning_tokens(MODELS[model], effort) == tokens
