"""Conversations go on whose earlier thinking Claude refuses, as behind other instructions."""

from typing import Any

import msgspec

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import ALICE, Exchanged, Scene
from tests.fakes import Answer, error_reply, json_reply

SAID = "messages.1.content.0: Invalid `signature` in `thinking` block"
BOUND = (
    f"{SAID}. The block is bound to a different conversation. Remove the block, or set "
    '`thinking.block_binding.prefix_mismatch_behavior` to "drop_block". That setting requires the '
    "`thinking-binding-controls-2026-08-01` value in the `anthropic-beta` header."
)
BETA = b"thinking-binding-controls-2026-08-01"
DROPPING: Json = {"prefix_mismatch_behavior": "drop_block"}
THOUGHT: Json = {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk"}
ASKED: Json = {"model": "m", "include": ["reasoning.encrypted_content"], "store": False}


class Claude:
    """Refuses earlier thinking where the system prompt is another."""

    def __init__(self, said: str) -> None:
        self._said = said
        self.sent: list[Any] = []
        self.betas: list[bytes] = []

    def answer(self, call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return error_reply(404, "Not Found")
        assert isinstance(call.body, bytes)
        body = msgspec.json.decode(call.body)
        self.sent.append(body)
        self.betas.append(dict(call.client_headers).get(b"anthropic-beta", b""))
        asks = body.get("thinking", {}).get("block_binding") == DROPPING
        asks = asks and BETA in self.betas[-1].split(b",") and "bound" in self._said
        if body.get("system") != "One." and self.thoughts() and not asks:
            return error_reply(400, self._said)
        content = [THOUGHT, {"type": "text", "text": "Fine."}]
        usage = {"input_tokens": 1, "output_tokens": 1}
        message = {"type": "message", "role": "assistant", "content": content, "usage": usage}
        return json_reply({"id": "m", **message, "stop_reason": "end_turn"})

    def thoughts(self) -> list[Any]:
        """Return the earlier thinking that was sent last."""
        blocks = [block for message in self.sent[-1]["messages"] for block in message["content"]]
        return [b for b in blocks if isinstance(b, dict) and b["type"] == "thinking"]


def conversation(claude: Claude) -> tuple[Scene, list[Any]]:
    """Return a scene with the input of a conversation's second turn."""
    upstream = UpstreamSettings("up", "http://up.example/v1", kinds.ANTHROPIC)
    stage = Scene(claude.answer, upstream, rules=(ModelRule("m", endpoints=(Shape.MESSAGES,)),))
    first = {"role": "user", "content": "w?"}
    body = {**ASKED, "instructions": "One.", "input": [first]}
    output = stage.generate(Shape.RESPONSES, body, headers=ALICE).json["output"]
    return stage, [first, *output, {"role": "user", "content": "Go on"}]


def second(stage: Scene, given: list[Any], **more: Any) -> Exchanged:
    return stage.generate(Shape.RESPONSES, {**ASKED, "input": given, **more}, headers=ALICE)


def test_thinking_is_sent_back_as_it_came_where_nothing_has_changed() -> None:
    claude = Claude(BOUND)
    stage, given = conversation(claude)
    assert second(stage, given, instructions="One.").reply.status == 200
    assert (claude.thoughts(), claude.betas[-1]) == ([THOUGHT], b"")


def test_the_api_is_asked_to_leave_out_what_no_longer_holds() -> None:
    claude = Claude(BOUND)
    stage, given = conversation(claude)
    for attempts in (2, 1):
        again = second(stage, given, instructions="Two.")
        assert (again.reply.status, again.decision.attempts) == (200, attempts)
        assert "thinking.block_binding:none->drop_block" in again.decision.translation
        assert claude.sent[-1]["thinking"] == {"type": "adaptive", "block_binding": DROPPING}
        assert (claude.thoughts(), claude.betas[-1]) == ([THOUGHT], BETA)
    # Where there is no earlier thinking, nothing is asked for.
    plain = second(stage, given[:1], instructions="Two.")
    assert "block_binding" not in plain.decision.translation
    assert claude.betas[-1] == b""


def test_the_clients_own_betas_stay() -> None:
    claude = Claude(BOUND)
    stage, given = conversation(claude)
    body = {**ASKED, "input": given, "instructions": "Two."}
    headers = [*ALICE, (b"anthropic-beta", b"context-1m-2025-08-07")]
    assert stage.generate(Shape.RESPONSES, body, headers=headers).reply.status == 200
    assert claude.betas[-1] == b"context-1m-2025-08-07," + BETA


def test_thinking_is_left_out_where_it_is_refused_for_another_reason() -> None:
    claude = Claude(SAID)
    stage, given = conversation(claude)
    again = second(stage, given, instructions="Two.")
    assert (again.reply.status, again.decision.attempts) == (200, 2)
    assert "dropped=content[thinking]" in again.decision.translation
    assert (claude.thoughts(), claude.betas[-1]) == ([], b"")


def test_thinking_that_was_refused_once_is_sent_in_other_conversations() -> None:
    claude = Claude(SAID)
    stage, given = conversation(claude)
    assert second(stage, given, instructions="Two.").reply.status == 200
    assert second(stage, given, instructions="One.").decision.attempts == 1
    assert claude.thoughts() == [THOUGHT]


def test_a_client_of_messages_gets_the_refusal() -> None:
    claude = Claude(BOUND)
    stage, _ = conversation(claude)
    turns = [
        {"role": "user", "content": "w?"},
        {"role": "assistant", "content": [THOUGHT]},
        {"role": "user", "content": "Go on"},
    ]
    own = stage.generate(Shape.MESSAGES, {"model": "m", "max_tokens": 50, "messages": turns})
    assert own.reply.status == 400
    assert own.decision.attempts == 1
