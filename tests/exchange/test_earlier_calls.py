"""Conversations that servers refuse for what was said earlier go on."""

import asyncio
import re
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.servers import Profile
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Scene
from tests.fakes import Answer, error_reply, json_reply

DONE: Json = {"role": "assistant", "content": "Done."}
HI: Json = {"role": "user", "content": "Hi"}
ID = "toolu_01A09q90qw90lq917835lq9"
BODIES: dict[Shape, Json] = {
    Shape.CHAT: {
        "messages": [
            {"role": "user", "content": "w?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": ID, "type": "function", "function": {"name": "f", "arguments": "{}"}}
                ],
            },
            {"role": "tool", "tool_call_id": ID, "content": "sun"},
            {"role": "user", "content": "Go on"},
        ]
    },
    Shape.RESPONSES: {
        "input": [
            {"role": "user", "content": "w?"},
            {"type": "function_call", "call_id": ID, "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": ID, "output": "sun"},
            {"role": "user", "content": "Go on"},
        ]
    },
    Shape.MESSAGES: {
        "max_tokens": 50,
        "messages": [
            {"role": "user", "content": "w?"},
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": ID, "name": "f", "input": {}}],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": ID, "content": "sun"},
                    {"type": "text", "text": "Go on"},
                ],
            },
        ],
    },
}


SO: Json = {"role": "assistant", "content": "So"}
EMPTY: dict[Shape, Json] = {
    Shape.CHAT: {
        "messages": [
            {"role": "user", "content": "w?"},
            {"role": "assistant", "content": ""},
            {"role": "user", "content": "Go on"},
        ]
    },
    Shape.RESPONSES: {
        "input": [
            {"role": "user", "content": "w?"},
            {"role": "assistant", "content": [{"type": "output_text", "text": ""}]},
            {"role": "user", "content": "Go on"},
        ]
    },
}


def moonshot(call: UpstreamCall) -> Answer:
    """Refuse empty messages."""
    if call.method == "GET":
        return error_reply(404, "Not Found")
    assert isinstance(call.body, bytes)
    for position, message in enumerate(msgspec.json.decode(call.body)["messages"]):
        if not message["content"]:
            said = f"the message at position {position} with role '{message['role']}'"
            return error_reply(400, f"Invalid request: {said} must not be empty")
    return fine()


def fine() -> Answer:
    message = {"role": "assistant", "content": "Fine."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json_reply({"id": "c", "object": "chat.completion", "created": 1, "choices": [choice]})


class Mistral:
    """Validates conversations as mistral-common does."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def answer(self, call: UpstreamCall) -> Answer:
        if call.method == "GET" or call.path != "/chat/completions":
            return error_reply(404, "Not Found")
        assert isinstance(call.body, bytes)
        body = msgspec.json.decode(call.body)
        self.sent.append(body["messages"])
        last = None
        for message in body["messages"]:
            if (last, message["role"]) == ("tool", "user"):
                return error_reply(400, "Unexpected role 'user' after role 'tool'", code="3230")
            last = message["role"]
            for given in message.get("tool_calls") or ():
                if not re.fullmatch("[a-zA-Z0-9]{9}", given["id"]):
                    said = f"Tool call id was {given['id']} but must be a-z, A-Z, 0-9, with a "
                    return error_reply(400, f"{said}length of 9.", code="3280")
        return fine()


@pytest.mark.parametrize("kind", [kinds.MISTRAL, kinds.VLLM, kinds.OTHER])
@pytest.mark.parametrize("client", BODIES)
def test_the_conversation_is_fixed_once_it_was_refused(client: Shape, kind: Profile) -> None:
    server = Mistral()
    upstream = UpstreamSettings("up", "http://up.example/v1", kind)
    stage = Scene(server.answer, upstream, rules=(ModelRule("m", endpoints=(Shape.CHAT,)),))
    for attempts in (3, 1):
        server.sent.clear()
        again = stage.generate(client, {"model": "m", **BODIES[client]})
        assert again.reply.status == 200
        assert len(server.sent) == attempts
        assert again.decision.translation == (
            f"from={client}; to=chat; changed=tool_call_id:given->hash,"
            "messages:tool+user->tool+assistant+user"
        )
        user, called, result, answer, going_on = server.sent[-1]
        assert called["tool_calls"][0]["id"] == result["tool_call_id"]
        assert answer == DONE
        assert (user["role"], going_on["role"]) == ("user", "user")
    # Where there is nothing to fix, nothing is reported.
    key = next(name for name in BODIES[client] if name != "max_tokens")
    plain: Json = {"model": "m", **BODIES[client], key: BODIES[client][key][:1]}
    assert "changed" not in stage.generate(client, plain).decision.translation


@pytest.mark.parametrize("client", EMPTY)
def test_messages_that_say_nothing_are_left_out_once_they_were_refused(client: Shape) -> None:
    upstream = UpstreamSettings("up", "http://up.example/v1", kinds.OTHER)
    sent: list[UpstreamCall] = []

    def answer(call: UpstreamCall) -> Answer:
        sent.append(call)
        return moonshot(call)

    stage = Scene(answer, upstream, rules=(ModelRule("m", endpoints=(Shape.CHAT,)),))
    for attempts in (2, 1):
        sent.clear()
        again = stage.generate(client, {"model": "m", **EMPTY[client]})
        assert again.reply.status == 200
        assert again.decision.translation == (
            f"from={client}; to=chat; changed=content:empty->left out"
        )
        assert len([call for call in sent if call.method == "POST"]) == attempts


PREFILLED: dict[Shape, Json] = {
    Shape.CHAT: {"messages": [{"role": "user", "content": "w?"}, SO]},
    Shape.RESPONSES: {"input": [{"role": "user", "content": "w?"}, SO]},
}


def claude(call: UpstreamCall) -> Answer:
    """Refuse to go on after the assistant's last message."""
    if call.method == "GET":
        return json_reply({"data": []})
    assert isinstance(call.body, bytes)
    if msgspec.json.decode(call.body)["messages"][-1]["role"] == "assistant":
        return error_reply(
            400,
            "This model does not support assistant message prefill. The conversation must end "
            "with a user message.",
        )
    block = {"type": "text", "text": "Fine."}
    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {"type": "message", "role": "assistant", "content": [block], "usage": usage}
    return json_reply({"id": "m", **message, "stop_reason": "end_turn"})


@pytest.mark.parametrize("client", PREFILLED)
def test_a_conversation_that_the_assistant_ends_is_asked_to_go_on(client: Shape) -> None:
    upstream = UpstreamSettings("up", "http://up.example/v1", kinds.ANTHROPIC)
    stage = Scene(claude, upstream, rules=(ModelRule("m", endpoints=(Shape.MESSAGES,)),))
    for attempts in (2, 1):
        again = stage.generate(client, {"model": "m", **PREFILLED[client]})
        assert again.reply.status == 200
        assert "messages[-1]:assistant->assistant+user" in again.decision.translation
        assert again.decision.attempts == attempts


def test_a_client_of_messages_gets_the_refusal() -> None:
    upstream = UpstreamSettings("up", "http://up.example/v1", kinds.ANTHROPIC)
    stage = Scene(claude, upstream, rules=(ModelRule("m", endpoints=(Shape.MESSAGES,)),))
    body = {"model": "m", "max_tokens": 5, **PREFILLED[Shape.CHAT]}
    for _ in range(2):
        assert stage.generate(Shape.MESSAGES, body).reply.status == 400
        assert stage.generate(Shape.CHAT, body).reply.status == 200


def said_late(client: Shape, text: str) -> Json:
    """Return a conversation with system messages at its beginning and within it."""
    turns = [
        *({"role": "system", "content": part} for part in ("a", "b")),
        {"role": "user", "content": "w?"},
        SO,
        {"role": "system", "content": text},
        {"role": "user", "content": "Go on"},
    ]
    return {"model": "m", "messages" if client is Shape.CHAT else "input": turns}


TEMPLATE = "System message must be at the beginning."
LLAMA_CPP = (
    "Unable to generate parser for this template. Automatic parser generation failed: \n"
    f"While executing CallExpression at line 85, column 32\nError: Jinja Exception: {TEMPLATE}"
)


@pytest.mark.parametrize("refusal", [TEMPLATE, LLAMA_CPP])
@pytest.mark.parametrize("client", [Shape.CHAT, Shape.RESPONSES])
def test_system_messages_within_a_conversation_are_the_users_once_they_were_refused(
    client: Shape, refusal: str
) -> None:
    sent: list[Any] = []

    def qwen(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return error_reply(404, "Not Found")
        assert isinstance(call.body, bytes)
        sent.append(msgspec.json.decode(call.body)["messages"])
        roles = [message["role"] for message in sent[-1]]
        return error_reply(400, refusal) if "system" in roles[1:] else fine()

    upstream = UpstreamSettings("up", "http://up.example/v1", kinds.LLAMACPP)
    stage = Scene(qwen, upstream, rules=(ModelRule("m", endpoints=(Shape.CHAT,)),))
    for attempts in (2, 1):
        sent.clear()
        again = stage.generate(client, said_late(client, "Plan only."))
        assert again.reply.status == 200
        assert len(sent) == attempts
        assert "changed=role:system->system+user" in again.decision.translation
        assert sent[-1] == [
            {"role": "system", "content": "a\n\nb"},
            {"role": "user", "content": "w?"},
            SO,
            {"role": "user", "content": "<system>\nPlan only.\n</system>\n\nGo on"},
        ]
    plain = {"model": "m", **BODIES[client]}
    assert "changed" not in stage.generate(client, plain).decision.translation


BRIEFED: dict[Shape, Json] = {
    Shape.CHAT: {"messages": [{"role": "system", "content": "Be kind."}, HI]},
    Shape.RESPONSES: {"instructions": "Be kind.", "input": "Hi"},
    Shape.MESSAGES: {"max_tokens": 50, "system": "Be kind.", "messages": [HI]},
}
GEMINI = "Developer instruction is not enabled for models/gemma-3-27b-it"


@pytest.mark.parametrize("refusal", ["System role not supported", GEMINI])
@pytest.mark.parametrize("client", BRIEFED)
def test_all_system_messages_are_the_users_once_they_were_refused(
    client: Shape, refusal: str
) -> None:
    sent: list[Any] = []

    def gemma(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return error_reply(404, "Not Found")
        assert isinstance(call.body, bytes)
        sent.append(msgspec.json.decode(call.body)["messages"])
        return error_reply(400, refusal) if sent[-1][0]["role"] == "system" else fine()

    upstream = UpstreamSettings("up", "http://up.example/v1", kinds.VLLM)
    stage = Scene(gemma, upstream, rules=(ModelRule("m", endpoints=(Shape.CHAT,)),))
    for attempts in (2, 1):
        sent.clear()
        again = stage.generate(client, {"model": "m", **BRIEFED[client]})
        assert again.reply.status == 200
        assert len(sent) == attempts
        assert "changed=roles:system->user" in again.decision.translation
        assert sent[-1] == [{"role": "user", "content": "<system>\nBe kind.\n</system>\n\nHi"}]


def at_once(client: Shape) -> Json:
    """Return a conversation with two calls in a turn."""
    ids = ("call_1", "call_2")
    if client is Shape.RESPONSES:
        calls = [
            {"type": "function_call", "call_id": each, "name": "f", "arguments": "{}"}
            for each in ids
        ]
        outputs = [
            {"type": "function_call_output", "call_id": each, "output": each} for each in ids
        ]
        return {"input": [{"role": "user", "content": "w?"}, *calls, *outputs]}
    if client is Shape.MESSAGES:
        uses = [{"type": "tool_use", "id": each, "name": "f", "input": {}} for each in ids]
        results = [{"type": "tool_result", "tool_use_id": each, "content": each} for each in ids]
        turns = [("user", "w?"), ("assistant", uses), ("user", results)]
        return {
            "max_tokens": 50,
            "messages": [{"role": role, "content": content} for role, content in turns],
        }
    made = [
        {"id": each, "type": "function", "function": {"name": "f", "arguments": "{}"}}
        for each in ids
    ]
    told = [{"role": "tool", "tool_call_id": each, "content": each} for each in ids]
    asked = [{"role": "user", "content": "w?"}, {"role": "assistant", "tool_calls": made}]
    return {"messages": [*asked, *told]}


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize("client", BODIES)
def test_calls_at_once_come_one_by_one_after_a_templates_refusal(
    client: Shape, status: int
) -> None:
    def llama(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"data": []})
        assert isinstance(call.body, bytes)
        turns = msgspec.json.decode(call.body)["messages"]
        if any(len(turn.get("tool_calls") or ()) > 1 for turn in turns):
            said = "This model only supports single tool-calls at once!"
            return error_reply(status, said, type="BadRequestError")
        return fine()

    upstream = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.VLLM)
    stage = Scene(llama, upstream, rules=(ModelRule("m", endpoints=(Shape.CHAT,)),))

    async def scenario() -> None:
        for attempts in (2, 1):
            result = await stage.call(client, {"model": "m", **at_once(client)})
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            assert "changed=tool_calls:parallel->single" in result.decision.translation
            turns = stage.network.bodies()[-1]["messages"]
            assert [turn["role"] for turn in turns[1:]] == ["assistant", "tool"] * 2
            ids = [turn["tool_calls"][0]["id"] for turn in turns[1::2]]
            assert ids == [turn["tool_call_id"] for turn in turns[2::2]]

    asyncio.run(scenario())
