"""What Anthropic's list says of a model holds for every route that leads to it."""

from typing import Any

import pytest

from gateway.config.settings import ModelRule
from gateway.shapes import Json, Shape, UpstreamCall
from tests.exchange.scene import Scene
from tests.exchange.test_messages_homes import ANTHROPIC
from tests.exchange.test_retries import ASKED
from tests.fakes import Answer, error_reply, json_reply
from tests.translate.messages_upstreams import message, text

MODEL = "claude-new"
SUPPORTED = {"supported": True}
CARD: Json = {
    "type": "model",
    "id": MODEL,
    "display_name": "Claude New",
    "max_tokens": 64_000,
    "capabilities": {
        "effort": {**SUPPORTED, "low": SUPPORTED, "high": SUPPORTED},
        "thinking": {**SUPPORTED, "types": {"adaptive": SUPPORTED}},
    },
}
BY_NAME = ModelRule(MODEL, upstream="anthropic")
BY_ENDPOINT = ModelRule(MODEL, upstream="anthropic", endpoints=(Shape.MESSAGES,))
EFFORTS: dict[Shape, Json] = {
    Shape.CHAT: {"reasoning_effort": "medium"},
    Shape.RESPONSES: {"reasoning": {"effort": "medium"}},
}


def generated(rule: ModelRule, client: Shape, cards: Answer) -> tuple[Json, list[str]]:
    """Return the request that a server with these cards gets, and all paths it was asked for."""

    def answer(call: UpstreamCall) -> Answer:
        return cards if call.method == "GET" else json_reply(message(text("Hi")))

    scene = Scene(answer, ANTHROPIC, rules=(rule,))
    asked = {"model": MODEL, **ASKED[client], **EFFORTS.get(client, {})}
    assert scene.generate(client, asked).reply.status == 200
    (sent,) = scene.network.bodies()
    return sent, scene.network.paths


@pytest.mark.parametrize("client", EFFORTS)
@pytest.mark.parametrize("rule", [BY_NAME, BY_ENDPOINT])
def test_a_rule_that_names_the_endpoint_hides_nothing(rule: ModelRule, client: Shape) -> None:
    sent, paths = generated(rule, client, json_reply({"data": [CARD]}))
    assert sent["max_tokens"] == 64_000
    assert sent["output_config"] == {"effort": "high"}
    assert sent["thinking"]["type"] == "adaptive"
    assert paths == ["GET /models", "POST /messages"]


@pytest.mark.parametrize("client", EFFORTS)
def test_where_the_list_cannot_be_read_less_is_assumed(client: Shape) -> None:
    sent, _ = generated(BY_ENDPOINT, client, error_reply(403, "No list for this key."))
    assert sent["max_tokens"] == 4096
    assert "output_config" not in sent


def test_a_client_of_messages_needs_no_list() -> None:
    refused: Any = error_reply(500, "not asked")
    _, paths = generated(BY_ENDPOINT, Shape.MESSAGES, refused)
    assert paths == ["POST /messages"]
