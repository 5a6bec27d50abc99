"""Half a character, escaped within the arguments of a call, never fails a request or a reply.

Where a translation reads the arguments, the half becomes U+FFFD; where they stay a text, they are
passed on as they are written.
"""

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Translation
from gateway.translate.plan import plan
from gateway.translate.stream.folding.replies import events_as_whole
from gateway.translate.stream.sse import SSEDecoder, encode_events
from tests.fast.agents.both import admitted
from tests.translate.messages_upstreams import CLAUDE, context

COMPLETIONS, CHAT, RESPONSES, MESSAGES = Shape
ESCAPED = '{"a\\udc00":"\\ud83d"}'
"""The arguments as clients and models write them."""
READ = {"a\ufffd": "\ufffd"}
HALF = "\\ud83d"


def of(home: Shape) -> Context:
    wraps = replace(CLAUDE, custom_tools=False, may_stream_unasked=home is not MESSAGES)
    return context(wraps)


def chat(name: str = "f", arguments: str = ESCAPED, **more: Any) -> Json:
    call = {"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [{**call, **more}]}


REQUESTS: dict[Shape, Json] = {
    CHAT: {
        "messages": [
            {"role": "user", "content": "x"},
            chat(),
            {"role": "tool", "tool_call_id": "c1", "content": "y"},
        ],
        "tools": [{"type": "function", "function": {"name": "f"}}],
    },
    RESPONSES: {
        "input": [
            {"role": "user", "content": "x"},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": ESCAPED},
            {"type": "function_call_output", "call_id": "c1", "output": "y"},
        ],
        "tools": [{"type": "function", "name": "f"}],
    },
}


@pytest.mark.parametrize("client", REQUESTS)
@pytest.mark.parametrize("home", [CHAT, RESPONSES, MESSAGES])
def test_requests_with_such_a_call_are_sent(client: Shape, home: Shape) -> None:
    (call,) = plan(client, home, {"model": "m", **REQUESTS[client]}, of(home)).calls
    sent = msgspec.json.encode(call)
    if home is MESSAGES:
        assert msgspec.json.encode(READ) in sent
    else:
        assert msgspec.json.encode(ESCAPED) in sent


CALLS: dict[str, tuple[str, str, str]] = {
    # The name, the arguments, and what a response has of them.
    "custom": ("patch", f'{{"input":"a{HALF}"}}', '"input":"a\ufffd"'),
    "shell": ("shell", f'{{"commands":["ls {HALF}"]}}', '"commands":["ls \ufffd"]'),
    "local_shell": ("local_shell", f'{{"command":["{HALF}"]}}', '"command":["\ufffd"]'),
    "apply_patch": (
        "apply_patch",
        f'{{"type":"delete_file","path":"{HALF}"}}',
        '"path":"\ufffd"',
    ),
    "tool_search": ("tool_search", f'{{"q":"{HALF}"}}', '"arguments":{"q":"\ufffd"}'),
}
TOOLS: list[Json] = [
    {"type": "custom", "name": "patch"},
    {"type": "shell", "environment": {"type": "local"}},
    {"type": "local_shell"},
    {"type": "apply_patch"},
    {"type": "tool_search", "execution": "client"},
]
ASKING: Json = {"model": "m", "input": "x", "tools": TOOLS}


def chat_reply(name: str, arguments: str) -> Json:
    choice = {"index": 0, "message": chat(name, arguments), "finish_reason": "tool_calls"}
    return {"id": "x", "object": "chat.completion", "model": "m", "choices": [choice]}


def chat_events(name: str, arguments: str) -> list[Json]:
    def chunk(delta: Json, reason: str | None = None) -> Json:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return {"id": "x", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}

    (call,) = chat(name, "")["tool_calls"]
    pieces = [arguments[at : at + 3] for at in range(0, len(arguments), 3)]
    return [
        chunk({"tool_calls": [{"index": 0, **call}]}),
        *(
            chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
            for piece in pieces
        ),
        chunk({}, "tool_calls"),
    ]


def message_events(name: str, arguments: str, reason: str = "tool_use") -> list[Json]:
    block = {"type": "tool_use", "id": "toolu_1", "name": name, "input": {}}
    pieces = [arguments[at : at + 3] for at in range(0, len(arguments), 3)]
    return [
        {"type": "message_start", "message": {"id": "msg_1", "model": "m", "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        *(
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "input_json_delta", "partial_json": piece},
            }
            for piece in pieces
        ),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {}},
        {"type": "message_stop"},
    ]


@pytest.mark.parametrize("kind", CALLS)
def test_calls_whose_arguments_are_read_are_the_same_however_they_come(kind: str) -> None:
    name, arguments, read = CALLS[kind]
    for home, reply, events in (
        (CHAT, chat_reply(name, arguments), chat_events(name, arguments)),
        (
            MESSAGES,
            events_as_whole(MESSAGES, message_events(name, arguments)),
            message_events(name, arguments),
        ),
    ):
        whole = plan(RESPONSES, home, ASKING, of(home)).reply([reply])
        stream = plan(RESPONSES, home, {**ASKING, "stream": True}, of(home)).stream()
        sent = [made for event in events for made in stream.feed(0, event)] + stream.end(0)
        last = msgspec.json.decode(SSEDecoder().feed(encode_events(RESPONSES, sent))[-1].data)
        for response in (whole, last["response"]):
            assert response["status"] == "completed"
            assert read in msgspec.json.encode(response["output"]).decode()


def response_events(name: str, arguments: str) -> list[Json]:
    item = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": name}
    done = {**item, "arguments": arguments, "status": "completed"}
    pieces = [arguments[at : at + 3] for at in range(0, len(arguments), 3)]
    delta = {"type": "response.function_call_arguments.delta", "item_id": "fc_1"}
    response = {"id": "resp_1", "model": "m", "status": "completed", "output": [done]}
    return [
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {**item, "arguments": ""},
        },
        *({**delta, "output_index": 0, "delta": piece} for piece in pieces),
        {"type": "response.output_item.done", "output_index": 0, "item": done},
        {"type": "response.completed", "response": response},
    ]


MESSAGE: Json = {
    "model": "m",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "x"}],
    "tools": [{"name": "f", "input_schema": {"type": "object"}}],
}


@pytest.mark.parametrize(
    ("home", "events"),
    [(CHAT, chat_events("f", ESCAPED)), (RESPONSES, response_events("f", ESCAPED))],
)
@pytest.mark.parametrize("fast", [True, False])
def test_messages_have_them_replaced(home: Shape, events: list[Json], fast: bool) -> None:
    def asking(body: Json) -> Translation:
        if not fast:
            return plan(MESSAGES, home, body, of(home))
        found = admitted(MESSAGES, home, body, of(home))
        assert found is not None
        return found

    whole = asking(MESSAGE).reply([events_as_whole(home, events)])
    assert whole["content"][0]["input"] == READ
    stream = asking({**MESSAGE, "stream": True}).stream()
    sent = [made for event in events for made in stream.feed(0, event)] + stream.end(0)
    deltas = [event["delta"] for event in sent if event["type"] == "content_block_delta"]
    assert json.loads("".join(delta["partial_json"] for delta in deltas)) == READ
    assert len(deltas) > 1


@pytest.mark.parametrize("arguments", ['{"command":["ls"', '{"a": "\\ud8', '{"a": 1e400', "[1"])
@pytest.mark.parametrize(
    ("reason", "word", "status"),
    [
        ("max_tokens", "length", "incomplete"),
        ("model_context_window_exceeded", "length", "incomplete"),
        ("refusal", "content_filter", "incomplete"),
    ],
)
def test_a_stream_that_is_cut_off_in_a_call_is_folded_as_streams_are(
    arguments: str, reason: str, word: str, status: str
) -> None:
    events = message_events("f", arguments, reason)
    reply = events_as_whole(MESSAGES, events)
    chatting = {"model": "m", **REQUESTS[CHAT]}
    (choice,) = plan(CHAT, MESSAGES, chatting, of(MESSAGES)).reply([reply])["choices"]
    assert choice["finish_reason"] == word
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == arguments
    asking = {"model": "m", **REQUESTS[RESPONSES]}
    response = plan(RESPONSES, MESSAGES, asking, of(MESSAGES)).reply([reply])
    assert response["status"] == status
    assert response["output"][0]["arguments"] == arguments
    assert response["output"][0]["status"] == "incomplete"
