"""Forced calls with models at messages that take none, as Claude Fable 5.1."""

from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.config.translation_settings import TranslationSettings
from gateway.errors import UnsupportedParameter
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import ALICE, Scene
from tests.fakes import Answer, error_reply, json_reply

SAID = 'tool_choice: type "tool" and "any" are not supported for this model.'
MESSAGE: Json = {"id": "m", "type": "message", "role": "assistant", "stop_reason": "end_turn"}
NAMED: dict[Shape, Json] = {
    Shape.CHAT: {"type": "function", "function": {"name": "f"}},
    Shape.RESPONSES: {"type": "function", "name": "f"},
}
BODIES: dict[Shape, Json] = {
    Shape.CHAT: {
        "messages": [{"role": "user", "content": "x"}],
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "reasoning_effort": "low",
    },
    Shape.RESPONSES: {
        "input": "x",
        "tools": [{"type": "function", "name": "f"}],
        "reasoning": {"effort": "low"},
    },
}


class Claude:
    """Refuses forced calls."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def answer(self, call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"data": []})
        assert isinstance(call.body, bytes)
        self.sent.append(msgspec.json.decode(call.body))
        if self.sent[-1].get("tool_choice", {}).get("type") in ("any", "tool"):
            return error_reply(400, SAID)
        content = [{"type": "text", "text": "Fine."}]
        usage = {"input_tokens": 1, "output_tokens": 1}
        return json_reply({**MESSAGE, "content": content, "usage": usage})


def scene(claude: Claude, policy: str, model: str) -> Scene:
    upstream = UpstreamSettings("up", "http://up.example/v1", kinds.ANTHROPIC)
    settings = TranslationSettings(on_unsupported="drop" if policy == "drop" else "refuse")
    rules = (ModelRule(model, endpoints=(Shape.MESSAGES,)),)
    return Scene(claude.answer, upstream, rules=rules, translation=settings)


@pytest.mark.parametrize("client", BODIES)
@pytest.mark.parametrize(("model", "calls"), [("claude-fable-5-1", 0), ("claude-new", 1)])
def test_they_are_refused_by_the_clients_name_before_anything_is_generated(
    client: Shape, model: str, calls: int
) -> None:
    claude = Claude()
    stage = scene(claude, "refuse", model)
    for choice in ("required", NAMED[client]):
        with pytest.raises(UnsupportedParameter, match="on_unsupported: drop") as refused:
            stage.generate(
                client, {"model": model, **BODIES[client], "tool_choice": choice}, headers=ALICE
            )
        assert refused.value.param == "tool_choice"
        assert len(claude.sent) == calls
        claude.sent.clear()


@pytest.mark.parametrize("client", BODIES)
@pytest.mark.parametrize(("model", "attempts"), [("claude-fable-5-1", 1), ("claude-new", 2)])
def test_or_the_model_decides_where_the_operator_says_so(
    client: Shape, model: str, attempts: int
) -> None:
    claude = Claude()
    stage = scene(claude, "drop", model)
    body = {"model": model, **BODIES[client], "tool_choice": "required"}
    for times in (attempts, 1):
        made = stage.generate(client, body, headers=ALICE)
        assert (made.reply.status, made.decision.attempts) == (200, times)
        assert "dropped=tool_choice" in made.decision.translation
        assert "tool_choice" not in claude.sent[-1]
    free = stage.generate(client, {**body, "tool_choice": "auto"}, headers=ALICE)
    assert "tool_choice" not in free.decision.translation


def test_a_client_of_messages_gets_the_refusal() -> None:
    claude = Claude()
    stage = scene(claude, "drop", "claude-new")
    body = {
        "model": "claude-new",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "x"}],
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "any"},
    }
    for _ in range(2):
        made = stage.generate(Shape.MESSAGES, body, headers=ALICE)
        assert (made.reply.status, made.decision.attempts) == (400, 1)
