"""A turn of Claude Code 2.1, as it sends it, with a model at each endpoint."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.errors import GatewayError, InvalidRequest
from gateway.shapes import Json, RawHeaders, Shape, UpstreamCall
from gateway.translate.stream.sse import encode_events, terminator
from tests import kinds
from tests.exchange.scene import ALICE, OPENAI, Exchanged, Scene, chat_chunk, chat_completion
from tests.fakes import EVENT_STREAM, FakeReply, json_reply
from tests.messages_grammar import read_broken, read_message
from tests.translate.chat_via_responses import cases
from tests.translate.messages_upstreams import message, text

VLLM = UpstreamSettings("vllm", "http://127.0.0.1:8000/v1", kinds.VLLM)
BETAS = b"claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27"
HEADERS: RawHeaders = (
    *ALICE,
    (b"anthropic-version", b"2023-06-01"),
    (b"anthropic-beta", BETAS),
    (b"x-claude-code-session-id", b"0b5a"),
)
CACHED = {"cache_control": {"type": "ephemeral"}}
TURN: Json = {
    "model": "m",
    "max_tokens": 32_000,
    "thinking": {"type": "adaptive", "display": "omitted"},
    "output_config": {"effort": "high"},
    "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    "metadata": {"user_id": '{"device_id":"d","account_uuid":"","session_id":"0b5a"}'},
    "system": [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1; cc_entrypoint=cli;"},
        {"type": "text", "text": "You are an agent.", **CACHED},
    ],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Say OK"}]},
        {"role": "system", "content": [{"type": "text", "text": "# Environment", **CACHED}]},
    ],
    "tools": [
        {
            "name": "Bash",
            "description": "Run it.",
            "input_schema": {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "type": "object",
                "properties": {"command": {"type": "string"}},
                "required": ["command"],
                "additionalProperties": False,
            },
        },
        {
            "name": "DeferredToolPlaceholder",
            "input_schema": {"type": "object"},
            "defer_loading": True,
        },
    ],
}
CALL = {"id": "call_1", "type": "function", "function": {"name": "Bash", "arguments": ""}}
ARGUMENTS = '{"command":"echo \\"h\\u00e9\\""}'
THOUGHT = cases.reasoning(summary=["Hm."], encrypted_content="sealed-by-openai")
ANSWER = cases.response(
    THOUGHT, cases.message(cases.text("Running.")), cases.function_call("Bash", ARGUMENTS)
)


def chat_events() -> list[Json]:
    first = {"index": 0, **CALL}
    rest = [
        {"index": 0, "function": {"arguments": piece}} for piece in (ARGUMENTS[:19], ARGUMENTS[19:])
    ]
    deltas = [{"tool_calls": [piece]} for piece in (first, *rest)]
    chunks = [chat_chunk("Running"), chat_chunk(".")]
    for delta in deltas:
        chunk = chat_chunk()
        chunk["choices"][0]["delta"] = delta
        chunks.append(chunk)
    usage = {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10}
    last = chat_chunk(usage=usage)
    return [*chunks, chat_chunk(finish="tool_calls"), {**last, "choices": []}]


def chat_reply() -> Json:
    reply = chat_completion("Running.")
    function = {"name": "Bash", "arguments": ARGUMENTS}
    said = {
        "role": "assistant",
        "content": "Running.",
        "tool_calls": [{**CALL, "function": function}],
    }
    reply["choices"][0] |= {"message": said, "finish_reason": "tool_calls"}
    return reply


EVENTS = {Shape.CHAT: chat_events(), Shape.RESPONSES: cases.events_of(ANSWER)}
WHOLE = {Shape.CHAT: chat_reply(), Shape.RESPONSES: ANSWER}
HOMES = tuple(EVENTS)


def asked(
    home: Shape, reply: FakeReply, upstream: UpstreamSettings = OPENAI, **more: Any
) -> tuple[Exchanged, UpstreamCall]:
    scene = Scene(lambda _: reply, upstream, rules=(ModelRule("m", endpoints=(home,)),))
    result = scene.generate(Shape.MESSAGES, {**TURN, **more}, headers=HEADERS)
    return result, scene.network.calls[-1]


def streamed(
    home: Shape, events: Sequence[Json], size: int = 0, *, ended: bool = True
) -> FakeReply:
    pieces = [encode_events(home, [event]) for event in events]
    whole = b"".join(pieces) + (terminator(home) if ended else b"")
    if size:
        pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    elif ended:
        pieces.append(terminator(home))
    return FakeReply(200, EVENT_STREAM, pieces)


def said(content: Sequence[Json]) -> list[Json]:
    """Return what the blocks say, without what is new each time."""
    return [{k: v for k, v in block.items() if k not in ("id", "signature")} for block in content]


SAID = [
    {"type": "text", "text": "Running."},
    {"type": "tool_use", "name": "Bash", "input": {"command": 'echo "hé"'}},
]


@pytest.mark.parametrize("home", HOMES)
def test_the_reply_is_the_same_whole_and_in_any_pieces(home: Shape) -> None:
    whole = asked(home, json_reply(WHOLE[home]))[0].json
    thought = [{"type": "thinking", "thinking": ""}] if home is Shape.RESPONSES else []
    assert said(whole["content"]) == thought + SAID
    assert whole["stop_reason"] == "tool_use"
    for size in (0, 1, 7, 10_000):
        result, _ = asked(home, streamed(home, EVENTS[home], size), stream=True)
        assert b"[DONE]" not in result.body
        read = read_message(result.events)
        assert said(read["content"]) == said(whole["content"])
        assert read["stop_reason"] == "tool_use"


def outcome(home: Shape, reply: FakeReply) -> list[Json] | GatewayError:
    """Return the events that the client gets, or the error in their place."""
    try:
        return asked(home, reply, stream=True)[0].events
    except GatewayError as error:
        return error


@pytest.mark.parametrize("home", HOMES)
def test_a_stream_that_is_cut_off_at_any_event_never_looks_complete(home: Shape) -> None:
    events = EVENTS[home]
    ends = len(events) - 2 if home is Shape.CHAT else len(events) - 1
    for length in range(1, ends + 1):
        reply = streamed(home, events[:length], ended=False)
        seen = outcome(home, reply)
        if isinstance(seen, GatewayError):
            assert seen.status == 502
        else:
            read_broken(seen)
            assert seen[-1]["type"] == "error"


@pytest.mark.parametrize(
    ("home", "upstream"),
    [(Shape.CHAT, OPENAI), (Shape.CHAT, VLLM), (Shape.RESPONSES, OPENAI)],
)
def test_what_the_model_gets(home: Shape, upstream: UpstreamSettings) -> None:
    result, call = asked(home, json_reply(WHOLE[home]), upstream)
    assert isinstance(call.body, bytes)
    assert (call.path, call.query) == (home.path, b"")
    # Neither the accounting of Anthropic's, nor a tool that is not loaded yet.
    assert b"billing" not in call.body
    assert b"Deferred" not in call.body
    assert b"context_management" not in call.body
    sent = msgspec.json.decode(call.body)
    assert b"# Environment" in call.body
    assert "You are an agent." in str(sent)
    assert len(sent["tools"]) == 1
    if upstream is OPENAI:
        assert sent["prompt_cache_key"]
        effort = (
            sent["reasoning"]["effort"] if home is Shape.RESPONSES else sent["reasoning_effort"]
        )
        assert effort == "high"
    assert "context_management" in result.decision.translation


def test_at_messages_nothing_is_touched() -> None:
    raw = msgspec.json.format(msgspec.json.encode(TURN))
    scene = Scene(
        lambda _: json_reply(message(text("OK"))),
        VLLM,
        rules=(ModelRule("m", endpoints=(Shape.MESSAGES,)),),
    )
    scene.generate(Shape.MESSAGES, raw, headers=HEADERS)
    (call,) = scene.network.calls
    assert (call.path, call.body) == ("/messages", raw)
    assert set(HEADERS) <= set(call.client_headers)


def test_completions_have_no_tools() -> None:
    with pytest.raises(InvalidRequest) as raised:
        asked(Shape.COMPLETIONS, json_reply({}))
    assert raised.value.param == "tools"


def next_turn(content: Sequence[Json], *, secret: str = "s" * 32) -> Json:
    """Return what is sent when the client, of another process, gives a reply back."""
    rule = ModelRule("m", endpoints=(Shape.RESPONSES,))
    scene = Scene(lambda _: json_reply(ANSWER), rules=(rule,), secret=secret)
    uses = [block["id"] for block in content if block["type"] == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": each, "content": "hé"} for each in uses]
    turns = [{"role": "assistant", "content": content}, {"role": "user", "content": results}]
    more = {"messages": [*TURN["messages"], *turns]}
    scene.generate(Shape.MESSAGES, {**TURN, **more}, headers=HEADERS)
    sent: Json = scene.network.bodies()[-1]
    return sent


def reasoning_in(sent: Json) -> list[Any]:
    return [item["encrypted_content"] for item in sent["input"] if item.get("type") == "reasoning"]


def test_encrypted_reasoning_comes_back_through_the_client_after_a_restart() -> None:
    content = asked(Shape.RESPONSES, json_reply(ANSWER))[0].json["content"]
    assert "sealed-by-openai" not in str(content)
    assert reasoning_in(next_turn(content)) == ["sealed-by-openai"]


def test_what_does_not_open_is_dropped_and_no_error() -> None:
    content = asked(Shape.RESPONSES, json_reply(ANSWER))[0].json["content"]
    assert reasoning_in(next_turn(content, secret="o" * 32)) == []
    spoiled = [{**content[0], "signature": content[0]["signature"][:-4] + "AAAA"}, *content[1:]]
    assert reasoning_in(next_turn(spoiled)) == []
