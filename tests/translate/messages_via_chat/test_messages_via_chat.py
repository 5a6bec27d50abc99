"""Conversations of messages clients with models at the chat endpoint, and behind it."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.messages_via_chat import translate
from gateway.translate.plan import plan
from tests.messages_grammar import read_message
from tests.translate.messages_client import context, texts
from tests.translate.messages_requests import CLAUDE_CODE, asked, result, tool, user
from tests.translate.messages_turns import Conversation
from tests.translate.responses_via_chat.chat_backend import (
    USAGE,
    chunk,
    completion,
    fragment,
    tool_call,
)
from tests.translate.responses_via_chat.next_turn import DETAILS, SIGNED
from tests.translate.sealing import OpenSeal

DEEPSEEK = Capabilities(reasoning_field="reasoning_content", reasoning_required=True)
LS = tool_call("Bash", '{"command":"ls"}', "call_a")


def sealing(able: Capabilities | None = None) -> Callable[[], Context]:
    return lambda: context(able, seal=OpenSeal())


def events_of(reply: Json) -> list[Json]:
    """Return a stream that says the same as a whole reply; calls come in two pieces."""
    (choice,) = reply["choices"]
    message = choice["message"]
    usual = ("role", "content", "tool_calls", "refusal")
    beside = {name: value for name, value in message.items() if name not in usual}
    events = [chunk("", role="assistant")]
    events += [chunk(**beside)] if beside else []
    events += [chunk(piece) for piece in message.get("content") or ""]
    for index, call in enumerate(message.get("tool_calls", ())):
        function = call["function"]
        more = {name: value for name, value in call.items() if name not in ("id", "type")}
        begun = fragment(index, "", name=function["name"], call_id=call["id"])
        events.append(chunk(tool_calls=[{**more, **begun}]))
        events.append(chunk(tool_calls=[fragment(index, function["arguments"])]))
    return [*events, chunk(finish=choice["finish_reason"]), USAGE]


def talking(of: Callable[[], Context], body: Json = CLAUDE_CODE) -> Conversation:
    return Conversation(Shape.CHAT, of, events_of, body)


def last_turn(conversation: Conversation) -> Json:
    """Return the assistant's message in the upstream request."""
    turns = [each for each in conversation.sent["messages"] if each["role"] == "assistant"]
    message: Json = turns[-1]
    return message


@pytest.mark.parametrize("display", ["summarized", "omitted"])
def test_reasoning_comes_back_to_servers_that_want_it(display: str) -> None:
    body = {**CLAUDE_CODE, "thinking": {"type": "adaptive", "display": display}}
    conversation = talking(sealing(DEEPSEEK), body)
    reply = completion("Let me.", "tool_calls", reasoning_content="I look.", tool_calls=[LS])
    said = conversation.reply(reply)
    assert [block["type"] for block in said["content"]] == ["thinking", "text", "tool_use"]
    conversation.say(result("call_a", "a.txt"))
    message = last_turn(conversation)
    assert message["reasoning_content"] == "I look."
    assert message["tool_calls"][0]["id"] == "call_a"


@pytest.mark.parametrize(
    "fields",
    [SIGNED, {"reasoning": "hm", "reasoning_details": DETAILS}, {"reasoning_opaque": "x"}],
    ids=["a signature", "details", "opaque"],
)
def test_fields_of_a_message_come_back(fields: Json) -> None:
    conversation = talking(sealing())
    conversation.reply(completion("a", **fields))
    conversation.say("And?")
    message = last_turn(conversation)
    assert {name: message[name] for name in fields} == fields
    assert message["content"] == "a"


@pytest.mark.parametrize("reasoned", [{}, {"reasoning_content": "hm"}])
def test_signatures_of_calls_come_back(reasoned: Json) -> None:
    conversation = talking(sealing(DEEPSEEK))
    signed = {**LS, **SIGNED}
    conversation.reply(completion(None, "tool_calls", tool_calls=[signed], **reasoned))
    conversation.say(result("call_a", "a.txt"))
    (call,) = last_turn(conversation)["tool_calls"]
    assert {name: call[name] for name in SIGNED} == SIGNED


def test_elsewhere_nothing_of_it_is_sent() -> None:
    conversation = talking(sealing())
    conversation.reply(completion("a", **SIGNED))

    def elsewhere() -> Context:
        of = sealing()()
        of.upstream = "elsewhere"
        return of

    conversation.move(Shape.CHAT, elsewhere)
    conversation.say("And?")
    assert last_turn(conversation) == {"role": "assistant", "content": "a"}
    assert "messages[2].content[0]" in conversation.dropped


def test_long_names_of_tools_are_the_clients_in_replies() -> None:
    name = "mcp__" + "server_" * 12 + "tool"
    conversation = talking(context, asked(user("?"), tools=[tool(name)]))
    sent = conversation.sent["tools"][0]["function"]["name"]
    said = conversation.reply(
        completion(None, "tool_calls", tool_calls=[tool_call(sent, "{}", "call_a")])
    )
    assert said["content"][0]["name"] == name
    conversation.say(result("call_a"))
    assert last_turn(conversation)["tool_calls"][0]["function"]["name"] == sent


def test_stop_sequences_are_not_sent_and_named() -> None:
    conversation = talking(context, asked(user("?"), stop_sequences=["END"]))
    assert "stop" not in conversation.sent
    assert conversation.reply(completion("a END b"))["stop_sequence"] == "END"


@pytest.mark.parametrize("stops", [[], ["END"]])
def test_a_model_at_completions_answers_too(stops: list[str]) -> None:
    body = asked(user("?"), **({"stop_sequences": stops} if stops else {}))

    def translated() -> Any:
        return plan(Shape.MESSAGES, Shape.COMPLETIONS, body, context())

    whole = {"choices": [{"index": 0, "text": " a END b", "finish_reason": "stop"}]}
    message = translated().reply([whole])
    assert texts(message) == ["a " if stops else "a END b"]
    assert message["stop_sequence"] == ("END" if stops else None)
    fold = translated().stream()
    events: list[Json] = []
    for piece in (" a E", "ND", " b"):
        if not fold.satisfied(0):
            events += fold.feed(0, {"choices": [{"index": 0, "text": piece}]})
    if not fold.satisfied(0):
        events += fold.feed(0, {"choices": [{"index": 0, "text": "", "finish_reason": "stop"}]})
    events += fold.end(0)
    streamed = read_message(events)
    assert (texts(streamed), streamed["stop_reason"]) == (texts(message), message["stop_reason"])


def test_no_tokens_need_no_model() -> None:
    of = context()
    of.settings = type(of.settings)(on_unsupported="drop")
    translation = translate({**asked(user("?")), "max_tokens": 0}, of)
    assert translation.calls == ()
    assert translation.local_reply() is not None
