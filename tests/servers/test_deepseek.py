"""The efforts that DeepSeek's model list has for each model."""

from typing import Any

import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.servers.deepseek import PROFILE
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Scene, chat_completion
from tests.fakes import Answer, error_reply, json_reply
from tests.resolve.payloads import sample

ASKED: dict[Shape, Json] = {
    Shape.RESPONSES: {"input": "Hi", "reasoning": {"effort": "low"}},
    Shape.MESSAGES: {
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "Hi"}],
        "output_config": {"effort": "low"},
    },
    Shape.CHAT: {"messages": [{"role": "user", "content": "Hi"}], "reasoning_effort": "low"},
}
LIST: Any = sample("deepseek_models_docs")


def sent(client: Shape, models: Answer) -> tuple[Json, list[str]]:
    """Return the body that the server gets, and all paths that it was asked for."""

    def answer(call: UpstreamCall) -> Answer:
        return models if call.method == "GET" else json_reply(chat_completion())

    upstream = UpstreamSettings("deepseek", "https://api.deepseek.com", kinds.DEEPSEEK)
    scene = Scene(answer, upstream, rules=(ModelRule("deepseek-flash", endpoints=(Shape.CHAT,)),))
    body = {"model": "deepseek-flash", **ASKED[client]}
    assert scene.generate(client, body).reply.status == 200
    return scene.network.bodies()[-1], scene.network.paths


@pytest.mark.parametrize("client", [Shape.RESPONSES, Shape.MESSAGES])
def test_an_effort_that_the_card_has_is_sent(client: Shape) -> None:
    body, paths = sent(client, json_reply(LIST))
    assert body["reasoning_effort"] == "low"
    assert paths == ["GET /models", "POST /chat/completions"]


@pytest.mark.parametrize("client", [Shape.RESPONSES, Shape.MESSAGES])
def test_without_a_card_the_nearest_known_one_is_sent(client: Shape) -> None:
    body, _ = sent(client, error_reply(403, "No list for this key."))
    assert body["reasoning_effort"] == "high"


def test_a_client_of_chat_needs_no_list() -> None:
    body, paths = sent(Shape.CHAT, error_reply(500, "not asked"))
    assert body["reasoning_effort"] == "low"
    assert paths == ["POST /chat/completions"]


@pytest.mark.parametrize(
    "entry", [{}, {"effort": None}, {"effort": {}}, {"effort": {"supported_levels": [1]}}]
)
def test_a_card_may_say_nothing(entry: Json) -> None:
    assert PROFILE.abilities(entry) is None
