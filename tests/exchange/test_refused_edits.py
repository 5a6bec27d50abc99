"""Edits of thinking that is off, which are a hint, and what is remembered of them."""

import asyncio

import pytest

from gateway.config.settings import ModelRule, PerformanceSettings, UpstreamSettings
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Scene
from tests.exchange.test_retries import ASKED, REPLIES, sent
from tests.fakes import Answer, error_reply, json_reply

MESSAGES = Shape.MESSAGES
EDITS = {"edits": [{"type": "clear_thinking_20251015"}]}
CLEARING = "`clear_thinking_20251015` strategy requires `thinking` to be enabled or adaptive"


def answer(call: UpstreamCall) -> Answer:
    if call.method == "GET":
        return json_reply({"data": []})
    body = sent(call)
    if "context_management" in body and body.get("thinking", {}).get("type") != "adaptive":
        return error_reply(400, CLEARING)
    return json_reply(REPLIES[call.path])


def scene(*, fast: bool) -> Scene:
    upstream = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.ANTHROPIC)
    rules = (ModelRule("m-1", endpoints=(MESSAGES,)),)
    return Scene(answer, upstream, rules=rules, performance=PerformanceSettings(fast_paths=fast))


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("stream", [True, False])
def test_edits_of_thinking_go_where_it_is_off(*, stream: bool, fast: bool) -> None:
    async def scenario() -> None:
        stage = scene(fast=fast)

        async def edits(thinking: str) -> list[bool]:
            before = len(stage.network.bodies())
            more: Json = {"thinking": {"type": thinking}, "context_management": EDITS}
            body = {"model": "m-1", "stream": stream, **ASKED[MESSAGES], **more}
            assert (await stage.call(MESSAGES, body)).reply.status == 200
            stage.clock.advance(2)
            return ["context_management" in each for each in stage.network.bodies()[before:]]

        assert await edits("disabled") == [True, False]
        assert await edits("disabled") == [False]
        assert await edits("adaptive") == [True]

    asyncio.run(scenario())
