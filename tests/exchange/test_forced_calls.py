"""Forced calls with models at messages that take none, as Claude Fable 5.1."""

from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, PerformanceSettings, UpstreamSettings
from gateway.config.translation_settings import TranslationSettings
from gateway.errors import GatewayError, UnsupportedParameter
from gateway.resolve.refusals.fixed_bodies import parameter_value
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import ALICE, Scene, chat_completion
from tests.exchange.test_retries import REPLIES
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


SWITCHES: dict[str, tuple[str, Any]] = {
    "<400> InternalError.Algo.InvalidParameter: The tool_choice parameter does not support being "
    "set to required or object in thinking mode": ("enable_thinking", False),
    "Thinking mode does not support this tool_choice": ("thinking", {"type": "disabled"}),
    "tool_choice 'required' is incompatible with thinking enabled": (
        "thinking",
        {"type": "disabled"},
    ),
}
FORCED: dict[Shape, Json] = {
    Shape.CHAT: {**BODIES[Shape.CHAT], "tool_choice": "required"},
    Shape.RESPONSES: {**BODIES[Shape.RESPONSES], "tool_choice": NAMED[Shape.RESPONSES]},
    Shape.MESSAGES: {
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "x"}],
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "any"},
        "output_config": {"effort": "low"},
    },
}
FREE = "auto"
EFFORTS = {
    Shape.CHAT: "reasoning_effort",
    Shape.RESPONSES: "reasoning.effort",
    Shape.MESSAGES: "output_config.effort",
}


QWENS, DEEPSEEKS, MOONSHOTS = SWITCHES
OFF = {"type": "disabled"}
SWITCHES_AT: dict[tuple[Shape, str], tuple[str, Any]] = {
    (Shape.RESPONSES, QWENS): ("enable_thinking", False),
    (Shape.RESPONSES, DEEPSEEKS): ("reasoning.effort", "none"),
    (Shape.RESPONSES, MOONSHOTS): ("reasoning.effort", "none"),
    **{(Shape.MESSAGES, said): ("thinking", OFF) for said in SWITCHES},
}


class Thinker:
    """Thinks, unless it is told not to, and refuses forced calls while it does."""

    def __init__(self, said: str, home: Shape = Shape.CHAT, *, always: bool = False) -> None:
        self.said = said
        self.home = home
        self.name, self.off = SWITCHES[said] if home is Shape.CHAT else SWITCHES_AT[home, said]
        self.always = always
        self.sent: list[Any] = []

    def answer(self, call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"data": []})
        assert isinstance(call.body, bytes)
        body = msgspec.json.decode(call.body)
        self.sent.append(body)
        thinks = parameter_value(body, self.name) != self.off
        if self.always and not thinks:
            return error_reply(400, f"The value of the {self.name} parameter is restricted.")
        if thinks and body.get("tool_choice", FREE) not in (FREE, {"type": FREE}):
            return error_reply(400, self.said, code="invalid_parameter_error")
        if self.home is Shape.CHAT:
            return json_reply(chat_completion("Fine."))
        return json_reply(REPLIES[self.home.path])


def thinkers_scene(thinker: Thinker, *, fast: bool = True) -> Scene:
    upstream = UpstreamSettings("up", "http://up.example/v1", kinds.OTHER)
    rules = (ModelRule("qwen", endpoints=(thinker.home,)),)
    performance = PerformanceSettings(fast_paths=fast)
    return Scene(thinker.answer, upstream, rules=rules, performance=performance)


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("said", SWITCHES)
@pytest.mark.parametrize("client", FORCED)
def test_thinking_is_switched_off_beside_a_forced_call_and_only_there(
    client: Shape, said: str, *, stream: bool, fast: bool
) -> None:
    thinker = Thinker(said)
    stage = thinkers_scene(thinker, fast=fast)
    body = {"model": "qwen", "stream": stream, **FORCED[client]}
    for attempts in (2, 1):
        made = stage.generate(client, body)
        assert (made.reply.status, made.decision.attempts) == (200, attempts)
        assert b"Fine" in made.body
        assert thinker.sent[-1]["tool_choice"] != FREE
        assert "reasoning_effort" not in thinker.sent[-1]
        word = "false" if thinker.off is False else "disabled"
        assert f"changed={thinker.name}:none->{word}" in made.decision.translation
        assert f"dropped={EFFORTS[client]}" in made.decision.translation
    del body["tool_choice"]
    free = stage.generate(client, body)
    assert (free.reply.status, free.decision.attempts) == (200, 1)
    assert thinker.name not in thinker.sent[-1]
    assert thinker.sent[-1]["reasoning_effort"] == "low"
    assert thinker.name not in free.decision.translation


@pytest.mark.parametrize("client", FORCED)
@pytest.mark.parametrize("said", SWITCHES)
def test_a_model_that_always_thinks_refuses_the_call_by_its_own_words(
    client: Shape, said: str
) -> None:
    stage = thinkers_scene(Thinker(said, always=True))
    body = {"model": "qwen", **FORCED[client]}
    if client is Shape.CHAT:
        made = stage.generate(client, body)
        assert (made.reply.status, made.json["error"]["message"]) == (400, said)
        return
    with pytest.raises(GatewayError, match="tool_choice") as refused:
        stage.generate(client, body)
    assert refused.value.status == 400


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("client", FORCED)
@pytest.mark.parametrize(("home", "said"), SWITCHES_AT)
def test_so_it_is_at_responses_and_messages(
    home: Shape, said: str, client: Shape, *, stream: bool, fast: bool
) -> None:
    thinker = Thinker(said, home)
    stage = thinkers_scene(thinker, fast=fast)
    body = {"model": "qwen", "stream": stream, **FORCED[client]}
    if client is home is Shape.MESSAGES:
        made = stage.generate(client, body)
        assert (made.reply.status, made.decision.attempts) == (400, 1)
        return
    changed = {
        "enable_thinking": "enable_thinking:none->false",
        "reasoning.effort": f"{EFFORTS[client]}:low->none",
        "thinking": "thinking:none->disabled",
    }
    for attempts in (2, 1):
        made = stage.generate(client, body)
        assert (made.reply.status, made.decision.attempts) == (200, attempts)
        assert b"Hello" in made.body
        assert changed[thinker.name] in made.decision.translation
        effort = parameter_value(thinker.sent[-1], EFFORTS[home])
        assert effort == ("none" if thinker.name == EFFORTS[home] else None)
    del body["tool_choice"]
    free = stage.generate(client, body)
    assert (free.reply.status, free.decision.attempts) == (200, 1)
    assert parameter_value(thinker.sent[-1], thinker.name) != thinker.off
    assert changed[thinker.name] not in free.decision.translation


@pytest.mark.parametrize(("home", "said"), SWITCHES_AT)
def test_and_one_that_always_thinks_there_says_so_in_its_own_words(home: Shape, said: str) -> None:
    stage = thinkers_scene(Thinker(said, home, always=True))
    with pytest.raises(GatewayError, match="tool_choice") as refused:
        stage.generate(Shape.CHAT, {"model": "qwen", **FORCED[Shape.CHAT]})
    assert refused.value.status == 400
