"""Counts of tokens: hints that a server refuses do not fail them, as they fail no generation."""

import asyncio
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.exchange.bodies.apart import Apart
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.counting import TokenCounter
from gateway.exchange.decision import Decision
from gateway.exchange.params.count_fixes import more_fixes
from gateway.exchange.passthrough.forward import Forwarder
from gateway.request import Request
from gateway.shapes import Json, RawHeaders, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import ALICE, Scene
from tests.exchange.test_retries import sent
from tests.fakes import Answer, json_reply
from tests.translate.messages_upstreams import error_event, message, text

ANTHROPIC = UpstreamSettings("anthropic", "http://127.0.0.1:8000/v1", kinds.ANTHROPIC)
COUNT = "/messages/count_tokens"
BETA = (b"anthropic-beta", b"a-1,effort-2025-11-24")
HEADERS: RawHeaders = (*ALICE, BETA)
TOOL: Json = {"name": "f", "input_schema": {"type": "object"}, "eager_input_streaming": True}
PLAIN: Json = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
AGENTS: Json = {**PLAIN, "tools": [TOOL], "context_management": {"edits": []}}


def answer(call: UpstreamCall) -> Answer:
    """Answer as Claude where it lacks what is newer, one complaint at a time."""
    if call.method == "GET":
        return json_reply({"data": []})
    body, said = sent(call), ""
    if any(name == BETA[0] and b"effort" in value for name, value in call.client_headers):
        said = "Unexpected value(s) `effort-2025-11-24` for the `anthropic-beta` header."
    elif "context_management" in body:
        said = "context_management: Extra inputs are not permitted"
    elif any("eager_input_streaming" in tool for tool in body.get("tools", ())):
        said = "tools.0.custom.eager_input_streaming: Extra inputs are not permitted"
    elif "zzz" in body:
        said = "zzz: Extra inputs are not permitted"
    if said:
        return json_reply(error_event("invalid_request_error", said), 400)
    return json_reply({"input_tokens": 5} if call.path == COUNT else message(text("Hello")))


def scene() -> Scene:
    return Scene(answer, ANTHROPIC, rules=(ModelRule("m", endpoints=(Shape.MESSAGES,)),))


async def count(
    stage: Scene, body: Any, headers: RawHeaders = HEADERS
) -> tuple[ClientReply, Decision]:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    forwarder = Forwarder(stage.settings, stage.resolver, stage.network.send, Apart())
    counter, decision = TokenCounter(stage.exchange, forwarder), Decision()
    reply = await counter.count_tokens(Request("POST", COUNT, b"", headers, raw), decision)
    if not isinstance(reply.body, bytes):
        read = b"".join([piece async for piece in reply.body])
        await reply.body.aclose()
        reply = ClientReply(reply.status, reply.headers, read)
    return reply, decision


def test_hints_are_left_out_and_reported() -> None:
    async def scenario() -> None:
        reply, decision = await count(stage := scene(), AGENTS)
        assert (reply.status, reply.body, decision.attempts) == (200, b'{"input_tokens":5}', 4)
        assert decision.translation == (
            "from=messages; to=messages; dropped=anthropic-beta[effort-2025-11-24],"
            "context_management,tools[].eager_input_streaming"
        )
        last = stage.network.calls[-1]
        assert (BETA[0], b"a-1") in last.client_headers
        assert sent(last) == {**PLAIN, "tools": [{"name": "f", "input_schema": {"type": "object"}}]}

    asyncio.run(scenario())


@pytest.mark.parametrize("body", [AGENTS, PLAIN])
def test_what_generations_have_taught_holds_for_counts(body: Json) -> None:
    async def scenario() -> None:
        stage = scene()
        taught = await stage.call(Shape.MESSAGES, {**AGENTS, "max_tokens": 9}, HEADERS)
        assert (taught.reply.status, taught.decision.attempts) == (200, 4)
        raw = msgspec.json.encode(body)
        reply, decision = await count(stage, raw)
        assert (reply.status, decision.attempts) == (200, 1)
        if body is PLAIN:
            assert stage.network.calls[-1].body == raw
        _, plain = await count(stage, PLAIN, ALICE)
        assert (plain.attempts, plain.translation) == (1, "")

    asyncio.run(scenario())


def test_what_a_count_refuses_is_not_remembered_for_generations() -> None:
    def without_counts_hints(call: UpstreamCall) -> Answer:
        if call.method == "GET" or call.path == COUNT:
            return answer(call)
        return json_reply(message(text("Hello")))

    async def scenario() -> None:
        rules = (ModelRule("m", endpoints=(Shape.MESSAGES,)),)
        stage = Scene(without_counts_hints, ANTHROPIC, rules=rules)
        for _ in range(2):
            _, decision = await count(stage, AGENTS)
            assert decision.attempts == 4
        result = await stage.call(Shape.MESSAGES, {**AGENTS, "max_tokens": 9}, HEADERS)
        assert (result.decision.attempts, sent(stage.network.calls[-1])["tools"]) == (1, [TOOL])

    asyncio.run(scenario())


def test_what_is_more_than_a_hint_is_the_clients_to_change() -> None:
    async def scenario() -> None:
        reply, decision = await count(scene(), {**PLAIN, "zzz": 1}, ALICE)
        assert (reply.status, decision.attempts) == (400, 1)
        assert isinstance(reply.body, bytes)
        assert msgspec.json.decode(reply.body)["error"]["message"].startswith("zzz: Extra")

    asyncio.run(scenario())


def test_a_refusal_that_stays_is_the_answer() -> None:
    refusal = error_event("invalid_request_error", "invalid beta flag")

    def stubborn(call: UpstreamCall) -> Answer:
        return json_reply({"data": []}) if call.method == "GET" else json_reply(refusal, 400)

    async def scenario() -> None:
        stage = Scene(stubborn, ANTHROPIC, rules=(ModelRule("m", endpoints=(Shape.MESSAGES,)),))
        reply, decision = await count(stage, PLAIN)
        assert isinstance(reply.body, bytes)
        assert (reply.status, msgspec.json.decode(reply.body)) == (400, refusal)
        assert decision.attempts == 2

    asyncio.run(scenario())


def test_bodies_that_are_not_there_yet_are_not_fixed() -> None:
    async def pieces() -> Any:
        yield b""

    request = Request("POST", COUNT, body=pieces())
    assert more_fixes(request, ClientReply(400, (), b"{}"), "m", ()) == ()
