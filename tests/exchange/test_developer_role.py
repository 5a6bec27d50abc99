"""Servers that do not know the developer's role: what is sent, and remembered."""

import asyncio
from typing import Any

import pytest

from gateway.config.settings import ModelRule, PerformanceSettings, UpstreamSettings
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Exchanged, Scene
from tests.exchange.test_retries import ASKED, REPLIES, sent
from tests.fakes import Answer, error_reply, json_reply

CHAT, RESPONSES = Shape.CHAT, Shape.RESPONSES
SAID = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
BODIES: dict[Shape, Json] = {CHAT: {"messages": SAID}, RESPONSES: {"input": SAID}}
DEEPSEEKS = (
    "Failed to deserialize the JSON body into the target type: %s[0].role: unknown variant "
    "`developer`, expected one of `system`, `user`, `assistant`, `tool` at line 1 column 60"
)


def roles(body: Json) -> list[Any]:
    said = body.get("messages", body.get("input"))
    return [each.get("role") for each in said] if isinstance(said, list) else []


def answer(call: UpstreamCall) -> Answer:
    if call.method == "GET":
        return json_reply({"data": []})
    if "developer" in roles(sent(call)):
        return error_reply(
            400, DEEPSEEKS % ("input" if call.path == RESPONSES.path else "messages")
        )
    return json_reply(REPLIES[call.path])


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("home", [CHAT, RESPONSES])
@pytest.mark.parametrize("client", [CHAT, RESPONSES])
def test_it_becomes_the_systems_and_is_known_the_next_time(
    client: Shape, home: Shape, *, stream: bool, fast: bool
) -> None:
    async def scenario() -> None:
        upstream = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.OPENAI)
        stage = Scene(
            answer,
            upstream,
            rules=(ModelRule("m-1", endpoints=(home,)),),
            performance=PerformanceSettings(fast_paths=fast),
        )

        async def ask(body: Json) -> Exchanged:
            return await stage.call(client, {"model": "m-1", "stream": stream, **body})

        first = await ask(BODIES[client])
        assert first.reply.status == 200
        assert [roles(each)[0] for each in stage.network.bodies()] == ["developer", "system"]
        field = "input" if home is RESPONSES else "messages"
        assert f"changed={field}[developer]:developer->system" in first.decision.translation
        stage.clock.advance(2)
        await ask(BODIES[client])
        assert roles(stage.network.bodies()[-1]) == ["system", "user"]
        assert len(stage.network.bodies()) == 3
        plain = await ask(ASKED[client])
        assert "developer" not in plain.decision.translation

    asyncio.run(scenario())


def test_a_refusal_that_no_developer_has_caused_is_passed_on() -> None:
    refuses = Scene(
        lambda _: error_reply(400, DEEPSEEKS % "messages"),
        UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.OTHER),
        rules=(ModelRule("m-1", endpoints=(CHAT,)),),
    )
    asked = refuses.generate(CHAT, {"model": "m-1", **ASKED[CHAT]})
    assert asked.reply.status == 400
    assert len(refuses.network.calls) == 1
