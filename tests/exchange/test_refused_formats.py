"""Output formats that a messages endpoint refuses: never left out without the client's leave."""

import asyncio
from typing import Any

import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.config.translation_settings import TranslationSettings
from gateway.errors import UnsupportedParameter
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Scene
from tests.exchange.test_retries import ASKED, sent
from tests.fakes import Answer, json_reply
from tests.translate.messages_upstreams import error_event, message, text

ANTHROPIC = UpstreamSettings("anthropic", "http://127.0.0.1:8000/v1", kinds.ANTHROPIC)
CHAT, MESSAGES, RESPONSES = Shape.CHAT, Shape.MESSAGES, Shape.RESPONSES
MODEL = "claude-opus-4-8"
SCHEMA: Json = {"type": "object", "properties": {}, "additionalProperties": False}
FORMATS: dict[Shape, Json] = {
    CHAT: {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "s", "strict": True, "schema": SCHEMA},
        }
    },
    RESPONSES: {
        "text": {"format": {"type": "json_schema", "name": "s", "strict": True, "schema": SCHEMA}}
    },
    MESSAGES: {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
}
EFFORTS: dict[Shape, Json] = {
    CHAT: {"reasoning_effort": "low"},
    RESPONSES: {"reasoning": {"effort": "low"}},
    MESSAGES: {"output_config": {"effort": "low"}},
}
PARAMS = {CHAT: "response_format", RESPONSES: "text.format"}


def asked(client: Shape, more: Json) -> Json:
    return {"model": MODEL, **ASKED[client], **more}


def scene(said: str, *, drops: bool = False) -> Scene:
    """Return a server as Vertex AI's before it had `output_config`, or all of it."""

    def answer(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"data": []})
        config = sent(call).get("output_config", {})
        refused = config if said == "output_config" else "format" in config
        if not refused:
            return json_reply(message(text("Hello")))
        words = f"{said}: Extra inputs are not permitted"
        return json_reply(error_event("invalid_request_error", words), 400)

    translation = TranslationSettings(on_unsupported="drop") if drops else None
    rules = (ModelRule(MODEL, endpoints=(MESSAGES,)),)
    return Scene(answer, ANTHROPIC, rules=rules, translation=translation)


@pytest.mark.parametrize("said", ["output_config", "output_config.format"])
@pytest.mark.parametrize("client", [CHAT, RESPONSES])
def test_a_refused_format_is_refused_by_the_clients_name(client: Shape, said: str) -> None:
    async def scenario() -> None:
        stage = scene(said)
        for _ in range(2):
            with pytest.raises(UnsupportedParameter) as refused:
                await stage.call(client, asked(client, FORMATS[client]))
            assert refused.value.param == PARAMS[client]
        plain = await stage.call(client, asked(client, {}))
        assert plain.reply.status == 200

    asyncio.run(scenario())


@pytest.mark.parametrize("said", ["output_config", "output_config.format"])
@pytest.mark.parametrize("client", [CHAT, RESPONSES])
def test_it_is_left_out_where_the_operator_allows_that(client: Shape, said: str) -> None:
    async def scenario() -> None:
        stage = scene(said, drops=True)
        attempts = 1
        for _ in range(2):
            result = await stage.call(client, asked(client, FORMATS[client] | EFFORTS[client]))
            assert result.reply.status == 200
            report = dict(result.decision.headers())[b"x-gateway-translation"].decode()
            assert PARAMS[client] in report
            attempts = result.decision.attempts
        assert attempts == 1
        assert "format" not in str(sent(stage.network.calls[-1]))

    asyncio.run(scenario())


def test_an_effort_of_own_clients_is_a_hint_and_their_format_is_not() -> None:
    async def scenario() -> None:
        stage = scene("output_config")
        for attempts in (2, 1):
            result = await stage.call(MESSAGES, asked(MESSAGES, EFFORTS[MESSAGES]))
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            report = dict(result.decision.headers())[b"x-gateway-translation"]
            assert report == b"from=messages; to=messages; dropped=output_config.effort"
        formatted: Any = await stage.call(MESSAGES, asked(MESSAGES, FORMATS[MESSAGES]))
        assert formatted.reply.status == 400
        assert formatted.json["error"]["message"].startswith("output_config: Extra inputs")

    asyncio.run(scenario())
