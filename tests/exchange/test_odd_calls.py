"""Odd calls of upstreams: a client gets the same of a stream and of a whole reply, as it asked."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.errors import GatewayError
from gateway.shapes import Json, Shape
from tests import kinds
from tests.exchange.scene import Scene
from tests.fakes import EVENT_STREAM, FakeReply, json_reply
from tests.messages_grammar import read_message
from tests.translate.chat_via_responses.cases import folded, item_events
from tests.translate.messages_upstreams import events_of as message_events

CHAT, RESPONSES, MESSAGES = Shape.CHAT, Shape.RESPONSES, Shape.MESSAGES
AGENTS = (CHAT, RESPONSES, MESSAGES)
FUNCTION: Json = {"name": "f", "parameters": {"type": "object"}}
ASKED: dict[tuple[Shape, str], Json] = {
    (CHAT, "function"): {"tools": [{"type": "function", "function": FUNCTION}]},
    (CHAT, "custom"): {"tools": [{"type": "custom", "custom": {"name": "f"}}]},
    (RESPONSES, "function"): {"tools": [{"type": "function", **FUNCTION}]},
    (RESPONSES, "custom"): {"tools": [{"type": "custom", "name": "f"}]},
    (MESSAGES, "function"): {"tools": [{"name": "f", "input_schema": FUNCTION["parameters"]}]},
}
SAID: dict[Shape, Json] = {
    CHAT: {"messages": [{"role": "user", "content": "Hi"}]},
    RESPONSES: {"input": "Hi"},
    MESSAGES: {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 99},
}

Call = dict[str, Any]
"""The `arguments`, the `id` and the `name` of a call, as far as it has them."""

ARGUMENTS: list[Any] = [
    *(None, "", " ", "{}", " { } ", "null", "[]", "1", '"x"', "{", "raw", {}, [], 5, True),
    *({"input": "x"}, '{"input":"x"}', '{"input":""}', '{"input":null}', '{"input":{}}'),
    *('{"other":"x"}', '{"input":"x","more":1}', '{"a":1}{"b":2}', '{"a":1},{"b":2}', "1 2"),
    *(" null ", '""', '"{}"', '"{\\"a\\":1}"', ' "{\\"a\\":\\"\\\\u00e4\\"}" ', '"\\"{}\\""', '"{'),
    *('{}{"b":2}', '{"a":1}{"a":1}', '{"a":1}{"b":2}x', '{"a":1}{"b":', '{"a":1}{}'),
]
ONE: Call = {"arguments": '{"a":1}', "id": "c1", "name": "f"}
OTHER: Call = {"arguments": '{"b":2}', "id": "c2", "name": "f"}


def without(call: Call, *names: str) -> Call:
    return {name: value for name, value in call.items() if name not in names}


CALLS: list[Sequence[Call]] = [
    *([{**ONE, "arguments": given}] for given in ARGUMENTS),
    *([{**ONE, "id": given}] for given in (None, "", 5)),
    *([{**ONE, "name": given}] for given in (None, "", "unknown")),
    *([without(ONE, name)] for name in ONE),
    [ONE, {**OTHER, "id": "c1"}],
    [ONE, {**ONE}],
    [without(ONE, "id"), without(OTHER, "id")],
    [without(ONE, "id"), without(ONE, "id")],
    [{**ONE, "id": ""}, {**OTHER, "id": ""}],
    [without(ONE, "arguments"), OTHER],
    [{**ONE, "arguments": "{}"}, {**OTHER, "arguments": ""}],
]


def chat_calls(calls: Sequence[Call]) -> list[Json]:
    return [
        {"type": "function", "function": without(call, "id"), **without(call, "name", "arguments")}
        for call in calls
    ]


def chat_reply(calls: Sequence[Call], ended: str) -> tuple[Json, list[Json]]:
    made = chat_calls(calls)
    said: Json = {"role": "assistant", "content": None}
    reply = {"index": 0, "message": {**said, "tool_calls": made}, "finish_reason": ended}
    deltas = [said, *({"tool_calls": [{"index": n, **c}]} for n, c in enumerate(made)), {}]
    chunks: list[Json] = [
        {"id": "x", "choices": [{"index": 0, "delta": delta}]} for delta in deltas
    ]
    chunks[-1]["choices"][0]["finish_reason"] = ended
    return {"id": "x", "choices": [reply]}, chunks


def responses_reply(calls: Sequence[Call], ended: str) -> tuple[Json, list[Json]]:
    items: list[Json] = []
    for number, call in enumerate(calls):
        item = {"type": "function_call", "id": f"i{number}", "status": "completed", **call}
        if "id" in call:
            item["call_id"] = call["id"]
        items.append({**item, "id": f"i{number}"})
    response: Json = {"id": "r", "status": ended, "output": items}
    if ended == "incomplete":
        response["incomplete_details"] = {"reason": "max_output_tokens"}
    events = [event for n, item in enumerate(items) for event in _item_events(item, n)]
    return response, [*events, {"type": f"response.{ended}", "response": response}]


def _item_events(item: Json, number: int) -> Iterator[Json]:
    if isinstance(item.get("arguments"), str):
        yield from item_events(item, number)
        return
    for step in ("added", "done"):
        yield {"type": f"response.output_item.{step}", "output_index": number, "item": item}


def messages_reply(calls: Sequence[Call], ended: str) -> tuple[Json, list[Json]]:
    """Return a message whose calls have objects: a stream has nothing else to say."""
    blocks: list[Json] = []
    for call in calls:
        given = call.get("arguments")
        if isinstance(given, str):
            given = msgspec.json.decode(given)
        named = without(call, "arguments")
        blocks.append({"type": "tool_use", **named, "input": given or {}})
    message = {"id": "m", "content": blocks, "stop_reason": ended, "usage": {}}
    whole: Json = {"type": "message", "role": "assistant", "model": "m", **message}
    return whole, message_events({**whole, "stop_sequence": None})


REPLIES: dict[Shape, tuple[Callable[[Sequence[Call], str], tuple[Json, list[Json]]], str, str]] = {
    CHAT: (chat_reply, "tool_calls", "length"),
    RESPONSES: (responses_reply, "completed", "incomplete"),
    MESSAGES: (messages_reply, "tool_use", "max_tokens"),
}


def streamed(events: Sequence[Json]) -> FakeReply:
    data = (b"data: " + msgspec.json.encode(event) + b"\n\n" for event in events)
    return FakeReply(200, EVENT_STREAM, tuple(data))


def heard(client: Shape, home: Shape, kind: str, answer: FakeReply, *, stream: bool) -> Any:
    """Return the calls that a client gets, with their ids if these are the upstream's."""
    upstream = UpstreamSettings("vllm", "http://up.example/v1", kinds.VLLM)
    rule = ModelRule("m", endpoints=(home,))
    scene = Scene(lambda _: replace(answer, closed=False), upstream, rules=(rule,))
    asked = {"model": "m", **SAID[client], **ASKED[client, kind], "stream": stream}
    try:
        result = scene.generate(client, asked)
    except GatewayError as error:
        return error.status
    told = _last(client, result.events) if stream else result.json
    return told if isinstance(told, int) else _calls(client, told)


def _last(client: Shape, events: list[Any]) -> Any:
    """Return the whole reply that a stream makes, or the status of its error."""
    if client is RESPONSES:
        last = events[-1]
        return 502 if last["type"] == "response.failed" else last["response"]
    if any("error" in event for event in events):
        return 502
    if client is MESSAGES:
        return read_message(events)
    return {"choices": [folded([event for event in events if event != "[DONE]"])]}


def _calls(client: Shape, reply: Json) -> list[Any]:
    if client is CHAT:
        found = [
            (call["type"], *call[call["type"]].values(), call["id"])
            for call in reply["choices"][0]["message"].get("tool_calls", ())
        ]
    elif client is RESPONSES:
        found = [
            (item["type"], item["name"], item.get("arguments", item.get("input")), item["call_id"])
            for item in reply["output"]
            if "call_id" in item
        ]
    else:
        found = [
            ("tool_use", block["name"], msgspec.json.encode(block["input"]).decode(), block["id"])
            for block in reply["content"]
        ]
    return [[re.sub("(call|toolu)_[0-9a-f]{32}", "?", each) for each in call] for call in found]


@pytest.mark.parametrize("calls", CALLS)
@pytest.mark.parametrize(("client", "home"), list(permutations((CHAT, RESPONSES), 2)))
@pytest.mark.parametrize("kind", ["function", "custom"])
def test_calls_are_the_same_in_every_delivery(
    client: Shape, home: Shape, kind: str, calls: Sequence[Call]
) -> None:
    make, *ends = REPLIES[home]
    for ended in ends:
        whole, events = make(calls, ended)
        answers = (json_reply(whole), streamed(events))
        told = [
            heard(client, home, kind, answer, stream=stream)
            for answer in answers
            for stream in (False, True)
        ]
        assert told == told[:1] * 4


@pytest.mark.parametrize("calls", CALLS)
@pytest.mark.parametrize("home", [CHAT, RESPONSES])
def test_so_are_those_of_messages_clients(home: Shape, calls: Sequence[Call]) -> None:
    make, ended, _ = REPLIES[home]
    whole, events = make(calls, ended)
    answers = (json_reply(whole), streamed(events))
    told = [
        heard(MESSAGES, home, "function", answer, stream=stream)
        for answer in answers
        for stream in (False, True)
    ]
    assert told == told[:1] * 4


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("null", "{}"),
        (" null ", "{}"),
        ('""', "{}"),
        ('"{}"', "{}"),
        ('"{\\"a\\":1}"', '{"a":1}'),
        (' "{\\"a\\":\\"\\\\u00e4\\"}"', '{"a":"ä"}'),
        ('"\\"{}\\""', 502),
        ('"x"', 502),
        ('"{', 502),
        ("[]", 502),
        ("true", 502),
    ],
)
@pytest.mark.parametrize("home", [CHAT, RESPONSES])
def test_an_input_is_an_object_however_it_is_written(
    home: Shape, given: str, expected: Any
) -> None:
    make, ended, _ = REPLIES[home]
    whole, events = make([{**ONE, "arguments": given}], ended)
    for answer in (json_reply(whole), streamed(events)):
        for stream in (False, True):
            told = heard(MESSAGES, home, "function", answer, stream=stream)
            assert told == (502 if expected == 502 else [["tool_use", "f", expected, "c1"]])


@pytest.mark.parametrize("home", [CHAT, RESPONSES])
def test_of_what_a_limit_has_cut_off_as_much_comes_as_there_is(home: Shape) -> None:
    make, _, cut = REPLIES[home]
    _, events = make([{**ONE, "arguments": '"{\\"a\\":'}], cut)
    rule, asked = (
        ModelRule("m", endpoints=(home,)),
        {**SAID[MESSAGES], **ASKED[MESSAGES, "function"]},
    )
    scene = Scene(lambda _: streamed(events), rules=(rule,))
    received = scene.generate(MESSAGES, {"model": "m", **asked, "stream": True}).events
    deltas = [event["delta"] for event in received if event["type"] == "content_block_delta"]
    assert "".join(delta["partial_json"] for delta in deltas) == '"{\\"a\\":'


OBJECTS = [
    calls
    for calls in CALLS
    if all(isinstance(each.get("arguments"), str) for each in calls)
    and all(re.fullmatch(r'\{("\w+":[^{}]+)?\}', each["arguments"]) for each in calls)
]


@pytest.mark.parametrize("calls", OBJECTS)
@pytest.mark.parametrize("client", [CHAT, RESPONSES])
@pytest.mark.parametrize("kind", ["function", "custom"])
def test_so_are_those_of_messages_homes(client: Shape, kind: str, calls: Sequence[Call]) -> None:
    whole, events = messages_reply(calls, "tool_use")
    answers = (json_reply(whole), streamed(events))
    told = [
        heard(client, MESSAGES, kind, answer, stream=stream)
        for answer in answers
        for stream in (False, True)
    ]
    assert told == told[:1] * 4


@pytest.mark.parametrize("beside", [{"message": None}, {"message": []}, {"message": {}}])
@pytest.mark.parametrize("client", [RESPONSES, MESSAGES])
def test_a_call_in_pieces_is_one_beside_a_message_that_says_nothing(
    client: Shape, beside: Json
) -> None:
    pieces = [{**ONE, "arguments": '{"a"'}, {"arguments": ":1"}, {"arguments": "}"}]
    chunks = [
        {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, **call}]}, **beside}]}
        for call in chat_calls(pieces)
    ]
    ended = {"index": 0, "delta": {}, "finish_reason": "tool_calls", **beside}
    answer = streamed([*chunks, {"choices": [ended]}])
    for stream in (False, True):
        (call,) = heard(client, CHAT, "function", answer, stream=stream)
        assert call[1:3] == ["f", '{"a":1}']
