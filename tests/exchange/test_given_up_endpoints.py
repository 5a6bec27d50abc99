"""Perplexity has given up its chat endpoint, and says so with a status of access."""

import asyncio

import pytest

from gateway.config.settings import PerformanceSettings, UpstreamSettings
from gateway.shapes import Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Scene
from tests.exchange.test_retries import ASKED, REPLIES
from tests.fakes import Answer, error_reply, json_reply

SONAR = "Sonar is now the Agent API. Use `/v1/responses` instead of `/chat/completions`."
DENIED = "You have no access to this model."


def perplexity(call: UpstreamCall) -> Answer:
    if call.method == "GET":
        return json_reply({"data": []})
    if call.path == Shape.RESPONSES.path:
        return json_reply(REPLIES[call.path])
    if call.path == Shape.MESSAGES.path:
        return error_reply(404, "Not Found")
    return error_reply(403, SONAR, type="chat_completions_not_available", code=403)


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("client", [Shape.COMPLETIONS, Shape.CHAT, Shape.MESSAGES])
def test_its_models_are_found_at_responses_and_stay_there(
    client: Shape, *, stream: bool, fast: bool
) -> None:
    async def scenario() -> None:
        upstream = UpstreamSettings("main", "https://api.perplexity.ai/v1", kinds.OTHER)
        stage = Scene(perplexity, upstream, performance=PerformanceSettings(fast_paths=fast))
        body = {"model": "perplexity/sonar", "stream": stream, **ASKED[client]}
        assert (await stage.call(client, body)).reply.status == 200
        assert [call.path for call in stage.network.calls][-1] == Shape.RESPONSES.path
        stage.clock.advance(2)
        before = len(stage.network.bodies())
        assert (await stage.call(client, body)).reply.status == 200
        assert len(stage.network.bodies()) == before + 1

    asyncio.run(scenario())


def test_any_other_403_is_the_answer() -> None:
    upstream = UpstreamSettings("main", "https://api.perplexity.ai/v1", kinds.OTHER)
    stage = Scene(lambda _: error_reply(403, DENIED), upstream)
    asked = stage.generate(Shape.CHAT, {"model": "perplexity/sonar", **ASKED[Shape.CHAT]})
    assert asked.reply.status == 403
    assert len(stage.network.bodies()) == 1
