"""What OpenRouter's model list says that each model takes."""

from typing import Any

import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.errors import UnsupportedParameter
from gateway.servers.efforts import EFFORTS
from gateway.servers.openrouter import PROFILE
from gateway.servers.reading import Abilities
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Exchanged, Scene, chat_completion
from tests.exchange.test_retries import ASKED
from tests.fakes import Answer, error_reply, json_reply
from tests.resolve.payloads import sample

LIST: Any = sample("openrouter_models_recorded")
PLAIN, REASONING = "01-ai/yi-large", "openai/gpt-5-mini"
TOOL: dict[Shape, Json] = {
    Shape.RESPONSES: {"type": "function", "name": "f", "parameters": {"type": "object"}},
    Shape.MESSAGES: {"name": "f", "input_schema": {"type": "object"}},
}
TRANSLATED = [Shape.RESPONSES, Shape.MESSAGES]


def asked(
    client: Shape, model: str, models: Answer | None = None, home: Shape = Shape.CHAT, **more: Any
) -> tuple[Json, Exchanged, list[str]]:
    """Return the body that the server gets, the exchange, and all paths that it was asked for."""

    def answer(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return models or json_reply(LIST)
        return json_reply(chat_completion())

    upstream = UpstreamSettings("router", "https://openrouter.ai/api/v1", kinds.OPENROUTER)
    scene = Scene(answer, upstream, rules=(ModelRule(model, endpoints=(home,)),))
    result = scene.generate(client, {"model": model, **ASKED[client], **more})
    return scene.network.bodies()[-1], result, scene.network.paths


def report(result: Exchanged) -> str:
    return dict(result.decision.headers())[b"x-gateway-translation"].decode()


@pytest.mark.parametrize("client", TRANSLATED)
def test_what_a_model_would_ignore_is_dropped_and_reported(client: Shape) -> None:
    body, result, paths = asked(client, REASONING, temperature=0.5, top_p=0.5)
    assert not {"temperature", "top_p"} & body.keys()
    assert "dropped=temperature,top_p" in report(result)
    assert paths == ["GET /models", "POST /chat/completions"]
    body, result, _ = asked(client, PLAIN, temperature=0.5, seed=7)
    assert body["temperature"] == 0.5
    assert "seed" not in body
    assert "dropped=seed" in report(result)


@pytest.mark.parametrize("client", TRANSLATED)
def test_tools_that_a_model_does_not_take_are_refused_by_their_name(client: Shape) -> None:
    assert asked(client, REASONING, tools=[TOOL[client]])[0]["tools"]
    with pytest.raises(UnsupportedParameter) as caught:
        asked(client, PLAIN, tools=[TOOL[client]])
    assert caught.value.param == "tools"


def test_stop_sequences_that_it_would_ignore_are_emulated_or_refused() -> None:
    body, result, _ = asked(Shape.MESSAGES, REASONING, stop_sequences=["ell"])
    assert "stop" not in body
    assert result.json["content"][0]["text"] == "H"
    with pytest.raises(UnsupportedParameter) as caught:
        asked(Shape.RESPONSES, REASONING, stop=["END"])
    assert caught.value.param == "stop"
    assert asked(Shape.RESPONSES, PLAIN, stop=["END"])[0]["stop"] == ["END"]


def test_an_effort_is_dropped_where_a_model_does_not_reason() -> None:
    effort = {"effort": "low"}
    assert asked(Shape.RESPONSES, REASONING, reasoning=effort)[0]["reasoning_effort"] == "low"
    body, result, _ = asked(Shape.RESPONSES, PLAIN, reasoning=effort)
    assert "reasoning_effort" not in body
    assert "reasoning.effort" in report(result)


@pytest.mark.parametrize("client", TRANSLATED)
def test_without_a_list_all_is_sent(client: Shape) -> None:
    body, _, _ = asked(client, REASONING, error_reply(403, "No list."), temperature=0.5)
    assert body["temperature"] == 0.5


def test_where_nothing_is_translated_nothing_is_asked_or_dropped() -> None:
    body, _, paths = asked(Shape.CHAT, REASONING, error_reply(500, "not asked"), temperature=0.5)
    assert body["temperature"] == 0.5
    assert paths == ["POST /chat/completions"]
    _, _, paths = asked(Shape.RESPONSES, REASONING, home=Shape.RESPONSES)
    assert paths == ["POST /responses"]


TAKEN = ["reasoning", "tools"]


@pytest.mark.parametrize(
    ("reasoning", "efforts"),
    [
        (None, None),
        ({}, None),
        ({"mandatory": False}, None),
        ({"mandatory": False, "supported_efforts": None}, None),
        ({"mandatory": True}, set(EFFORTS) - {"none"}),
        ({"mandatory": True, "supported_efforts": ["high", "low", "none"]}, {"high", "low"}),
        ({"mandatory": False, "supported_efforts": ["high", "low"]}, {"high", "low", "none"}),
        ({"supported_efforts": ["high", None]}, {"high"}),
    ],
)
def test_a_card_says_which_efforts_are_taken(
    reasoning: Json | None, efforts: set[str] | None
) -> None:
    entry = {"supported_parameters": TAKEN, "reasoning": reasoning}
    expected = None if efforts is None else frozenset(efforts)
    assert PROFILE.abilities(entry) == Abilities(efforts=expected, parameters=frozenset(TAKEN))


@pytest.mark.parametrize("taken", [None, [], "tools", [1]])
def test_a_card_may_say_nothing(taken: object) -> None:
    assert PROFILE.abilities({"supported_parameters": taken}) is None


def test_a_card_without_reasoning_takes_no_effort() -> None:
    found = PROFILE.abilities({"supported_parameters": ["tools"]})
    assert found == Abilities(efforts=frozenset(), parameters=frozenset({"tools"}))
    older = PROFILE.abilities({"supported_parameters": ["reasoning_effort"]})
    assert older is not None
    assert older.efforts is None
