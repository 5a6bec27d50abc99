"""Conversations go on whose earlier thinking Claude refuses, as behind other instructions."""

from typing import Any

import msgspec
import pytest

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
    # The gateway's own is named once, also where a client has several fields, or knows it.
    headers = [*headers, (b"anthropic-beta", b" " + BETA + b", other")]
    assert stage.generate(Shape.RESPONSES, body, headers=headers).reply.status == 200
    assert claude.betas[-1] == b"context-1m-2025-08-07," + BETA + b",other"


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


class Azure:
    """Has two deployments, and cannot decrypt in one what the other has encrypted."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.deployment = "one"

    def answer(self, call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return error_reply(404, "Not Found")
        assert isinstance(call.body, bytes)
        body = msgspec.json.decode(call.body)
        self.sent.append(body["input"])
        for item in body["input"]:
            if item.get("encrypted_content", self.deployment) != self.deployment:
                return error_reply(
                    400,
                    "The encrypted content gAAA...wXBV could not be verified.",
                    code="invalid_encrypted_content",
                )
        thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}
        part = {"type": "output_text", "text": "Fine.", "annotations": []}
        said = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
        output = [
            {**thought, "id": "rs_1", "encrypted_content": self.deployment},
            {**said, "content": [part]},
        ]
        return json_reply(
            {"id": "r", "object": "response", "status": "completed", "output": output, "model": "m"}
        )


@pytest.mark.parametrize("client", [Shape.RESPONSES, Shape.MESSAGES])
def test_reasoning_that_cannot_be_decrypted_is_left_out(client: Shape) -> None:
    azure = Azure()
    upstream = UpstreamSettings("up", "http://up.example/v1", kinds.OTHER)
    stage = Scene(azure.answer, upstream, rules=(ModelRule("m", endpoints=(Shape.RESPONSES,)),))
    user, going_on = {"role": "user", "content": "w?"}, {"role": "user", "content": "Go on"}
    asked: Json = {**ASKED} if client is Shape.RESPONSES else {"model": "m", "max_tokens": 5000}
    if client is Shape.MESSAGES:
        asked["thinking"] = {"type": "enabled", "budget_tokens": 2000}
    place = "input" if client is Shape.RESPONSES else "messages"
    first = stage.generate(client, {**asked, place: [user]}, headers=ALICE).json
    said = (
        first["output"]
        if client is Shape.RESPONSES
        else [{"role": "assistant", "content": first["content"]}]
    )
    body = {**asked, place: [user, *said, going_on]}
    for deployment, attempts in (("two", 2), ("two", 2), ("one", 1)):
        azure.deployment = deployment
        again = stage.generate(client, body, headers=ALICE)
        assert (again.reply.status, again.decision.attempts) == (200, attempts)
        left_out = "dropped=input[reasoning]" in again.decision.translation
        assert left_out is (attempts == 2)
        kinds_sent = [item.get("type") for item in azure.sent[-1]]
        assert ("reasoning" in kinds_sent) is (attempts == 1)
