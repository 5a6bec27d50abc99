"""Templates that take no system message, or one call at once: what is sent, and remembered."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, PerformanceSettings, UpstreamSettings
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Scene
from tests.exchange.test_retries import ASKED, REPLIES, sent
from tests.fakes import Answer, FakeReply, error_reply, json_reply

CHAT, RESPONSES, MESSAGES = Shape.CHAT, Shape.RESPONSES, Shape.MESSAGES
SHAPES = (CHAT, RESPONSES, MESSAGES)
PAIRS = [(client, home) for client in SHAPES for home in SHAPES]
NONE = "System role not supported"
ONE_CALL = "This model only supports single tool-calls at once!"
PROMPTS: dict[Shape, Json] = {
    CHAT: {
        "messages": [{"role": "system", "content": "Brief."}, {"role": "user", "content": "Hi"}]
    },
    RESPONSES: {"instructions": "Brief.", "input": "Hi"},
    MESSAGES: {"system": "Brief.", "messages": [{"role": "user", "content": "Hi"}]},
}
CALLS: dict[Shape, Json] = {
    CHAT: {
        "messages": [
            {"role": "user", "content": "Hi"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": each, "type": "function", "function": {"name": "f", "arguments": "{}"}}
                    for each in ("call_a", "call_b")
                ],
            },
            {"role": "tool", "tool_call_id": "call_a", "content": "A"},
            {"role": "tool", "tool_call_id": "call_b", "content": "B"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
    },
    RESPONSES: {
        "input": [
            {"role": "user", "content": "Hi"},
            *(
                {"type": "function_call", "call_id": each, "name": "f", "arguments": "{}"}
                for each in ("call_a", "call_b")
            ),
            {"type": "function_call_output", "call_id": "call_a", "output": "A"},
            {"type": "function_call_output", "call_id": "call_b", "output": "B"},
        ],
        "tools": [{"type": "function", "name": "f", "parameters": {}, "strict": False}],
    },
    MESSAGES: {
        "messages": [
            {"role": "user", "content": "Hi"},
            {
                "role": "assistant",
                "content": [
                    {"type": "tool_use", "id": each, "name": "f", "input": {}}
                    for each in ("call_a", "call_b")
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "call_a", "content": "A"},
                    {"type": "tool_result", "tool_use_id": "call_b", "content": "B"},
                ],
            },
        ],
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
    },
}


def has_system(body: Json) -> bool:
    said = body.get("messages", body.get("input"))
    roles = [each.get("role") for each in said] if isinstance(said, list) else []
    return bool(body.get("system") or body.get("instructions")) or bool(
        {"system", "developer"} & set(roles)
    )


def has_several_calls(body: Json) -> bool:
    kinds_of_items = [each.get("type") for each in body.get("input", ()) if isinstance(each, dict)]
    if ("function_call", "function_call") in pairwise(kinds_of_items):
        return True
    contents = [each.get("content") for each in body.get("messages", ())]
    blocks = [content for content in contents if isinstance(content, list)]
    uses: list[int] = [sum(block.get("type") == "tool_use" for block in each) for each in blocks]
    calls = [len(each.get("tool_calls") or ()) for each in body.get("messages", ())]
    return any(count > 1 for count in (*uses, *calls))


def refused(home: Shape, status: int, words: str) -> FakeReply:
    if status == 500:
        # As vLLM has it at messages, and llama.cpp at the others.
        kind = "internal_error" if home is MESSAGES else "server_error"
        return error_reply(
            500, words if home is MESSAGES else f"Jinja Exception: {words}", type=kind
        )
    return error_reply(400, words, type="BadRequestError")


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize(
    ("asked", "words", "is_wrong"),
    [(PROMPTS, NONE, has_system), (CALLS, ONE_CALL, has_several_calls)],
    ids=["system", "calls"],
)
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_what_a_template_does_not_take_is_said_otherwise(
    client: Shape,
    home: Shape,
    asked: dict[Shape, Json],
    words: str,
    is_wrong: Callable[[Json], bool],
    status: int,
    *,
    fast: bool,
) -> None:
    def answer(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"data": []})
        return (
            refused(home, status, words) if is_wrong(sent(call)) else json_reply(REPLIES[call.path])
        )

    async def scenario() -> None:
        stage = Scene(
            answer,
            UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.VLLM),
            rules=(ModelRule("m", endpoints=(home,)),),
            performance=PerformanceSettings(fast_paths=fast),
        )
        body = {"model": "m", **ASKED[client], **asked[client]}
        seen: list[Any] = []
        for attempts in (2, 1):
            result = await stage.call(client, body)
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            seen.append((stage.network.bodies()[-1], result.decision.translation))
            stage.clock.advance(2)
        assert seen[0] == seen[1]
        told = msgspec.json.encode(seen[0][0])
        for part in (b"Brief.", b"Hi") if asked is PROMPTS else (b"call_a", b"call_b"):
            assert told.count(part) == (1 if asked is PROMPTS else 2)
        assert "changed=" in seen[0][1]

    asyncio.run(scenario())


ALTERNATE = "Conversation roles must alternate user/assistant/user/assistant/..."
TWICE: dict[Shape, Json] = {
    CHAT: {"messages": [*PROMPTS[CHAT]["messages"], {"role": "user", "content": "You"}]},
    RESPONSES: {
        "instructions": "Brief.",
        "input": [{"role": "user", "content": "Hi"}, {"role": "user", "content": "You"}],
    },
    MESSAGES: {
        "system": "Brief.",
        "messages": [{"role": "user", "content": "Hi"}, {"role": "user", "content": "You"}],
    },
}


def alternates(body: Json) -> bool:
    said = body.get("messages", body.get("input"))
    roles = [each.get("role") for each in said] if isinstance(said, list) else ["user"]
    return not has_system(body) and all(one != other for one, other in pairwise(roles))


@pytest.mark.parametrize("asked", [PROMPTS, TWICE], ids=["once", "twice"])
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_a_template_may_say_of_a_system_message_that_roles_do_not_alternate(
    client: Shape, home: Shape, asked: dict[Shape, Json]
) -> None:
    """Mistral's first ones do: chat-ui#1386, ragflow#11021, autogen#1037."""

    def answer(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"data": []})
        if alternates(sent(call)):
            return json_reply(REPLIES[call.path])
        return refused(home, 400, ALTERNATE)

    async def scenario() -> None:
        upstream = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.VLLM)
        stage = Scene(answer, upstream, rules=(ModelRule("m", endpoints=(home,)),))
        body = {"model": "m", **ASKED[client], **asked[client]}
        for most in (3, 1):
            result = await stage.call(client, body)
            assert result.reply.status == 200
            assert result.decision.attempts <= most
            stage.clock.advance(2)
        first = [call.body for call in stage.network.calls if call.method == "POST"][:-1]
        assert len(first) == len(set(first))  # nothing is sent again as it was
        told = msgspec.json.encode(stage.network.bodies()[-1])
        assert told.index(b"Brief.") < told.index(b"Hi")

    asyncio.run(scenario())
