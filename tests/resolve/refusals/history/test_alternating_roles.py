"""Roles alternate where a template has refused that they do not."""

from copy import deepcopy
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.resolve.refusals.classify import Verdict, classify
from gateway.resolve.refusals.history.alternating_roles import with_alternating_roles
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Scene, chat_completion
from tests.fakes import Answer, FakeReply, json_reply
from tests.translate.messages_upstreams import message, text

MISTRAL = (
    "After the optional system message, conversation roles must alternate user and assistant roles "
    "except for tool calls and results."
)
GEMMA = "Conversation roles must alternate user/assistant/user/assistant/..."
TEXTS = [
    MISTRAL,
    GEMMA,
    f"{GEMMA} {GEMMA}",  # vLLM
    "After the optional system message, conversation roles must alternate user/assistant/user/...",
    f"{GEMMA} at row 19, column 27:\n {{%- if -%}}",  # jan#6254
    f"\n------------\nWhile executing CallExpression\nError: Jinja Exception: {MISTRAL}",
    f"Template error: syntax error: {GEMMA} (in <string>:1)",  # text-generation-inference#3198
    f'Error rendering prompt with jinja template: "{MISTRAL}".',
]
CALL: Json = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize("message", TEXTS)
@pytest.mark.parametrize("status", [400, 422, 500])
def test_the_words_are_known(message: str, status: int) -> None:
    body = {"error": {"message": message, "type": "server_error"}}
    refusal = classify(Shape.CHAT, status, body, model="m", sent={"messages"})
    assert refusal.verdict is Verdict.UNSUPPORTED_PARAMETER
    assert refusal.fixes == (ParameterFix("fill", "messages[role]"),)
    at_messages = classify(Shape.MESSAGES, status, body, model="m", sent={"messages"})
    assert at_messages.fixes == refusal.fixes
    assert classify(Shape.COMPLETIONS, status, body, model="m").verdict is Verdict.OTHER


@pytest.mark.parametrize(
    "message",
    ["The user says that conversation roles must alternate user/assistant", "Roles must alternate"],
)
def test_other_words_are_not(message: str) -> None:
    body = {"error": {"message": message}}
    assert classify(Shape.CHAT, 400, body, model="m", sent={"messages"}).verdict is Verdict.OTHER


def said(role: str, content: Any, **more: Any) -> Json:
    return {"role": role, "content": content, **more}


PART: Json = {"type": "text", "text": "p"}
RESULT: Json = {"type": "tool_result", "tool_use_id": "c", "content": "1"}
ROWS: dict[str, tuple[list[object], list[object]]] = {
    "users": ([said("user", "a"), said("user", "b")], [said("user", "a\n\nb")]),
    "parts": (
        [said("user", "a"), said("user", [PART])],
        [said("user", [{"type": "text", "text": "a"}, PART])],
    ),
    "assistants": (
        [said("user", "a"), said("assistant", "b"), said("assistant", "c"), said("user", "d")],
        [said("user", "a"), said("assistant", "b\n\nc"), said("user", "d")],
    ),
    "a call after a text": (
        [said("assistant", "b"), said("assistant", None, tool_calls=[CALL])],
        [said("assistant", "b", tool_calls=[CALL])],
    ),
    "calls": (
        [said("assistant", None, tool_calls=[CALL]), said("assistant", "b")],
        [said("assistant", None, tool_calls=[CALL]), said("assistant", "b")],
    ),
    "results": (
        [said("tool", "1", tool_call_id="c"), said("tool", "2", tool_call_id="d")],
        [said("tool", "1", tool_call_id="c"), said("tool", "2", tool_call_id="d")],
    ),
    "a user after a result": (
        [said("tool", "1", tool_call_id="c"), said("user", "a"), said("user", "b")],
        [said("tool", "1", tool_call_id="c"), said("assistant", "Done."), said("user", "a\n\nb")],
    ),
    "systems": (
        [said("system", "s"), said("developer", "t"), said("user", "a"), said("system", "u")],
        [said("system", "s\n\nt"), said("user", "a\n\n<system>\nu\n</system>")],
    ),
    "a text beside results": (
        [said("user", [PART, RESULT]), said("user", "a")],
        [
            said("user", [RESULT]),
            said("assistant", "Done."),
            said("user", [PART, {"type": "text", "text": "a"}]),
        ],
    ),
    "results alone": ([said("user", [RESULT, RESULT])], [said("user", [RESULT, RESULT])]),
    "odd": ([5, "a", 5], [5, "a", 5]),
    "nothing": ([], []),
}


@pytest.mark.parametrize(("given", "sent"), ROWS.values(), ids=ROWS.keys())
def test_rows_become_one_message(given: list[object], sent: list[object]) -> None:
    before = deepcopy(given)
    assert list(with_alternating_roles(given)) == sent
    assert list(with_alternating_roles(sent)) == sent
    assert given == before


def as_llama_cpp_reads(message: Json) -> list[Json]:
    """Return a message of a messages request as llama.cpp has it at chat: the text comes first."""
    blocks = message["content"] if isinstance(message["content"], list) else [PART]
    kinds = [block["type"] for block in blocks]
    read = [said("tool", "")] * kinds.count("tool_result")
    if len(read) < len(kinds):
        calls = {"tool_calls": [CALL]} if "tool_use" in kinds else {}
        read.insert(0, said(message["role"], "", **calls))
    return read


def mistral(call: UpstreamCall) -> Answer:
    """Answer as its template does, which skips calls and results."""
    if call.method == "GET":
        return json_reply({"data": []})
    assert isinstance(call.body, bytes)
    messages = msgspec.json.decode(call.body)["messages"]
    at_messages = call.path == "/messages"
    if at_messages:
        messages = [read for each in messages for read in as_llama_cpp_reads(each)]
    if messages[0]["role"] == "system":
        del messages[0]
    turns = [m["role"] for m in messages if m["role"] != "tool" and not m.get("tool_calls")]
    if all(role == ("user", "assistant")[at % 2] for at, role in enumerate(turns)):
        return json_reply(message(text("Hi")) if at_messages else chat_completion())
    error = {"error": {"code": 500, "message": f"Jinja Exception: {MISTRAL}", "type": "x"}}
    return FakeReply(500, ((b"content-type", b"application/json"),), (msgspec.json.encode(error),))


CHAT: list[object] = [
    said("system", "s"),
    said("user", "a"),
    said("assistant", None, tool_calls=[CALL]),
    said("tool", "denied", tool_call_id="c"),
    said("user", "b"),
    said("user", "c"),
]
INPUT: list[object] = [
    *({"role": "user", "content": text} for text in "ab"),
    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "c", "output": "denied"},
    {"role": "user", "content": "c"},
]


USE: Json = {"type": "tool_use", "id": "c", "name": "f", "input": {}}
MESSAGES: list[object] = [
    said("user", "a"),
    said("assistant", [USE]),
    said("user", [RESULT, {"type": "text", "text": "<system-reminder>b</system-reminder>"}]),
]


@pytest.mark.parametrize(
    ("client", "home", "body"),
    [
        (Shape.CHAT, Shape.CHAT, {"messages": CHAT}),
        (Shape.RESPONSES, Shape.CHAT, {"input": INPUT}),
        (Shape.MESSAGES, Shape.CHAT, {"messages": MESSAGES, "max_tokens": 9}),
        (Shape.MESSAGES, Shape.MESSAGES, {"messages": MESSAGES, "max_tokens": 9}),
        # Rows are joined before the first call there; a text beside results is not parted.
        (Shape.CHAT, Shape.MESSAGES, {"messages": CHAT, "max_tokens": 9}),
        (Shape.RESPONSES, Shape.MESSAGES, {"input": INPUT, "max_output_tokens": 99}),
    ],
)
def test_a_conversation_goes_on_in_spite_of_it(client: Shape, home: Shape, body: Json) -> None:
    upstream = UpstreamSettings("up", "http://up.example/v1", kinds.LLAMACPP)
    stage = Scene(mistral, upstream, rules=(ModelRule("m", endpoints=(home,)),))
    for attempts in (2, 1):
        served = stage.generate(client, {"model": "m", **body})
        assert (served.reply.status, served.decision.attempts) == (200, attempts)
        assert "changed=messages[role]:repeated->joined" in served.decision.translation
    alternating = {"model": "m", "messages": [said("user", "a")], "max_tokens": 9}
    assert "messages[role]" not in stage.generate(home, alternating).decision.translation
