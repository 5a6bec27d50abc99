"""What Cursor is known to send when its base URL is overridden, over real sockets.

Cursor itself cannot run here: it has no command line that takes a base URL, and its requests come
from its maker's servers. The bodies are those that its users and the authors of other proxies have
recorded (docs/clients.md names the sources). All settings are the defaults.
"""

from collections.abc import Iterator
from typing import Any

import httpx2
import msgspec
import pytest

from gateway.config.operator_settings import AdminSettings
from gateway.config.settings import ModelRule, Settings, UpstreamSettings
from gateway.demo import emulator
from gateway.shapes import Json
from tests import kinds
from tests.clients.running import Stage, openai_upstream, running_gateway
from tests.rows import module_fixture

HEADERS = {"authorization": "Bearer sk-test", "user-agent": "Cursor/1.0"}
PATCH: Json = {
    "type": "custom",
    "name": "ApplyPatch",
    "description": "Use this tool to edit files.",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
}
READ: Json = {
    "type": "function",
    "name": "Read",
    "description": "Reads a file.",
    "parameters": {
        "type": "object",
        "properties": {"path": {"type": "string"}},
        "required": ["path"],
    },
}
AGENT: Json = {
    "user": "4a1d7a5c",
    "input": [
        {"role": "system", "content": "You are an AI coding assistant."},
        {"role": "user", "content": [{"type": "input_text", "text": "call Read"}]},
    ],
    "stream": True,
    "store": False,
    "include": ["reasoning.encrypted_content"],
    "reasoning": {"effort": "medium", "summary": "auto"},
    "text": {"verbosity": "low"},
    "metadata": {"cursorConversationId": "c-1"},
    "prompt_cache_retention": "24h",
    "stream_options": {"include_usage": True},
    "tools": [READ, PATCH],
    "tool_choice": "auto",
}
MODELS = {
    "gpt-5-codex": "/v1/responses",
    "gpt-5.4-mini": "/v1/responses",
    "gpt-3.5-turbo": "/v1/chat/completions",
    "claude-demo-opus-5": "/v1/messages",
}


@module_fixture
def running() -> Iterator[Stage]:
    with emulator.serve() as served:
        anthropic = UpstreamSettings("anthropic", served.base_url, kinds.ANTHROPIC)
        settings = Settings(
            (openai_upstream(served.base_url), anthropic),
            models=(ModelRule("claude-*", upstream="anthropic"),),
            admin=AdminSettings(port=0),
        )
        with running_gateway(settings) as gateway:
            yield Stage(served, gateway)


def post(base_url: str, body: Json) -> httpx2.Response:
    with httpx2.Client(timeout=10, trust_env=False) as client:
        return client.post(f"{base_url}/chat/completions", json=body, headers=HEADERS)


def chunks_of(reply: httpx2.Response) -> list[Any]:
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"].startswith("text/event-stream")
    lines = [line[6:] for line in reply.text.splitlines() if line.startswith("data: ")]
    assert lines[-1] == "[DONE]"
    return [msgspec.json.decode(line) for line in lines[:-1]]


def calls_of(chunks: list[Any]) -> list[Json]:
    """Return the calls as Cursor reads them: it takes all for those of functions."""
    calls: list[Json] = []
    for piece in (
        piece
        for chunk in chunks
        for choice in chunk["choices"]
        for piece in choice["delta"].get("tool_calls", ())
    ):
        if piece["index"] == len(calls):
            calls.append({"id": piece["id"], "name": piece["function"]["name"], "arguments": ""})
        calls[piece["index"]]["arguments"] += piece["function"].get("arguments", "")
    return calls


@pytest.mark.parametrize("model", MODELS)
def test_an_agents_turns_work_at_every_home(running: Stage, model: str) -> None:
    reply = post(running.base_url, {**AGENT, "model": model})
    chunks = chunks_of(reply)
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert reply.headers["x-gateway-endpoint"] == MODELS[model]
    assert reply.headers["x-gateway-translation"].startswith("from=chat; body=responses; to=")
    (call,) = calls_of(chunks)
    assert call["name"] == "Read"
    assert chunks[-1]["usage"]["total_tokens"] > 0

    result = {"type": "function_call_output", "call_id": call["id"], "output": "print()"}
    made = {"type": "function_call", "call_id": call["id"], "name": "Read"}
    history = [*AGENT["input"], {**made, "arguments": call["arguments"]}, result]
    chunks = chunks_of(post(running.base_url, {**AGENT, "model": model, "input": history}))
    said = "".join(
        choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"]
    )
    assert "print()" in said


FUNCTION: Json = {name: value for name, value in READ.items() if name != "type"}
BARE: Json = {"name": "Read", "description": "Reads.", "input_schema": READ["parameters"]}
ASKED: list[Json] = [
    {"role": "system", "content": "You are an AI coding assistant."},
    {"role": "user", "content": [{"type": "text", "text": "call Read"}]},
]


def openais_turn(call: Json) -> list[Json]:
    function = {"name": call["name"], "arguments": call["arguments"]}
    made = {"id": call["id"], "type": "function", "index": 0, "function": function}
    return [
        {"role": "assistant", "content": [], "tool_calls": [made]},
        {"role": "tool", "name": "Read", "tool_call_id": call["id"], "content": "print()"},
    ]


def anthropics_turn(call: Json) -> list[Json]:
    given = msgspec.json.decode(call["arguments"])
    used = {"type": "tool_use", "id": call["id"], "name": call["name"], "input": given}
    result = {"type": "tool_result", "tool_use_id": call["id"], "content": "print()"}
    return [
        {"role": "assistant", "content": [{"type": "text", "text": "Reading."}, used]},
        {"role": "user", "content": [result]},
    ]


MIXED = {
    "openai": ([{"type": "function", "function": FUNCTION}, PATCH], openais_turn),
    "anthropic": ([BARE], anthropics_turn),
}


@pytest.mark.parametrize("model", [*MODELS, "gpt-4o-mini"])
@pytest.mark.parametrize("form", MIXED)
def test_so_do_those_of_chat_bodies_with_parts_of_other_shapes(
    running: Stage, model: str, form: str
) -> None:
    tools, next_turn = MIXED[form]
    body: Json = {"model": model, "tools": tools, "stream": True, "user": "4a1d7a5c"}
    body["stream_options"] = {"include_usage": True}
    chunks = chunks_of(post(running.base_url, {**body, "messages": ASKED}))
    (call,) = calls_of(chunks)
    assert call["name"] == "Read"
    messages = [*ASKED, *next_turn(call)]
    chunks = chunks_of(post(running.base_url, {**body, "messages": messages}))
    said = "".join(
        choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"]
    )
    assert "print()" in said


@pytest.mark.parametrize("model", MODELS)
def test_a_whole_reply_is_a_chat_completion(running: Stage, model: str) -> None:
    body = {"model": model, "input": "Say hello"}
    completion = post(running.base_url, body).json()
    assert completion["object"] == "chat.completion"
    assert completion["choices"][0]["message"]["content"] == "You said: Say hello"


def test_a_base_model_answers_a_question(running: Stage) -> None:
    reply = post(running.base_url, {"model": "davinci-002", "input": "Say hello"})
    assert reply.status_code == 200
    assert reply.json()["object"] == "chat.completion"
    assert reply.headers["x-gateway-endpoint"] == "/v1/completions"


@pytest.mark.parametrize("model", ["gpt-5-codex", "gpt-3.5-turbo"])
def test_without_the_gateway_such_a_body_is_refused(running: Stage, model: str) -> None:
    reply = post(running.upstream.base_url, {**AGENT, "model": model})
    assert reply.status_code in (400, 404)


@pytest.mark.parametrize("model", ["gpt-5-codex", "gpt-3.5-turbo", "claude-demo-opus-5"])
def test_an_unknown_item_is_refused_by_its_own_name(running: Stage, model: str) -> None:
    body = {"model": model, "input": [{"role": "user", "content": "Hi"}, {"type": "mystery"}]}
    reply = post(running.base_url, body)
    assert reply.status_code == 400
    assert reply.json()["error"]["param"].startswith("input[1]")
