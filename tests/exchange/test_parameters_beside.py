"""Parameters that a model takes one at a time: Claude's `temperature` and `top_p`."""

import asyncio

import pytest

from gateway.config.settings import ModelRule, PerformanceSettings, UpstreamSettings
from gateway.shapes import Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Scene
from tests.exchange.test_retries import ASKED, REPLIES, sent
from tests.fakes import Answer, error_reply, json_reply

CHAT, RESPONSES, MESSAGES = Shape.CHAT, Shape.RESPONSES, Shape.MESSAGES
MODEL = "aws/claude-sonnet-4-6"
REFUSAL = "`temperature` and `top_p` cannot both be specified for this model. Please use only one."


def answer(call: UpstreamCall) -> Answer:
    if call.method == "GET":
        return json_reply({"data": []})
    if {"temperature", "top_p"} <= sent(call).keys():
        return error_reply(400, REFUSAL)
    return json_reply(REPLIES[call.path])


def scene(home: Shape, *, fast: bool = True) -> Scene:
    upstream = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.OTHER)
    rules = (ModelRule(MODEL, endpoints=(home,)),)
    return Scene(answer, upstream, rules=rules, performance=PerformanceSettings(fast_paths=fast))


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("client", [CHAT, RESPONSES, MESSAGES])
@pytest.mark.parametrize("home", [CHAT, RESPONSES, MESSAGES])
def test_top_p_gives_way_to_the_temperature(
    client: Shape, home: Shape, *, stream: bool, fast: bool
) -> None:
    if client is home is MESSAGES:
        return  # its clients act upon the refusal: test_messages_clients

    async def scenario() -> None:
        stage = scene(home, fast=fast)
        both = {"temperature": 0.5, "top_p": 0.9}
        body = {"model": MODEL, "stream": stream, **ASKED[client]}
        first = await stage.call(client, {**body, **both})
        assert (first.reply.status, first.decision.attempts) == (200, 2)
        assert "dropped=top_p" in first.decision.translation
        assert stage.network.bodies()[-1]["temperature"] == 0.5
        stage.clock.advance(2)
        again = await stage.call(client, {**body, **both})
        assert again.decision.attempts == 1
        assert again.decision.translation == first.decision.translation
        # Either alone is taken.
        for name, value in both.items():
            alone = await stage.call(client, {**body, name: value})
            assert stage.network.bodies()[-1][name] == value
            assert "dropped" not in alone.decision.translation

    asyncio.run(scenario())
