"""A count is of what would be sent: with the parameters of the model's rule that count."""

import asyncio
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.config.translation_settings import ParamSettings
from gateway.exchange.bodies.apart import Apart
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.counting import TokenCounter
from gateway.exchange.decision import Decision
from gateway.exchange.passthrough.forward import Forwarder
from gateway.exchange.stored.compaction import Compactor
from gateway.request import Request
from gateway.shapes import Json, Shape
from tests import kinds
from tests.exchange.scene import ALICE, Scene
from tests.fakes import json_reply

MESSAGES, RESPONSES = Shape.MESSAGES, Shape.RESPONSES
LOCAL = UpstreamSettings("local", "http://127.0.0.1:8000/v1", kinds.VLLM)
TOOL = {"name": "f", "input_schema": {"type": "object", "properties": {}}}
FUNCTION = {"type": "function", "name": "g", "parameters": {}}
ASKED: dict[Shape, Json] = {
    MESSAGES: {"model": "m", "messages": [{"role": "user", "content": "Hi"}]},
    RESPONSES: {"model": "m", "input": "Hi"},
}
PARAMS = ParamSettings(
    set={"reasoning_effort": "high", "temperature": 0.5, "max_tokens": 9},
    default={"system": "Be brief.", "instructions": "Be kind."},
    drop=("tools", "user"),
)


def counted(client: Shape, home: Shape, params: ParamSettings, body: Any) -> tuple[Json, Decision]:
    """Return the body of what was counted, and the decision."""
    number = json_reply({"input_tokens": 7})
    scene = Scene(
        lambda _: number, LOCAL, rules=(ModelRule("m", endpoints=(home,), params=params),)
    )
    decision = Decision()
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)

    async def ask() -> ClientReply:
        forwarder = Forwarder(scene.settings, scene.resolver, scene.network.send, Apart())
        if client is MESSAGES:
            request = Request("POST", "/messages/count_tokens", headers=ALICE, body=raw)
            return await TokenCounter(scene.exchange, forwarder).count_tokens(request, decision)
        request = Request("POST", "/responses/input_tokens", headers=ALICE, body=raw)
        return await Compactor(scene.exchange, forwarder).input_tokens(request, decision)

    assert asyncio.run(ask()).status == 200
    (sent,) = scene.network.bodies()
    return sent, decision


def test_messages_are_counted_at_home_as_they_would_be_sent() -> None:
    sent, decision = counted(MESSAGES, MESSAGES, PARAMS, {**ASKED[MESSAGES], "tools": [TOOL]})
    expected = {"output_config": {"effort": "high"}, "system": "Be brief."}
    assert sent == {**ASKED[MESSAGES], **expected}
    assert decision.translation == (
        "from=messages; to=messages; dropped=tools; "
        "changed=system:none->text,output_config.effort:none->high"
    )


def test_messages_are_counted_at_responses_as_they_would_be_sent() -> None:
    sent, decision = counted(MESSAGES, RESPONSES, PARAMS, {**ASKED[MESSAGES], "tools": [TOOL]})
    assert sent["reasoning"]["effort"] == "high"
    assert sent["instructions"] == "Be brief."
    assert "tools" not in sent
    assert decision.translation.startswith("from=messages; to=responses; dropped=tools")


def test_responses_are_counted_as_they_would_be_sent() -> None:
    body = {**ASKED[RESPONSES], "tools": [FUNCTION]}
    sent, decision = counted(RESPONSES, RESPONSES, PARAMS, body)
    expected = {"reasoning": {"effort": "high"}, "instructions": "Be kind."}
    assert sent == {**ASKED[RESPONSES], **expected}
    assert "dropped=tools" in decision.translation


@pytest.mark.parametrize("client", [MESSAGES, RESPONSES])
def test_what_does_not_count_is_left_as_it_is(client: Shape) -> None:
    others = ParamSettings(set={"temperature": 0.5, "max_tokens": 9}, drop=("user",))
    for params in (others, ParamSettings()):
        sent, decision = counted(client, client, params, {**ASKED[client], "user": "u"})
        assert sent == {**ASKED[client], "user": "u"}
        assert decision.translation == ""


def test_a_request_without_a_model_has_no_rule() -> None:
    body = {"input": "Hi"}
    sent, _ = counted(RESPONSES, RESPONSES, PARAMS, body)
    assert sent == body
