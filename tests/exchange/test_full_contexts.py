"""Limits of replies that do not fit beside the prompt, at models that live at messages."""

import asyncio

import pytest

from gateway.config.settings import ModelRule
from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape, UpstreamCall
from tests.exchange.scene import Scene
from tests.exchange.test_messages_homes import ANTHROPIC, ASKED, CLIENTS
from tests.exchange.test_retries import sent
from tests.fakes import Answer, json_reply
from tests.translate.messages_upstreams import error_event, message, text

CONTEXT = 200_000
LIMITS: dict[Shape, str] = dict.fromkeys(CLIENTS, "max_tokens")
LIMITS[Shape.RESPONSES] = "max_output_tokens"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("client", CLIENTS)
def test_a_limit_is_lowered_to_the_room_that_anthropic_names(
    client: Shape, *, stream: bool
) -> None:
    prompt = 180_000

    def answer(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"data": []})
        limit = sent(call)["max_tokens"]
        if prompt + limit <= CONTEXT:
            return json_reply(message(text("Hi")))
        said = (
            f"input length and `max_tokens` exceed context limit: {prompt} + {limit} > {CONTEXT}, "
            "decrease input length or `max_tokens` and try again"
        )
        return json_reply(error_event("invalid_request_error", said), 400)

    def asked(limit: int) -> Json:
        return {"model": "m", "stream": stream, **ASKED[client], LIMITS[client]: limit}

    async def scenario() -> None:
        nonlocal prompt
        scene = Scene(answer, ANTHROPIC, rules=(ModelRule("m", endpoints=(Shape.MESSAGES,)),))
        for prompt, limit, attempts in ((180_000, 32_000, 2), (150_000, 64_000, 2), (9, 90, 1)):
            result = await scene.call(client, asked(limit))
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            assert scene.network.bodies()[-1]["max_tokens"] == min(limit, CONTEXT - prompt)
            lowered = f"changed={LIMITS[client]}:{limit}->{CONTEXT - prompt}"
            assert (lowered in result.decision.translation) == (attempts == 2)
        prompt = CONTEXT - 100
        with pytest.raises(UpstreamError) as refused:
            await scene.call(client, asked(32_000))
        assert refused.value.code == "context_length_exceeded"

    asyncio.run(scenario())
