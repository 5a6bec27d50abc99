"""Conversations of messages clients with models at the responses endpoint."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.exchange.stored.seals import Seals
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.messages_via_responses import translate
from tests.exchange.scene import ALICE, BOB
from tests.translate.chat_via_responses.cases import (
    events_of,
    function_call,
    message,
    reasoning,
    response,
    text,
)
from tests.translate.messages_client import context as plain_context
from tests.translate.messages_requests import CLAUDE_CODE, asked, result, tool, user
from tests.translate.messages_turns import Conversation

REASONER = Capabilities(reasoning=True)
SEALED = "gAAAAABencrypted"
THOUGHT = reasoning(summary=["I look."], encrypted_content=SEALED)
CALLED = response(THOUGHT, message(text("Let me look.")), function_call("Bash", '{"command":"ls"}'))


def context(
    key: str = "s", upstream: str = "openai", caller: Any = ALICE, model: str = "gpt-5.4"
) -> Callable[[], Context]:
    """Return what makes contexts as another process has them."""

    def made() -> Context:
        seal = Seals(key * 32).of(caller, None)
        of = plain_context(REASONER, seal=seal, upstream=upstream)
        of.model_sent = model
        return of

    return made


def talking(body: Json = CLAUDE_CODE) -> Conversation:
    return Conversation(Shape.RESPONSES, context(), events_of, body)


def reasoning_in(sent: Json) -> list[Json]:
    return [item for item in sent["input"] if item["type"] == "reasoning"]


@pytest.mark.parametrize("display", ["summarized", "omitted"])
def test_encrypted_reasoning_comes_back_through_the_client_alone(display: str) -> None:
    body = {**CLAUDE_CODE, "thinking": {"type": "adaptive", "display": display}}
    conversation = talking(body=body)
    assert conversation.sent["include"] == ["reasoning.encrypted_content"]
    said = conversation.reply(CALLED)
    kinds = [block["type"] for block in said["content"]]
    assert kinds == ["thinking", "text", "tool_use"]
    conversation.say(result("call_Bash", "a.txt"))
    items = conversation.sent["input"]
    assert [item.get("type") for item in items[-4:]] == [
        *("reasoning", "message", "function_call", "function_call_output")
    ]
    (thought,) = reasoning_in(conversation.sent)
    assert thought == {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "I look."}],
        "encrypted_content": SEALED,
    }


def test_reasoning_without_a_text_comes_back_too() -> None:
    conversation = talking()
    conversation.reply(response(reasoning(encrypted_content=SEALED), message(text("a"))))
    conversation.say("And?")
    assert reasoning_in(conversation.sent) == [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": SEALED}
    ]


@pytest.mark.parametrize(
    "other",
    [
        context(key="t"),
        context(upstream="azure"),
        context(model="o4-mini"),
        context(caller=BOB),
    ],
    ids=["secret", "upstream", "model", "caller"],
)
def test_elsewhere_reasoning_is_dropped_and_reported(other: Callable[[], Context]) -> None:
    conversation = talking()
    conversation.reply(CALLED)
    conversation.move(Shape.RESPONSES, other)
    conversation.say(result("call_Bash", "a.txt"))
    assert reasoning_in(conversation.sent) == []
    assert "messages[2].content[0]" in conversation.dropped


@pytest.mark.parametrize("field", ["signature", "thinking"])
def test_what_was_tampered_with_is_dropped(field: str) -> None:
    conversation = talking(body={**CLAUDE_CODE, "thinking": {"type": "adaptive"}})
    conversation.reply(CALLED)
    block = conversation.body["messages"][-1]["content"][0]
    block[field] = block[field][:-3] + "AAA"
    conversation.say(result("call_Bash", "a.txt"))
    assert reasoning_in(conversation.sent) == []
    assert "messages[2].content[0]" in conversation.dropped


def test_it_never_reaches_anthropic() -> None:
    conversation = talking()
    conversation.reply(CALLED)
    conversation.move(Shape.MESSAGES, context())
    conversation.say(result("call_Bash", "a.txt"))
    kinds = [block["type"] for block in conversation.sent["messages"][2]["content"]]
    assert kinds == ["text", "tool_use"]


def test_anthropics_signatures_never_reach_anybody_else() -> None:
    signed = {"type": "thinking", "thinking": "hm", "signature": "EqoBCkgIARABGAIiQL"}
    hidden = {"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3p"}
    said = {"role": "assistant", "content": [signed, hidden, {"type": "text", "text": "a"}]}
    conversation = talking(body=asked(user("?"), said, user("!")))
    assert "Eq" not in str(conversation.sent)
    assert conversation.dropped == ["messages[1].content[0]", "messages[1].content[1]"]


def test_the_same_history_is_sent_as_the_same_bytes() -> None:
    conversation = talking()
    conversation.reply(CALLED)
    conversation.say(result("call_Bash", "a.txt"))
    before = conversation.sent["input"]
    conversation.reply(response(message(text("Done."))))
    conversation.say("Thanks.")
    assert conversation.sent["input"][: len(before)] == before


def test_long_names_of_tools_are_the_clients_in_replies() -> None:
    name = "mcp__" + "server_" * 12 + "tool"
    conversation = talking(body=asked(user("?"), tools=[tool(name)]))
    sent = conversation.sent["tools"][0]["name"]
    assert len(sent) <= 64
    said = conversation.reply(response(function_call(sent, "{}")))
    assert said["content"][0]["name"] == name
    conversation.say(result(f"call_{sent}"))
    assert conversation.sent["input"][1]["name"] == sent


def test_stop_sequences_are_not_sent_and_named() -> None:
    conversation = talking(body=asked(user("?"), stop_sequences=["END"]))
    assert "stop" not in str(conversation.sent)
    assert conversation.translation.report.emulated == ["stop_sequences"]
    said = conversation.reply(response(message(text("a END b"))))
    assert said["stop_sequence"] == "END"


def test_no_tokens_need_no_model() -> None:
    of = context()()
    of.settings = type(of.settings)(on_unsupported="drop")
    translation = translate({**asked(user("?")), "max_tokens": 0}, of)
    assert translation.calls == ()
    assert (translation.report.dropped, translation.report.changed) == (["max_tokens"], [])
    reply = translation.local_reply()
    assert reply is not None
    assert reply["stop_reason"] == "max_tokens"
    assert translate(asked(user("?")), context()()).local_reply() is None
