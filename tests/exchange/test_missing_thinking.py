"""Calls of other models, without Claude's thinking before them, end no conversation with it."""

import asyncio
from typing import Any

import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Scene, chat_completion
from tests.exchange.test_retries import sent
from tests.fakes import Answer, json_reply
from tests.translate.messages_upstreams import error_event, message, text

CHAT, MESSAGES = Shape.CHAT, Shape.MESSAGES
WORDS = (
    "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. "
    "When `thinking` is enabled, a final `assistant` message must start with a thinking block."
)
USE: Json = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
RESULT: Json = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sun"}
CALL: Json = {"id": "toolu_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
BUDGET: Json = {"type": "enabled", "budget_tokens": 1024}
HISTORY: dict[Shape, list[Json]] = {
    MESSAGES: [
        {"role": "user", "content": "w?"},
        {"role": "assistant", "content": [USE]},
        {"role": "user", "content": [RESULT]},
    ],
    CHAT: [
        {"role": "user", "content": "w?"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "toolu_1", "content": "sun"},
    ],
}
KEEP: Json = {"type": "clear_thinking_20251015", "keep": "all"}
CLEAR: Json = {"type": "clear_tool_uses_20250919"}


def answer(call: UpstreamCall) -> Answer:
    """Answer as Claude 4.5, at messages or by a relay at chat."""
    if call.method == "GET":
        return json_reply({"data": []})
    body = sent(call)
    asks = {"thinking", "reasoning_effort"} & body.keys()
    calls = len(body["messages"]) > 1
    if asks and calls:
        return json_reply(error_event("invalid_request_error", WORDS), 400)
    edits = body.get("context_management", {}).get("edits", ())
    assert asks or KEEP not in edits
    return json_reply(message(text("Fine")) if call.path == MESSAGES.path else chat_completion())


def scene(home: Shape) -> Scene:
    kind = kinds.ANTHROPIC if home is MESSAGES else kinds.OTHER
    upstream = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kind)
    return Scene(answer, upstream, rules=(ModelRule("m", endpoints=(home,)),))


@pytest.mark.parametrize(
    ("client", "home", "asking"),
    [
        (MESSAGES, MESSAGES, {"thinking": BUDGET}),
        (CHAT, CHAT, {"reasoning_effort": "high"}),
        (CHAT, CHAT, {"thinking": BUDGET}),
    ],
)
def test_the_request_goes_on_without_thinking(client: Shape, home: Shape, asking: Json) -> None:
    async def scenario() -> None:
        stage = scene(home)
        body = {"model": "m", "max_tokens": 2000, "messages": HISTORY[client], **asking}
        for _ in range(2):
            result = await stage.call(client, body)
            assert (result.reply.status, result.decision.attempts) == (200, 2)
            report = dict(result.decision.headers())[b"x-gateway-translation"].decode()
            assert report.endswith("; changed=thinking.type:enabled->disabled")
            last = sent(stage.network.calls[-1])
            assert last["messages"] == HISTORY[client]
            assert not asking.keys() & last.keys()
        # A conversation that Claude has begun itself thinks as before.
        begun = {**body, "messages": HISTORY[client][:1]}
        result = await stage.call(client, begun)
        assert (result.decision.attempts, sent(stage.network.calls[-1])) == (1, begun)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("edits", "left"),
    [([KEEP], None), ([KEEP, CLEAR], [CLEAR]), ([CLEAR], [CLEAR]), ([], []), (3, 3)],
)
def test_what_needs_thinking_goes_with_it(edits: Any, left: Any) -> None:
    managed = {"context_management": {"edits": edits}, "thinking": BUDGET}
    body = {"model": "m", "max_tokens": 2000, "messages": HISTORY[MESSAGES], **managed}
    stage = Scene(
        lambda call: answer(call) if "thinking" in sent(call) else json_reply(message(text("A"))),
        UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.ANTHROPIC),
        rules=(ModelRule("m", endpoints=(MESSAGES,)),),
    )
    result = stage.generate(MESSAGES, body)
    assert (result.reply.status, result.decision.attempts) == (200, 2)
    kept = sent(stage.network.calls[-1]).get("context_management")
    assert kept == (None if left is None else {"edits": left})


def test_a_refusal_where_none_was_asked_for_is_the_clients() -> None:
    refusal = error_event("invalid_request_error", WORDS)
    stage = Scene(
        lambda _: json_reply(refusal, 400),
        UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.ANTHROPIC),
        rules=(ModelRule("m", endpoints=(MESSAGES,)),),
    )
    body = {"model": "m", "max_tokens": 9, "messages": HISTORY[MESSAGES]}
    result = stage.generate(MESSAGES, body)
    assert (result.reply.status, result.decision.attempts, result.json) == (400, 1, refusal)


OLDER = (
    "thinking: Input tag 'adaptive' found using 'type' does not match any of the expected tags: "
    "'disabled', 'enabled'"
)


@pytest.mark.parametrize(
    ("limit", "thinking"),
    [
        (32_000, {"type": "enabled", "budget_tokens": 31_999, "display": "omitted"}),
        (1025, {"type": "enabled", "budget_tokens": 1024, "display": "omitted"}),
        (1024, {"type": "disabled"}),
    ],
)
def test_adaptive_thinking_has_a_budget_at_older_models(limit: int, thinking: Json) -> None:
    def older(call: UpstreamCall) -> Answer:
        if sent(call).get("thinking", {}).get("type") == "adaptive":
            return json_reply(error_event("invalid_request_error", OLDER), 400)
        return json_reply(message(text("A")))

    async def scenario() -> None:
        upstream = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.ANTHROPIC)
        stage = Scene(older, upstream, rules=(ModelRule("m", endpoints=(MESSAGES,)),))
        body = {"model": "m", "max_tokens": limit, "messages": HISTORY[MESSAGES]}
        adaptive = {"thinking": {"type": "adaptive", "display": "omitted"}}
        for attempts in (2, 1):
            result = await stage.call(MESSAGES, body | adaptive)
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            report = dict(result.decision.headers())[b"x-gateway-translation"]
            assert report.endswith(b"; changed=thinking.budget_tokens:adaptive->max_tokens")
            assert sent(stage.network.calls[-1])["thinking"] == thinking
        # Other requests go out as they are, and so does a number that is none.
        for other in (body, {**body, "thinking": BUDGET}, {**body, "max_tokens": "9"}):
            result = await stage.call(MESSAGES, other)
            assert (result.decision.attempts, sent(stage.network.calls[-1])) == (1, other)

    asyncio.run(scenario())
