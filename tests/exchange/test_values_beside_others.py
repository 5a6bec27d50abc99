"""Values that Claude takes alone, but not beside another one: one of the two is left out."""

import asyncio
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Scene
from tests.exchange.test_retries import ASKED, REPLIES, sent
from tests.fakes import Answer, error_reply, json_reply

CHAT, RESPONSES, MESSAGES = Shape.CHAT, Shape.RESPONSES, Shape.MESSAGES
MODEL = "house-claude"
TOGETHER = "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
FORCED = "Thinking may not be enabled when tool_choice forces tool use."
THINKING = {
    "temperature": "`temperature` may only be set to 1 when thinking is enabled.",
    "top_p": "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.",
    "top_k": "`top_k` must be unset when thinking is enabled.",
}
BOTH = {"temperature": 0.5, "top_p": 0.9}


def answer(call: UpstreamCall) -> Answer:
    """Answer as Claude, or as a relay that passes Claude's words on."""
    if call.method == "GET":
        return json_reply({"data": []})
    body = sent(call)
    if {"temperature", "top_p"} <= body.keys():
        return error_reply(400, TOGETHER)
    is_forced = body.get("tool_choice") in ("required", {"type": "any"})
    if is_forced and {"reasoning", "reasoning_effort", "thinking"} & body.keys():
        return error_reply(400, FORCED)
    for name, words in THINKING.items():
        if name in body and not body.keys().isdisjoint({"reasoning_effort", "thinking"}):
            return error_reply(400, words)
    return json_reply(REPLIES[call.path])


def scene(home: Shape) -> Scene:
    kind = kinds.ANTHROPIC if home is MESSAGES else kinds.OTHER
    upstream = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kind)
    rules = (ModelRule(MODEL, endpoints=(home,)),)
    return Scene(answer, upstream, rules=rules)


def asked(client: Shape, **more: Any) -> Json:
    return {"model": MODEL, **ASKED[client], **more}


@pytest.mark.parametrize("more", [{"temperature": 0.5}, {"top_p": 0.9}, {"top_k": 5}, BOTH])
def test_thinking_stays_where_another_value_is_refused_beside_it(more: Json) -> None:
    async def scenario() -> None:
        stage = scene(CHAT)
        result = await stage.call(CHAT, asked(CHAT, reasoning_effort="high", **more))
        assert (result.reply.status, result.decision.attempts) == (200, 1 + len(more))
        last = sent(stage.network.calls[-1])
        assert last["reasoning_effort"] == "high"
        assert not more.keys() & last.keys()
        alone = await stage.call(CHAT, asked(CHAT, temperature=0.5))
        assert alone.decision.attempts == 1
        again = await stage.call(CHAT, asked(CHAT, reasoning_effort="high", **more))
        assert again.decision.attempts == 1
        assert again.decision.translation == result.decision.translation
        assert sent(stage.network.calls[-1]) == last

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "other",
    [
        {"reasoning_effort": "low", "temperature": 0.5},
        {"reasoning_effort": "high", "temperature": 0.7},
        {"thinking": {"type": "adaptive"}, "temperature": 0.5},
        {"reasoning_effort": "high", "temperature": 0.5, "tool_choice": "none"},
    ],
)
def test_it_is_left_out_before_the_first_call_only_beside_the_same_values(other: Json) -> None:
    async def scenario() -> None:
        stage = scene(CHAT)
        first = asked(CHAT, reasoning_effort="high", temperature=0.5)
        for attempts in (2, 1):
            assert (await stage.call(CHAT, first)).decision.attempts == attempts
        # What is known of other values, the server knows alone.
        tools = [{"type": "function", "function": {"name": "f"}}]
        result = await stage.call(CHAT, asked(CHAT, tools=tools, **other))
        assert (result.reply.status, result.decision.attempts) == (200, 2)

    asyncio.run(scenario())


@pytest.mark.parametrize("name", THINKING)
def test_which_of_the_two_goes_is_for_claudes_own_clients_to_say(name: str) -> None:
    body = {"model": MODEL, **ASKED[MESSAGES], name: 1, "thinking": {"type": "adaptive"}}
    result = scene(MESSAGES).generate(MESSAGES, body)
    assert (result.reply.status, result.decision.attempts) == (400, 1)


@pytest.mark.parametrize(
    ("client", "asking"),
    [
        (CHAT, {"reasoning_effort": "high"}),
        (CHAT, {"thinking": {"type": "adaptive"}}),
        (RESPONSES, {"reasoning": {"effort": "high"}}),
    ],
)
def test_a_forced_call_stays_where_thinking_is_refused_beside_it(
    client: Shape, asking: Json
) -> None:
    tool: Json = {"type": "function", "name": "f", "parameters": {"type": "object"}}
    tools = [tool if client is RESPONSES else {"type": "function", "function": {"name": "f"}}]
    forced = {"tools": tools, "tool_choice": "required"}

    async def scenario() -> None:
        stage = scene(client)
        for attempts in (2, 1):
            result = await stage.call(client, asked(client, **forced, **asking))
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            last = sent(stage.network.calls[-1])
            assert last["tool_choice"] == "required"
            assert not asking.keys() & last.keys()
        alone = await stage.call(client, asked(client, **asking))
        assert alone.decision.attempts == 1

    asyncio.run(scenario())


def test_claudes_own_clients_choose_between_a_forced_call_and_thinking() -> None:
    body = asked(
        MESSAGES,
        tools=[{"name": "f", "input_schema": {"type": "object"}}],
        tool_choice={"type": "any"},
        thinking={"type": "adaptive"},
    )
    result = scene(MESSAGES).generate(MESSAGES, body)
    assert (result.reply.status, result.decision.attempts) == (400, 1)


@pytest.mark.parametrize("home", [CHAT, MESSAGES])
@pytest.mark.parametrize("odd", [b'"verbosity": 1e400', b'"seed": 1e400', b'"x": [1e400]'])
def test_a_number_that_no_double_holds_does_not_hide_the_refusal(home: Shape, odd: bytes) -> None:
    """The body went upstream as it came."""

    def refuses(call: UpstreamCall) -> Answer:
        return json_reply({"data": []}) if call.method == "GET" else error_reply(400, "No.")

    def refuses_beside(call: UpstreamCall) -> Answer:
        says = THINKING["temperature"] if home is MESSAGES else "No."
        return json_reply({"data": []}) if call.method == "GET" else error_reply(400, says)

    body = msgspec.json.encode(asked(home, temperature=0.5, thinking={"type": "adaptive"}))
    raw = body[:-1] + b"," + odd + b"}"
    for server in (refuses, refuses_beside):
        kind = kinds.ANTHROPIC if home is MESSAGES else kinds.OTHER
        upstream = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kind)
        stage = Scene(server, upstream, rules=(ModelRule(MODEL, endpoints=(home,)),))
        result = stage.generate(home, raw)
        assert (result.reply.status, result.decision.attempts) == (400, 1)
        assert stage.network.calls[-1].body == raw
