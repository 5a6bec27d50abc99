"""Hints of agents that a server refuses within the parts of a request never fail it."""

import asyncio

import msgspec

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Exchanged, Scene
from tests.exchange.test_retries import ASKED, sent
from tests.fakes import Answer, json_reply
from tests.translate.messages_upstreams import error_event, message, text

ANTHROPIC = UpstreamSettings("anthropic", "http://127.0.0.1:8000/v1", kinds.ANTHROPIC)
MESSAGES = Shape.MESSAGES
TOOL: Json = {"name": "f", "input_schema": {"type": "object"}, "eager_input_streaming": True}
AGENTS: Json = {
    "model": "m",
    "max_tokens": 9,
    "system": [{"type": "text", "text": "S", "cache_control": {"type": "ephemeral", "scope": "g"}}],
    "tools": [TOOL],
    "messages": [{"role": "user", "content": "Hi"}],
    "context_management": {"edits": []},
}


def answer(call: UpstreamCall) -> Answer:
    """Answer as Claude elsewhere than at Anthropic, one complaint at a time."""
    if call.method == "GET":
        return json_reply({"data": []})
    body = sent(call)
    refused = ""
    if "context_management" in body:
        refused = "context_management"
    elif any("eager_input_streaming" in tool for tool in body.get("tools", ())):
        refused = "tools.0.custom.eager_input_streaming"
    elif isinstance(body.get("system"), list) and "scope" in body["system"][0]["cache_control"]:
        refused = "system.0.cache_control.ephemeral.scope"
    if not refused:
        return json_reply(message(text("Hello")))
    said = f"{refused}: Extra inputs are not permitted"
    return json_reply(error_event("invalid_request_error", said), 400)


def scene() -> Scene:
    return Scene(answer, ANTHROPIC, rules=(ModelRule("m", endpoints=(MESSAGES,)),))


def report(result: Exchanged) -> str:
    return dict(result.decision.headers()).get(b"x-gateway-translation", b"").decode()


def test_hints_of_own_clients_are_left_out_and_reported() -> None:
    async def scenario() -> None:
        stage = scene()
        for attempts in (4, 1):
            result = await stage.call(MESSAGES, AGENTS)
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            last = sent(stage.network.calls[-1])
            mark = {"type": "ephemeral"}
            assert last["system"] == [{"type": "text", "text": "S", "cache_control": mark}]
            assert last["tools"] == [{"name": "f", "input_schema": {"type": "object"}}]
            assert report(result).endswith(
                "dropped=context_management,tools[].eager_input_streaming,cache_control.scope"
            )
        # What has none of them is sent as it is, and what has one is reported with that alone.
        raw = msgspec.json.encode({"model": "m", **ASKED[MESSAGES]})
        plain = await stage.call(MESSAGES, raw)
        assert (report(plain), stage.network.calls[-1].body) == ("", raw)
        one = await stage.call(MESSAGES, {"model": "m", **ASKED[MESSAGES], "tools": [TOOL]})
        assert report(one).endswith("; dropped=tools[].eager_input_streaming")

    asyncio.run(scenario())
